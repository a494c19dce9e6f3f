"""``scelle store``: whether what keeps the objects can be trusted with them."""

from __future__ import annotations

import asyncio
import os
import shutil
from gettext import gettext as _
from typing import TYPE_CHECKING, Final

import click

from vault.server.commands.folder import make_folder
from vault.server.commands.objects import open_bucket, place, tls_problem
from vault.server.commands.records import reachable, read_settings
from vault.server.commands.style import (
    AbsentProblem,
    Group,
    print_json,
    print_pairs,
    say,
    settings_options,
)
from vault.server.ports import StoreError
from vault.server.stores.local import MIN_FREE, LocalStore
from vault.server.stores.s3answers import BucketMissingError
from vault.server.stores.s3client import Bucket
from vault.server.stores.s3probe import probe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.server.settings import Settings

_MIB: Final = 1024 * 1024
_SAMPLE: Final = bytes(range(256)) * 16


@click.group("store", cls=Group, help=_("Look after what keeps the objects, on the server's host."))
def store() -> None:
    """Hold the commands."""


@store.command(
    "check",
    help=_(
        "Try out the object store that is set (the folder, or the bucket of SCELLE_S3_ENDPOINT) and print "
        "what it can do. What cannot be trusted is refused: each reason is said, and the exit code is 1. "
        "Nothing that was tried is left behind."
    ),
    examples=(
        "scelle store check --data /srv/scelle",
        "scelle store check --config /etc/scelle.toml --create-bucket",
    ),
)
@settings_options
@click.option("--create-bucket", is_flag=True, help=_("Make the bucket first, unless it is there."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON, for programs."))
@click.pass_context
def check(
    ctx: click.Context, /, *, config: str | None, create_bucket: bool, as_json: bool, **flags: object
) -> None:
    """Probe and print."""
    settings = read_settings(flags, config)
    if settings.s3_endpoint is None:
        if create_bucket:
            raise click.UsageError(_("--create-bucket needs an object store: set s3_endpoint"), ctx)
        with reachable():
            found = asyncio.run(_try_folder(settings))
        problems = _problems_of_folder(found)
    else:
        with reachable():
            found = _try_bucket(settings, create=create_bucket)
        problems = _problems_of_bucket(settings, found)
    if as_json:
        print_json({**found, "trusted": not problems, "problems": problems})
    else:
        print_pairs((_labels()[name], _shown(value)) for name, value in found.items())
    for problem in problems:
        say(problem)
    ctx.exit(1 if problems else 0)


def _try_bucket(settings: Settings, *, create: bool) -> dict[str, bool | int | str]:
    asyncio.run(open_bucket(settings).close())  # what cannot be meant is said as everywhere
    bucket = Bucket(place(settings))
    prefix = f"{settings.s3_prefix}/" if settings.s3_prefix else ""
    try:
        try:
            bucket.ask("GET", query={"list-type": "2", "max-keys": "1"})
        except BucketMissingError:
            if not create:
                raise AbsentProblem(
                    _("there is no bucket {bucket}; --create-bucket makes it").format(
                        bucket=settings.s3_bucket
                    )
                ) from None
            bucket.make(object_lock=settings.object_lock != "off")
        return {"store": "s3", **probe(bucket, prefix)}
    except StoreError as error:
        if (problem := tls_problem(settings, error)) is not None:
            raise problem from None
        raise
    finally:
        bucket.close()


async def _try_folder(settings: Settings) -> dict[str, bool | int | str]:
    make_folder(settings.data)
    folder = settings.store_folder
    kept = LocalStore(folder)
    stored = await kept.put(_chunks())
    try:
        whole = b"".join([chunk async for chunk in kept.get(stored.key)])
        some = b"".join([chunk async for chunk in kept.get(stored.key, offset=10, length=20)])
        listed = stored.key in {one.key async for one in kept.list()}
    finally:
        await kept.delete(stored.key)
    devices = {os.stat(folder / name).st_dev for name in ("objects", "incoming")}  # noqa: PTH116 - as it is
    return {
        "store": "folder",
        "put": True,
        "read_after_write": whole == _SAMPLE,
        "range": some == _SAMPLE[10:30],
        "list": listed,
        "delete": stored.key not in {one.key async for one in kept.list()},
        "one_file_system": len(devices) == 1,
        "free_bytes": shutil.disk_usage(folder).free,
    }


async def _chunks() -> AsyncIterator[bytes]:
    yield _SAMPLE


def _problems_of_folder(found: dict[str, bool | int | str]) -> list[str]:
    problems = []
    if not all(found[name] for name in ("read_after_write", "range", "list", "delete")):
        problems.append(_("the folder does not keep what is written: look at its disk"))
    if not found["one_file_system"]:
        problems.append(
            _("incoming and objects are on different file systems: put the whole store on one of them")
        )
    if int(found["free_bytes"]) < MIN_FREE:
        problems.append(
            _("less than {size} MiB are free: make room before a server uses this folder").format(
                size=MIN_FREE // _MIB
            )
        )
    return problems


def _problems_of_bucket(settings: Settings, found: dict[str, bool | int | str]) -> list[str]:
    needed = {
        "read_after_write": _("what was written cannot be read at once: use a store that is consistent"),
        "range": _("ranges are not answered, so that no download could be resumed: use another store"),
        "list": _("what was written is not listed, so that nothing could be cleaned up: use another store"),
        "checksum": _("wrong checksums are accepted, so that damage would be kept: use another store"),
        "multipart": _(
            "objects cannot be sent in parts: use another store, or allow multipart uploads to this key"
        ),
        "delete": _("what was deleted is still there: allow this key to delete"),
        "private": _("strangers can read the bucket: close it to all but this key"),
    }
    problems = [sentence for name, sentence in needed.items() if not found[name]]
    if found["versioning"] != "off" and not found["object_lock"]:
        problems.append(
            _("the bucket keeps old versions without object lock: turn versioning off, in a new bucket")
        )
    if settings.object_lock != "off" and not found["object_lock"]:
        problems.append(
            _("object_lock is set and the bucket has none: make a new bucket with --create-bucket")
        )
    return problems


def _labels() -> dict[str, str]:
    return {
        "store": _("kind of store"),
        "put": _("takes objects"),
        "read_after_write": _("gives them back at once"),
        "range": _("answers to ranges"),
        "list": _("lists"),
        "checksum": _("refuses a wrong checksum"),
        "conditional_put": _("refuses to overwrite on request"),
        "multipart": _("joins parts"),
        "private": _("closed to strangers"),
        "delete": _("deletes"),
        "versioning": _("keeps versions"),
        "object_lock": _("can lock objects"),
        "one_file_system": _("on one file system"),
        "free_bytes": _("free bytes"),
    }


def _shown(value: bool | int | str) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    words = {
        "off": _("no"),
        "enabled": _("yes"),
        "suspended": _("not any more"),
        "folder": _("local folder"),
        "s3": "S3",
    }
    return words.get(str(value), str(value))
