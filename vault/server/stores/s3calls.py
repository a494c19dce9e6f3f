"""One request to a bucket of an S3 service, sent once: the one home of ``minio``.

What goes wrong comes out as the port's errors, without the library's words; whether it is tried again is
another's business. Everything here blocks and belongs in a thread.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.commonconfig import COMPLIANCE, GOVERNANCE
from minio.datatypes import Part
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.retention import Retention

from vault.server.ports import ListedObject, StagedPart, StoreError
from vault.server.stores.s3answers import TransientError, named
from vault.server.stores.s3line import LineError, open_line
from vault.server.stores.s3tls import DistrustedError, distrust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vault.server.stores.s3digest import Data
    from vault.server.stores.s3line import Answer, Place

T = TypeVar("T")

SKEW: Final = timedelta(minutes=15)
"""By how much a clock of the store may be behind ours: S3 refuses requests that are further off."""


class Calls:
    """Single calls to one bucket; `UntrustedFileError` and `ValueError` say that there is no such place.

    Each raises `StoreError` or one that is made of it: `TransientError` where trying again may help.
    """

    def __init__(self, place: Place) -> None:
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
        """Send any request and return an answer that says yes; ``stream`` leaves its body to come."""
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

    # --- the bucket ------------------------------------------------------------------------------------

    def make(self, *, object_lock: bool) -> None:
        """Make the bucket."""
        translated(lambda: self._client.make_bucket(self._name, object_lock=object_lock))

    def versioning(self) -> str:
        """Return what the service calls it: Enabled, Suspended, or else off."""
        return translated(lambda: self._client.get_bucket_versioning(self._name)).status or ""

    def lock_configuration(self) -> None:
        """Return if the bucket was made with object lock."""
        translated(lambda: self._client.get_object_lock_config(self._name))

    def retain(self, name: str, until: int, *, compliance: bool, version: str | None) -> None:
        """Let nobody remove a version of an object before ``until``, UTC seconds."""
        retention = Retention(COMPLIANCE if compliance else GOVERNANCE, datetime.fromtimestamp(until, UTC))
        translated(lambda: self._client.set_object_retention(self._name, name, retention, version_id=version))

    def is_retained(self, name: str, version: str, since: datetime) -> bool:
        """Tell whether a version of an object could not be removed ``since`` then."""
        found = translated(lambda: self._client.get_object_retention(self._name, name, version_id=version))
        return found is not None and found.retain_until_date > since - SKEW

    # --- lists -----------------------------------------------------------------------------------------

    def versions(self, name: str) -> list[str]:
        """Return the ids of all versions of an object."""

        def work() -> list[str]:
            found = self._client.list_objects(self._name, prefix=name, recursive=True, include_version=True)
            return [one.version_id for one in found if one.object_name == name and one.version_id]

        return translated(work)

    def objects(self, prefix: str, after: str, most: int) -> list[ListedObject]:
        """Return the next objects by name, at most so many."""

        def work() -> list[ListedObject]:
            found = self._client._list_objects(  # noqa: SLF001 - the public call takes no size of a page
                self._name, prefix=prefix, start_after=after or None, max_keys=most
            )
            return [
                ListedObject(one.object_name or "", one.size or 0, _seconds(one.last_modified))
                for one in islice(found, most)
            ]

        return translated(work)

    def uploads(self, prefix: str, most: int) -> list[ListedObject]:
        r"""Return uploads of names with that prefix, their keys being ``name\nupload``, at most so many."""

        def work() -> list[ListedObject]:
            found = self._client._list_multipart_uploads(  # noqa: SLF001 - there is no public one
                self._name, prefix=prefix, max_uploads=most
            )
            return [
                ListedObject(f"{one.object_name}\n{one.upload_id}", 0, _seconds(one.initiated_time))
                for one in found.uploads
            ]

        return translated(work)

    # --- objects in parts ------------------------------------------------------------------------------

    def begin(self, name: str) -> str:
        """Begin an object that is sent in parts, and return the upload's id."""
        return translated(
            lambda: self._client._create_multipart_upload(self._name, name, {})  # noqa: SLF001 - see `ask`
        )

    def parts(self, name: str, upload: str, after: int, most: int) -> list[StagedPart]:
        """Return the parts of an upload with a number above ``after``, at most so many."""

        def work() -> list[StagedPart]:
            page = self._client._list_parts(  # noqa: SLF001 - there is no public one
                self._name, name, upload, max_parts=most, part_number_marker=str(after)
            ).parts
            return [StagedPart(one.part_number, one.size or 0, one.etag.replace('"', "")) for one in page]

        return translated(work)

    def complete(self, name: str, upload: str, parts: Sequence[StagedPart]) -> None:
        """Make an object of its parts."""
        made = translated(
            lambda: self._client._complete_multipart_upload(  # noqa: SLF001 - see `ask`
                self._name, name, upload, [Part(part.number, part.tag) for part in parts]
            )
        )
        if not made.etag:  # S3 may say yes and put its error into the answer
            raise TransientError("the object store did not make the object whole")


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
        if (reason := distrust(error)) is not None:
            raise DistrustedError(reason) from None
        raise TransientError("the object store cannot be reached, or broke off") from None
    except (MinioException, ParseError, ValueError):
        raise TransientError("the object store's answer makes no sense") from None


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment is not None else 0
