"""One bucket of an S3 service, synchronous: objects whole and in parts.

What may be tried again safely was tried again. Every body that is sent carries its MD5 for the service to
check, and what the service says that it kept is compared. Everything here blocks and belongs in a thread.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from vault.server.failpoints import Failpoint, reach
from vault.server.ports import (
    ListedObject,
    ObjectDamagedError,
    ObjectLockedError,
    ObjectNotFoundError,
    StagedPart,
    StoreError,
    StoreUnavailableError,
)
from vault.server.stores.s3answers import TransientError, again, extent, numbered
from vault.server.stores.s3calls import Calls
from vault.server.stores.s3digest import agrees, checked, compare, md5
from vault.server.stores.s3line import Body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vault.server.stores.s3digest import Data
    from vault.server.stores.s3line import Place

PAGE: Final = 1000
"""Entries that are listed with one request, the most that S3 gives."""


class Head(NamedTuple):
    """What is known of an object: its length, and the version where the bucket keeps them."""

    size: int
    version: str | None


class Bucket:
    """One bucket; `UntrustedFileError` and `ValueError` say that there is no such place.

    Attributes:
        ask: `Calls.ask`, which sends any request once.
        close: `Calls.close`.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._calls = Calls(place)
        self.ask = self._calls.ask
        self.close = self._calls.close

    # --- whole objects ---------------------------------------------------------------------------------

    def put(self, name: str, data: Data) -> None:
        """Keep an object under a name that is used this once.

        Raises:
            StoreFullError, StoreUnavailableError.
        """
        digest = md5(data)

        def put() -> None:
            answer = self.ask("PUT", name, headers=checked(digest), body=data)
            compare(answer.headers, digest)

        def stands() -> bool:
            try:
                kept = self._head(name)
            except ObjectNotFoundError:
                return False
            return kept.get("content-length") == str(len(data)) and agrees(kept, digest)

        again(put, unless=stands)
        reach(Failpoint.S3_OBJECT_SENT)

    def head(self, name: str) -> Head:
        """Return what is known of an object.

        Raises:
            ObjectNotFoundError, StoreUnavailableError.
        """
        headers = self._head(name)
        return Head(numbered(headers.get("content-length")), headers.get("x-amz-version-id"))

    def open(self, name: str, offset: int, length: int | None) -> Body:
        """Begin to read an object; ``length`` is not 0.

        Raises:
            ObjectNotFoundError, StoreUnavailableError; ObjectDamagedError where it is shorter.
        """
        last = "" if length is None else str(offset + length - 1)
        headers = {} if offset == 0 and length is None else {"Range": f"bytes={offset}-{last}"}
        response = again(lambda: self.ask("GET", name, headers=headers, stream=True))
        try:
            return Body(response, *extent(response.status, response.headers, offset, length))
        except BaseException:
            response.close()
            raise

    def delete(self, name: str, *, versioned: bool) -> None:
        """Remove an object, with all its versions where the bucket keeps them.

        Raises:
            ObjectLockedError, StoreUnavailableError.
        """
        if not versioned:
            self._delete(name, {})
            return
        for version in again(lambda: self._calls.versions(name)):
            begun = datetime.now(UTC)  # its time may be over before it is asked for
            try:
                self._delete(name, {"versionId": version})
            except StoreUnavailableError:
                if self._is_locked(name, version, begun):
                    raise ObjectLockedError("the object may not be removed yet") from None
                raise

    def keeps_versions(self) -> bool:
        """Whether removing an object would leave a version of it behind.

        Raises:
            StoreUnavailableError.
        """
        return self.versioning() != "off"

    def versioning(self) -> str:
        """Return off, enabled or suspended.

        Raises:
            StoreUnavailableError.
        """
        state = again(self._calls.versioning)
        return state.lower() if state in {"Enabled", "Suspended"} else "off"

    def locks(self) -> bool:
        """Return whether objects here can be kept from being removed.

        Raises:
            StoreUnavailableError: it cannot be asked now.
        """
        try:
            again(self._calls.lock_configuration)
        except TransientError:
            raise
        except StoreUnavailableError:
            return False
        return True

    def make(self, *, object_lock: bool) -> None:
        """Make the bucket.

        Raises:
            StoreUnavailableError.
        """
        self._calls.make(object_lock=object_lock)

    def retain(self, name: str, until: int, *, compliance: bool) -> None:
        """Let nobody remove an object before ``until``, UTC seconds.

        Raises:
            ObjectNotFoundError, StoreUnavailableError.
        """
        version = self.head(name).version
        again(lambda: self._calls.retain(name, until, compliance=compliance, version=version))

    def objects(self, prefix: str, after: str) -> list[ListedObject]:
        """Return the next objects by name, `PAGE` of them or all that are left.

        Raises:
            StoreUnavailableError.
        """
        return again(lambda: self._calls.objects(prefix, after, PAGE))

    # --- objects in parts ------------------------------------------------------------------------------

    def begin(self, name: str) -> str:
        """Begin an object that is sent in parts, and return the upload's id.

        Raises:
            StoreFullError, StoreUnavailableError.
        """

        def clear() -> bool:
            # One whose id was lost with the answer would stay.
            for upload in self.uploads(name):
                self.abort(name, upload.key.partition("\n")[2])
            return False

        upload = again(lambda: self._calls.begin(name), unless=clear)
        reach(Failpoint.S3_UPLOAD_BEGUN)
        return upload

    def send(self, name: str, upload: str, number: int, data: Data) -> StagedPart:
        """Send one part; the same one again takes the place of the first.

        Raises:
            ObjectNotFoundError: there is no such upload.
            StoreFullError, StoreUnavailableError.
        """
        digest = md5(data)
        query = {"partNumber": str(number), "uploadId": upload}

        def send() -> StagedPart:
            headers = self.ask("PUT", name, query=query, headers=checked(digest), body=data).headers
            compare(headers, digest)
            return StagedPart(number, len(data), headers.get("etag", "").replace('"', ""))

        part = again(send)
        reach(Failpoint.S3_PART_SENT)
        return part

    def complete(self, name: str, upload: str, parts: Sequence[StagedPart]) -> int:
        """Make an object of its parts and return its length; if it is whole already, that is fine.

        Raises:
            ObjectNotFoundError: neither upload nor object is there.
            ObjectDamagedError: a part is missing or another one.
            StoreFullError, StoreUnavailableError.
        """
        size = sum(part.size for part in parts)

        def complete() -> None:
            if not set(parts) <= self._parts(name, upload):
                raise ObjectDamagedError("a part is missing, or is not what it was")
            reach(Failpoint.S3_PARTS_COMPARED)
            self._calls.complete(name, upload, parts)

        def stands() -> bool:
            try:
                return self.head(name).size == size
            except ObjectNotFoundError:
                return False

        try:
            again(complete, unless=stands)
        except ObjectNotFoundError:
            # No such upload: it was completed before, or given up.
            if not stands():
                raise
        stored = self.head(name).size
        if stored != size:
            raise ObjectDamagedError("the object is not as long as its parts")
        reach(Failpoint.S3_UPLOAD_COMPLETED)
        return stored

    def abort(self, name: str, upload: str) -> None:
        """Remove an upload with its parts; one that is not there is already removed.

        Raises:
            StoreUnavailableError.
        """
        try:
            again(lambda: self.ask("DELETE", name, query={"uploadId": upload}))
        except ObjectNotFoundError:
            return
        reach(Failpoint.S3_UPLOAD_ABORTED)

    def uploads(self, prefix: str) -> list[ListedObject]:
        r"""Return the uploads of names with that prefix, at most `PAGE`, their keys being ``name\nupload``.

        Raises:
            StoreUnavailableError.
        """
        return again(lambda: self._calls.uploads(prefix, PAGE))

    # --- what may have to be tried again ----------------------------------------------------------------

    def _head(self, name: str) -> Mapping[str, str]:
        try:
            headers: Mapping[str, str] = again(lambda: self.ask("HEAD", name)).headers
        except ObjectNotFoundError:
            again(lambda: self.ask("HEAD"))  # or else it is the bucket that is not there
            raise
        return headers

    def _delete(self, name: str, query: Mapping[str, str]) -> None:
        try:
            again(lambda: self.ask("DELETE", name, query=query))
        except ObjectNotFoundError:
            return

    def _is_locked(self, name: str, version: str, since: datetime) -> bool:
        try:
            return self._calls.is_retained(name, version, since)
        except StoreError:
            return False

    def _parts(self, name: str, upload: str) -> set[StagedPart]:
        kept: set[StagedPart] = set()
        last = 0
        while True:
            page = self._calls.parts(name, upload, last, PAGE)
            kept.update(page)
            if not page or page[-1].number <= last:
                return kept
            last = page[-1].number
