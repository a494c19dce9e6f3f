"""Calls: uploads in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.evidence import Deposited
from vault.api.models.uploads import Upload as Session
from vault.api.models.uploads import UploadPart

if TYPE_CHECKING:
    from client.remote.transport import Upload


class UploadCalls(Calls):
    """Routes of the chapter "uploads": see `client.remote.parts`, which does all of it."""

    async def begin_upload(
        self, dossier: str, container: Upload, *, acting_for: str | None = None
    ) -> Session:
        """Announce a deposit by everything but its payload; what was announced before is found again."""
        call = Call(path={"dossier": dossier}, upload=container, acting_for=acting_for)
        return await self._transport.fetch(self._route("begin_upload"), Session, call)

    async def begin_replacement(
        self, evidence: str, container: Upload, *, if_match: str, acting_for: str | None = None
    ) -> Session:
        """Announce what replaces a proof; ``if_match`` is the active seal id."""
        call = Call(path={"evidence": evidence}, upload=container, if_match=if_match, acting_for=acting_for)
        return await self._transport.fetch(self._route("begin_replacement"), Session, call)

    async def get_upload(self, upload: str, *, acting_for: str | None = None) -> Session:
        """Return a session: what arrived, and until when it is kept."""
        call = Call(path={"upload": upload}, acting_for=acting_for)
        return await self._transport.fetch(self._route("get_upload"), Session, call)

    async def put_part(
        self, upload: str, part: int, container: Upload, *, digest: bytes, acting_for: str | None = None
    ) -> UploadPart:
        """Send one part; ``digest`` is the SHA-256 of its bytes."""
        call = Call(
            path={"upload": upload, "part": part}, upload=container, digest=digest, acting_for=acting_for
        )
        return await self._transport.fetch(self._route("put_part"), UploadPart, call)

    async def put_upload_envelope(
        self, upload: str, container: Upload, *, acting_for: str | None = None
    ) -> Session:
        """Put preamble and a new envelope in the place of those that were announced."""
        call = Call(path={"upload": upload}, upload=container, acting_for=acting_for)
        return await self._transport.fetch(self._route("put_upload_envelope"), Session, call)

    async def complete_upload(self, upload: str, *, acting_for: str | None = None) -> Deposited:
        """Publish what has arrived whole; asked again, the answer is the same."""
        call = Call(path={"upload": upload}, acting_for=acting_for)
        return await self._transport.fetch(self._route("complete_upload"), Deposited, call)

    async def abandon_upload(self, upload: str, *, acting_for: str | None = None) -> None:
        """Give a session up, with all that arrived."""
        await self._transport.tell(
            self._route("abandon_upload"), Call(path={"upload": upload}, acting_for=acting_for)
        )
