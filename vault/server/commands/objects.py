"""The object store that the settings name, opened for a command."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from gettext import gettext as _
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vault.server.commands.style import SettingsProblem, UnavailableProblem
from vault.server.ports import StoreError
from vault.server.services.locking import Locking
from vault.server.stores.local import LocalStore
from vault.server.stores.s3 import S3Store
from vault.server.stores.s3answers import BucketMissingError
from vault.server.stores.s3line import Place, UntrustedFileError
from vault.server.stores.s3tls import Distrust, DistrustedError, speaks_tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.server.ports import Clock, Records
    from vault.server.settings import Settings

_HTTP_PORT: Final = 80
_STYLES = {"auto": None, "path": False, "virtual-host": True}


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[LocalStore | S3Store]:
    """Open the object store, which must work now; a bucket is never made here.

    Raises:
        HostProblem: it cannot be used.
    """
    if settings.s3_endpoint is None:
        yield LocalStore(settings.store_folder)
        return
    store = open_bucket(settings)
    try:
        try:
            await store.check()
        except BucketMissingError:
            raise UnavailableProblem(
                _(
                    "the object store has no bucket {bucket}; make it with scelle store check --create-bucket"
                ).format(bucket=settings.s3_bucket)
            ) from None
        except StoreError as error:
            if (problem := await asyncio.to_thread(tls_problem, settings, error)) is not None:
                raise problem from None
            raise UnavailableProblem(
                _("{reason}; scelle store check says more").format(reason=error)
            ) from None
        yield store
    finally:
        await store.close()


def require_folder(settings: Settings) -> None:
    """Return unless objects belong into a folder that is not there: its disk is not mounted.

    Raises:
        HostProblem: it is not there.
    """
    folder = settings.store_folder / "objects"
    if settings.s3_endpoint is None and not folder.is_dir():
        raise UnavailableProblem(
            _("{folder}: the folder of the objects is not there; is its disk mounted?").format(folder=folder)
        )


async def require_objects(records: Records, store: LocalStore | S3Store) -> None:
    """Return unless rows name objects and the store holds none: then it is not the one that they are in.

    Raises:
        HostProblem: it holds none.
        RecordsError, StoreError.
    """
    async with records.read() as view:
        if not await view.naming.anything():
            return
    async for _one in store.list():
        return
    raise UnavailableProblem(
        _(
            "the objects are gone, but not what names them: mount their folder, correct the settings, or "
            "put them back from a backup"
        )
    )


async def open_locking(
    settings: Settings,
    records: Records,
    store: LocalStore | S3Store,
    clock: Clock,
    *,
    again: bool = False,
) -> Locking | None:
    """Return what has archived bodies kept, None where that is not wanted.

    Raises:
        SettingsProblem: it is wanted, and the bucket cannot.
        StoreError.
    """
    if settings.lock_seconds is None:
        return None
    if not isinstance(store, S3Store) or not await store.locks():
        raise SettingsProblem(
            _(
                "object_lock is set and the bucket {bucket} cannot lock objects, or does not tell this key: "
                "move to a bucket that scelle store check --create-bucket makes, or set object_lock to off"
            ).format(bucket=settings.s3_bucket)
        )
    return Locking(records, store, clock, seconds=settings.lock_seconds, again=again)


def open_bucket(settings: Settings) -> S3Store:
    """Return the store over S3 that the settings name, without asking it anything.

    Raises:
        HostProblem: a setting cannot be used.
    """
    try:
        return S3Store(place(settings), prefix=settings.s3_prefix, object_lock=settings.object_lock)
    except UntrustedFileError:
        raise SettingsProblem(_("s3_ca_file: no certificates can be read from this file")) from None
    except ValueError:
        raise SettingsProblem(_("s3_endpoint or s3_region: no object store has these")) from None


def tls_problem(settings: Settings, error: StoreError) -> UnavailableProblem | None:
    """Return which setting lets a bucket be reached securely, None if that is not why it failed.

    Args:
        settings: they name the bucket.
        error: what the store raised.
    """
    if isinstance(error, DistrustedError):
        return UnavailableProblem(_sentence(settings, error.reason))
    url = urlsplit(settings.s3_endpoint or "")
    # A service for TLS alone breaks off before who speaks HTTP has heard why.
    if url.scheme == "http" and speaks_tls(url.hostname or "", url.port or _HTTP_PORT):
        return UnavailableProblem(
            _("the object store speaks TLS at this port; let SCELLE_S3_ENDPOINT begin with https://")
        )
    return None


def _sentence(settings: Settings, reason: Distrust) -> str:
    if reason is Distrust.TIME:
        return _(
            "the object store's certificate has expired, or is not valid yet; renew it, and look at the "
            "clock of this machine"
        )
    if reason is Distrust.NO_TLS:
        return _(
            "the object store does not speak TLS at this port; let SCELLE_S3_ENDPOINT name the port that does"
        )
    if reason is Distrust.NAME and settings.s3_style == "virtual-host":
        return _(
            "the object store's certificate is for another host; give it one for *.HOST, or set "
            "SCELLE_S3_STYLE to path"
        )
    if reason is Distrust.NAME:
        return _(
            "the object store's certificate is for another host; let SCELLE_S3_ENDPOINT name the host as the "
            "certificate does"
        )
    if settings.s3_ca_file is None:
        return _(
            "the object store's certificate is not trusted; if an authority of your own issued it, let "
            "SCELLE_S3_CA_FILE name a file with that authority's certificate"
        )
    return _(
        "the object store's certificate was not issued by an authority in {file}; let SCELLE_S3_CA_FILE "
        "name a file with the certificate of the authority that did"
    ).format(file=settings.s3_ca_file)


def place(settings: Settings) -> Place:
    """Return the bucket of the settings, which name one."""
    assert settings.s3_endpoint is not None
    assert settings.s3_bucket is not None
    assert settings.s3_access_key is not None
    assert settings.s3_secret_key is not None
    url = urlsplit(settings.s3_endpoint)
    return Place(
        host=url.netloc,
        secure=url.scheme == "https",
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        ca_file=str(settings.s3_ca_file) if settings.s3_ca_file is not None else None,
        virtual_host=_STYLES[settings.s3_style],
    )
