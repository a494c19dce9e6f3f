"""What a bucket really does, found out by doing it; nothing of it is left behind."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keys.randomness import random_bytes
from vault.server.ports import ObjectNotFoundError, StagedPart, StoreError, StoreUnavailableError
from vault.server.stores.s3client import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable

SMALLEST_PART: Final = 5 * 1024 * 1024
"""The least that S3 takes for a part that is not the last."""

_BYTES: Final = 4096
_TAIL: Final = b"the last part"
_WRONG_MD5: Final = "AAAAAAAAAAAAAAAAAAAAAA=="


def probe(bucket: Bucket, prefix: str) -> dict[str, bool | str]:
    """Return by name what the bucket does: true, false, or for ``versioning`` off, enabled or suspended.

    Args:
        bucket: it has to be there.
        prefix: where names may be used for a moment.

    Raises:
        StoreError: it cannot be reached, does not let us in, or refuses what no object can do without.
    """
    bucket.ask("HEAD")
    versioned = bucket.keeps_versions()
    name = f"{prefix}probe/{random_bytes(20).hex()}"
    names = [name + end for end in ("", ".wrong", ".parts")]
    try:
        found = _try_all(bucket, *names)
    finally:
        for one in names:
            with suppress(StoreError):
                bucket.delete(one, versioned=versioned)
    return {
        **found,
        "delete": all(_is_gone(bucket, one) for one in names),
        "versioning": bucket.versioning(),
        "object_lock": bucket.locks(),
    }


def _try_all(bucket: Bucket, name: str, wrong: str, parts: str) -> dict[str, bool | str]:
    data = random_bytes(_BYTES)
    bucket.put(name, data)
    stranger = Bucket(bucket.place._replace(access_key="", secret_key=""))
    try:
        return {
            "put": True,
            "read_after_write": _reads(bucket, name, 0, None, data),
            "range": _reads(bucket, name, 10, 20, data[10:30]),
            "list": name in {one.key for one in bucket.objects(name, "")},
            "checksum": not _works(
                lambda: bucket.ask("PUT", wrong, headers={"Content-MD5": _WRONG_MD5}, body=data)
            ),
            "conditional_put": not _works(
                lambda: bucket.ask("PUT", name, headers={"If-None-Match": "*"}, body=data)
            ),
            "multipart": _joins_parts(bucket, parts),
            "private": not _works(lambda: stranger.ask("GET", name))
            and not _works(lambda: stranger.ask("GET", query={"list-type": "2", "max-keys": "1"})),
        }
    finally:
        stranger.close()


def _works(request: Callable[[], object]) -> bool:
    try:
        request()
    except StoreError:
        return False
    return True


def _reads(bucket: Bucket, name: str, offset: int, length: int | None, expected: bytes) -> bool:
    try:
        body = bucket.open(name, offset, length)
        try:
            return body.left == len(expected) and body.read(len(expected)) == expected
        finally:
            body.close()
    except StoreError:
        return False


def _joins_parts(bucket: Bucket, name: str) -> bool:
    upload = None
    try:
        upload = bucket.begin(name)
        first = random_bytes(_BYTES) * (SMALLEST_PART // _BYTES)
        parts: list[StagedPart] = []
        for number, data in ((2, _TAIL), (1, first)):
            parts.append(bucket.send(name, upload, number, data))
        staged = name in {one.key.partition("\n")[0] for one in bucket.uploads(name)}
        hidden = _is_gone(bucket, name)
        bucket.complete(name, upload, sorted(parts))
        seam = first[-4:] + _TAIL[:4]
        return staged and hidden and _reads(bucket, name, SMALLEST_PART - 4, 8, seam)
    except StoreError:
        if upload is not None:
            with suppress(StoreError):
                bucket.abort(name, upload)
        return False


def _is_gone(bucket: Bucket, name: str) -> bool:
    try:
        bucket.head(name)
    except ObjectNotFoundError:
        return True
    except StoreUnavailableError:
        return False
    return False
