"""Calls: deposits, versions, receipts, openings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.base import Page
from vault.api.models.evidence import (
    Deposited,
    Evidence,
    EvidenceQuery,
    Opening,
    OpeningRequest,
    Receipt,
    Version,
)

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from client.remote.transport import Stream, Upload


class EvidenceCalls(Calls):
    """Routes of the chapter "evidence"."""

    async def deposit(
        self,
        dossier: str,
        container: Upload,
        *,
        idempotency_key: str | None = None,
        acting_for: str | None = None,
    ) -> Deposited:
        """Deposit a new proof: see `client.remote.depositing`, which also checks the receipt."""
        call = Call(
            path={"dossier": dossier},
            upload=container,
            idempotency_key=idempotency_key,
            acting_for=acting_for,
        )
        return await self._transport.fetch(self._route("deposit"), Deposited, call)

    async def list_evidence(
        self, dossier: str, query: EvidenceQuery | None = None, *, acting_for: str | None = None
    ) -> Page[Version]:
        """Return one page of a dossier's proofs by type and state, the newest first."""
        call = Call(path={"dossier": dossier}, query=query, acting_for=acting_for)
        return await self._transport.fetch(self._route("list_evidence"), Page[Version], call)

    async def get_evidence(self, evidence: str, *, acting_for: str | None = None) -> Evidence:
        """Return one proof with all its versions."""
        call = Call(path={"evidence": evidence}, acting_for=acting_for)
        return await self._transport.fetch(self._route("get_evidence"), Evidence, call)

    async def replace_evidence(
        self, evidence: str, container: Upload, *, if_match: str, acting_for: str | None = None
    ) -> Deposited:
        """Replace a proof; ``if_match`` is the active seal id."""
        call = Call(path={"evidence": evidence}, upload=container, if_match=if_match, acting_for=acting_for)
        return await self._transport.fetch(self._route("replace_evidence"), Deposited, call)

    async def archive_evidence(
        self, evidence: str, *, if_match: str, acting_for: str | None = None
    ) -> Evidence:
        """Archive a proof; ``if_match`` is the active seal id."""
        call = Call(path={"evidence": evidence}, if_match=if_match, acting_for=acting_for)
        return await self._transport.fetch(self._route("archive_evidence"), Evidence, call)

    def fetch_container(self, evidence: str, number: int) -> AbstractAsyncContextManager[Stream]:
        """Give the whole container as it arrives: see `client.remote.downloading`, which verifies it."""
        call = Call(path={"evidence": evidence, "number": number})
        return self._transport.stream(self._route("fetch_container"), call)

    def fetch_envelope(self, evidence: str, number: int) -> AbstractAsyncContextManager[Stream]:
        """Give preamble and envelope; the tag is the generation."""
        call = Call(path={"evidence": evidence, "number": number})
        return self._transport.stream(self._route("fetch_envelope"), call)

    async def rewrite_envelope(
        self, evidence: str, number: int, container: Upload, *, if_match: str
    ) -> Version:
        """Put preamble and a new envelope in the place of an older one; ``if_match`` is its generation."""
        call = Call(path={"evidence": evidence, "number": number}, upload=container, if_match=if_match)
        return await self._transport.fetch(self._route("rewrite_envelope"), Version, call)

    def fetch_body(
        self, evidence: str, number: int, *, offset: int = 0
    ) -> AbstractAsyncContextManager[Stream]:
        """Give payload, leaves and seal from byte ``offset`` on; the tag is the seal id."""
        call = Call(path={"evidence": evidence, "number": number}, offset=offset)
        return self._transport.stream(self._route("fetch_body"), call)

    async def get_receipt(self, evidence: str, number: int) -> Receipt:
        """Return the signed receipt of a deposit, to be verified."""
        call = Call(path={"evidence": evidence, "number": number})
        return await self._transport.fetch(self._route("get_receipt"), Receipt, call)

    async def record_opening(
        self, evidence: str, number: int, request: OpeningRequest, *, idempotency_key: str | None = None
    ) -> Opening:
        """Record that a version opened, or complain that it did not."""
        call = Call(
            path={"evidence": evidence, "number": number}, body=request, idempotency_key=idempotency_key
        )
        return await self._transport.fetch(self._route("record_opening"), Opening, call)
