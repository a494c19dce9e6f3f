"""The object store that the settings name, opened for a command."""

from __future__ import annotations

from contextlib import asynccontextmanager
from gettext import gettext as _
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vault.server.commands.style import SettingsProblem, UnavailableProblem
from vault.server.ports import StoreError
from vault.server.stores.local import LocalStore
from vault.server.stores.s3 import S3Store
from vault.server.stores.s3answers import BucketMissingError
from vault.server.stores.s3line import Place, UntrustedFileError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.server.settings import Settings

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
            raise UnavailableProblem(
                _("{reason}; scelle store check says more").format(reason=error)
            ) from None
        yield store
    finally:
        await store.close()


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
