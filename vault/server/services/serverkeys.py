"""The server's signing keys: its own, and the next one from the moment on that its own announced.

Which of them signs hangs on the successions that are stored and on the time, never on a restart: every
server of a service changes keys in the same second, as long as the next key's file lies beside its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keys.errors import KeyMaterialError
from keys.keyfile import PublicIdentity
from keys.serverkey import load_server_key, read_server_identity
from keys.statements import Succession, read_unjudged
from vault.api.problems import Code
from vault.server.refusals import RefusedError
from vault.server.services import views

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keys.signing import SigningKey
    from vault.server.services.acts import View

NEXT_SUFFIX: Final = ".next"


class Held(NamedTuple):
    """A key that this server has the file of."""

    key: SigningKey
    identity: PublicIdentity


def next_path(path: Path) -> Path:
    """Return where the key lies that is announced, by where the server's own does."""
    return path.with_name(path.name + NEXT_SUFFIX)


def read_held(path: Path) -> Held:
    """Return a server's key file.

    Raises:
        KeyFileError, MalformedError, WrongUseError, WrongPassphraseError: as in `load_server_key`.
    """
    return Held(load_server_key(path), read_server_identity(path))


class Standing(NamedTuple):
    """Who signs for the service.

    Attributes:
        present: whose key signs now.
        former: those that signed before, the first one first.
        coming: how the present key hands over; None where nothing is announced.
    """

    present: PublicIdentity
    former: tuple[PublicIdentity, ...]
    coming: Succession | None


async def succession_of(view: View, identity: PublicIdentity) -> Succession | None:
    """Return how a server's key hands over, or will; None where it named nobody."""
    for row in await view.statements.find("succession", subject=identity.signing_key_id):
        handed = read_unjudged(views.stored(row), Succession)
        if handed.old == identity:
            return handed
    return None


async def line_from(view: View, identity: PublicIdentity) -> AsyncIterator[Succession]:
    """Yield the successions from a server's key on, in order."""
    seen = set[PublicIdentity]()
    while identity not in seen and (handed := await succession_of(view, identity)) is not None:
        seen.add(identity)
        yield handed
        identity = handed.new


async def standing_from(view: View, first: PublicIdentity, now: int) -> Standing:
    """Return who signs at the time ``now``, by the successions from a server's key on."""
    present = first
    former: list[PublicIdentity] = []
    async for handed in line_from(view, first):
        if handed.issued > now:
            return Standing(present, tuple(former), handed)
        former.append(present)
        present = handed.new
    return Standing(present, tuple(former), None)


class ServerKeys:
    """The keys of one server process.

    Attributes:
        own: the one in its key file.
        first: a key that signed before all others here: the one that the authority habilitated, once it did;
            the file may be that of a key which has yet to take over.

    Args:
        path: its key file; the next one lies beside it (`next_path`).

    Raises:
        KeyFileError, MalformedError, WrongUseError, WrongPassphraseError: as in `load_server_key`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.own = read_held(path)
        self.first = self.own.identity
        self._held = {self.own.identity: self.own.key}

    async def present(self, view: View, now: int) -> PublicIdentity:
        """Return the identity that signs at the time ``now``, whether its key is here or not."""
        return (await standing_from(view, self.first, now)).present

    async def signing(self, view: View, now: int) -> SigningKey:
        """Return the key that signs at the time ``now``.

        Args:
            view: a transaction; where a receipt is signed, that of the change: changes are made in turn, so
                that no key signs after it has handed over.
            now: UTC seconds, as the statement will say.

        Raises:
            RefusedError: unavailable: its file is not here.
        """
        key = self.find(await self.present(view, now))
        if key is None:
            raise RefusedError(
                Code.UNAVAILABLE,
                "the service has another key by now, and this server does not have it",
                retry_after=_RETRY,
            )
        return key

    def find(self, identity: PublicIdentity) -> SigningKey | None:
        """Return the key of an identity, looking at the files again where it is not known; None: not here."""
        if identity not in self._held:
            for path in (next_path(self._path), self._path):
                try:
                    held = read_held(path)
                except (KeyMaterialError, OSError):
                    continue
                self._held[held.identity] = held.key
        return self._held.get(identity)


_RETRY: Final = 30
"""Seconds: the file is for a person to bring."""
