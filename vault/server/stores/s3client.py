"""One bucket of an S3 service, synchronous: the one home of ``minio``.

What goes wrong comes out as the port's errors, and what may be tried again safely was tried again. Every body
that is sent carries its MD5 for the service to check, and what the service says that it kept is compared.
Everything here blocks and belongs in a thread.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.commonconfig import COMPLIANCE, GOVERNANCE
from minio.datatypes import Part
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.retention import Retention

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
from vault.server.stores.s3answers import TransientError, again, extent, named, numbered
from vault.server.stores.s3digest import agrees, checked, compare, md5
from vault.server.stores.s3line import Body, LineError, open_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vault.server.stores.s3digest import Data
    from vault.server.stores.s3line import Answer, Place

T = TypeVar("T")

PAGE: Final = 1000
"""Entries that are listed with one request, the most that S3 gives."""


class Head(NamedTuple):
    """What is known of an object: its length, and the version where the bucket keeps them."""

    size: int
    version: str | None


class Bucket:
    """One bucket; `UntrustedFileError` and `ValueError` say that there is no such place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._name = place.bucket
        self._client = Minio(
            place.host,
            access_key=place.access_key or None,
            secret_key=place.secret_key or None,
            secure=place.secure,
            region=place.region,
            http_client=open_line(place),
        )
        if place.virtual_host is not None:
            self._client._base_url.virtual_style_flag = place.virtual_host  # noqa: SLF001 - one call for both

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._client._http.clear()  # noqa: SLF001 - our own pool

    def ask(
        self,
        method: str,
        name: str | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Data | None = None,
        stream: bool = False,
    ) -> Answer:
        """Send one request, once, and return an answer that says yes; ``stream`` leaves its body to come.

        Raises:
            StoreError.
        """
        return translated(
            lambda: self._client._execute(  # noqa: SLF001 - the public calls hide headers and threads
                method,
                self._name,
                name,
                body=body,  # type: ignore[arg-type] # urllib3 sends whatever has a buffer
                headers=dict(headers or {}),
                query_params=dict(query or {}),
                preload_content=not stream,
            )
        )

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
        for version in again(lambda: translated(lambda: self._versions(name))):
            try:
                self._delete(name, {"versionId": version})
            except StoreUnavailableError:
                if self._is_locked(name, version):
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
        state = again(lambda: translated(lambda: self._client.get_bucket_versioning(self._name)))
        return state.status.lower() if state.status in {"Enabled", "Suspended"} else "off"

    def locks(self) -> bool:
        """Whether objects here can be kept from being removed."""
        try:
            again(lambda: translated(lambda: self._client.get_object_lock_config(self._name)))
        except StoreUnavailableError:
            return False
        return True

    def make(self, *, object_lock: bool) -> None:
        """Make the bucket.

        Raises:
            StoreUnavailableError.
        """
        translated(lambda: self._client.make_bucket(self._name, object_lock=object_lock))

    def retain(self, name: str, until: int, *, compliance: bool) -> None:
        """Let nobody remove an object before ``until``, UTC seconds.

        Raises:
            ObjectNotFoundError, StoreUnavailableError.
        """
        retention = Retention(COMPLIANCE if compliance else GOVERNANCE, datetime.fromtimestamp(until, UTC))
        version = self.head(name).version
        again(
            lambda: translated(
                lambda: self._client.set_object_retention(self._name, name, retention, version_id=version)
            )
        )

    def objects(self, prefix: str, after: str) -> list[ListedObject]:
        """Return the next objects by name, `PAGE` of them or all that are left.

        Raises:
            StoreUnavailableError.
        """
        return again(lambda: translated(lambda: self._list(prefix, after)))

    # --- objects in parts ------------------------------------------------------------------------------

    def begin(self, name: str) -> str:
        """Begin an object that is sent in parts, and return the upload's id.

        Raises:
            StoreFullError, StoreUnavailableError.
        """

        def begin() -> str:
            return self._client._create_multipart_upload(self._name, name, {})  # noqa: SLF001 - see above

        def clear() -> bool:
            # One whose id was lost with the answer would stay.
            for upload in self.uploads(name):
                self.abort(name, upload.key.partition("\n")[2])
            return False

        upload = again(lambda: translated(begin), unless=clear)
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
            made = self._client._complete_multipart_upload(  # noqa: SLF001 - see above
                self._name, name, upload, [Part(part.number, part.tag) for part in parts]
            )
            if not made.etag:  # S3 may say yes and put its error into the answer
                raise TransientError("the object store did not make the object whole")

        def stands() -> bool:
            try:
                return self.head(name).size == size
            except ObjectNotFoundError:
                return False

        try:
            again(lambda: translated(complete), unless=stands)
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
        return again(lambda: translated(lambda: self._uploads(prefix)))

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

    def _versions(self, name: str) -> list[str]:
        found = self._client.list_objects(self._name, prefix=name, recursive=True, include_version=True)
        return [one.version_id for one in found if one.object_name == name and one.version_id]

    def _is_locked(self, name: str, version: str) -> bool:
        try:
            found = translated(
                lambda: self._client.get_object_retention(self._name, name, version_id=version)
            )
        except StoreError:
            return False
        return found is not None and found.retain_until_date > datetime.now(UTC)

    def _list(self, prefix: str, after: str) -> list[ListedObject]:
        found = self._client._list_objects(  # noqa: SLF001 - the public call takes no size of a page
            self._name, prefix=prefix, start_after=after or None, max_keys=PAGE
        )
        return [
            ListedObject(one.object_name or "", one.size or 0, _seconds(one.last_modified))
            for one in islice(found, PAGE)
        ]

    def _parts(self, name: str, upload: str) -> set[StagedPart]:
        kept: set[StagedPart] = set()
        last = 0
        while True:
            page = self._client._list_parts(  # noqa: SLF001 - there is no public one
                self._name, name, upload, max_parts=PAGE, part_number_marker=str(last)
            ).parts
            kept |= {StagedPart(one.part_number, one.size or 0, one.etag.replace('"', "")) for one in page}
            if not page or page[-1].part_number <= last:
                return kept
            last = page[-1].part_number

    def _uploads(self, prefix: str) -> list[ListedObject]:
        found = self._client._list_multipart_uploads(  # noqa: SLF001 - there is no public one
            self._name, prefix=prefix, max_uploads=PAGE
        )
        return [
            ListedObject(f"{one.object_name}\n{one.upload_id}", 0, _seconds(one.initiated_time))
            for one in found.uploads
        ]


def translated(work: Callable[[], T]) -> T:
    """Do something, and turn what the libraries raise into the port's errors, without their words."""
    try:
        return work()
    except StoreError:
        raise
    except S3Error as error:
        raise named(error.code or "", error.response.status) from None
    except InvalidResponseError as error:
        raise named("", error._code) from None  # noqa: SLF001 - it is not given otherwise
    except ServerError as error:
        raise named("", error.status_code) from None
    except (LineError, OSError) as error:
        if isinstance(error, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise StoreUnavailableError("the object store's certificate is not trusted") from None
        raise TransientError("the object store cannot be reached, or broke off") from None
    except (MinioException, ParseError, ValueError):
        raise TransientError("the object store's answer makes no sense") from None


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment is not None else 0
