"""What each of a crowd does all day, chosen at random from a seed."""

from dataclasses import dataclass

from tests.crash.crowd import was_deposited
from tests.crash.ledger import Change
from tests.crash.uploaders import Uploader
from tests.exchange.acts_of_people import carry
from tests.exchange.cutting import cut
from vault.api.route import IDEMPOTENCY_HEADER
from vault.journal import Action

MANY = 6
"""Proofs that one of them keeps active."""


@dataclass
class Proof:
    """An active proof.

    Attributes:
        evidence: its id; None: nobody was told yet.
    """

    seal_id: str
    evidence: str
    number: int = 1
    generation: int = 1


class Depositor(Uploader):
    """Deposits, replaces, archives, rewrites, fetches, uploads in parts; grants one reviewer, and revokes."""

    def __init__(self, crowd, number, rng) -> None:
        super().__init__(crowd, number, rng)
        self.proofs: list[Proof] = []
        self.grant: tuple[str, str] | None = None
        self._keys = 0

    async def live(self) -> None:
        """Go on for ever."""
        acts = {
            self.deposit: 5,
            self.deposit_twice: 2,
            self.replace: 5,
            self.archive: 1,
            self.rewrite: 2,
            self.fetch: 3,
            self.grant_or_revoke: 2,
            self.begin_upload: 2,
            self.go_on_uploading: 6,
        }
        while True:
            (act,) = self.rng.choices(list(acts), list(acts.values()))
            await act()

    # --- proofs --------------------------------------------------------------------------------------------

    async def deposit(self) -> None:
        seal_id, container = await self.seal(self.size())
        answer = await self._deposit(seal_id, container, {}, was_deposited)
        self.keep(seal_id, answer)

    async def deposit_twice(self) -> None:
        """Deposit under a key, and ask the same again: the answer is the same, and nothing is done twice."""
        seal_id, container = await self.seal(self.size())
        self._keys += 1
        headers = {IDEMPOTENCY_HEADER: f"client-{self.number}-{self._keys}"}
        answer = await self._deposit(seal_id, container, headers)
        self.keep(seal_id, answer)
        repeated, _ = await self.crowd.ask(self._depositing(container, headers))
        if answer is not None and (repeated.status, repeated.body) != (answer.status, answer.body):
            self.complain("deposit under a used key", repeated)

    def _depositing(self, container, headers):
        made = self.made
        return lambda town: town.deposit(made.session, made.dossier, container, headers=headers)

    async def _deposit(self, seal_id, container, headers, repeated=None):
        change = Change(
            {("version", seal_id): ("active", 1, 1)}, Action.EVIDENCE_DEPOSITED.value, {seal_id: container}
        )
        return await self.change("deposit", change, self._depositing(container, headers), 201, repeated)

    def keep(self, seal_id, answer) -> None:
        """Note what an answer to a deposit says."""
        if answer is None:
            return
        if answer.status == 201:
            version = answer.json["version"]
            evidence, receipt = version["evidence"], answer.json["receipt"]
            if version["seal_id"] != seal_id:
                self.complain("deposit", answer)
        else:
            extra = answer.json["extra"]
            evidence, receipt = extra["evidence"], extra["receipt"]
        self.ledger.receipts[seal_id] = receipt
        self.ledger.places[seal_id] = (evidence, 1)
        self.proofs.append(Proof(seal_id, evidence))

    async def replace(self) -> None:
        if not self.proofs:
            return
        proof = self.rng.choice(self.proofs)
        before, number = proof.seal_id, proof.number + 1
        seal_id, container = await self.seal(self.size(), supersedes=bytes.fromhex(before))
        change = Change(
            {
                ("version", before): ("archived", proof.number, proof.generation),
                ("version", seal_id): ("active", number, 1),
            },
            Action.EVIDENCE_REPLACED.value,
            {seal_id: container},
        )

        def replaced(answer):
            return answer.code == "precondition_failed" and answer.json["extra"]["active"] == seal_id

        answer = await self.change(
            "replace",
            change,
            self._matching("replace_evidence", {"evidence": proof.evidence}, before, data=container),
            200,
            replaced,
        )
        if answer is None:
            self.proofs.remove(proof)
            return
        if answer.status == 200:
            self.ledger.receipts[seal_id] = answer.json["receipt"]
        self.ledger.places[seal_id] = (proof.evidence, number)
        proof.seal_id, proof.number, proof.generation = seal_id, number, 1

    async def archive(self) -> None:
        if len(self.proofs) < MANY:
            return
        proof = self.proofs.pop(self.rng.randrange(len(self.proofs)))
        change = Change(
            {("version", proof.seal_id): ("archived", proof.number, proof.generation)},
            Action.EVIDENCE_ARCHIVED.value,
        )
        send = self._matching("archive_evidence", {"evidence": proof.evidence}, proof.seal_id)
        await self.change("archive", change, send, 200, lambda answer: answer.code == "conflict")

    async def rewrite(self) -> None:
        """Give somebody else access to a version: fetch it, and put a new envelope in its place."""
        if not self.proofs:
            return
        proof = self.rng.choice(self.proofs)
        container = await self._fetch(proof.evidence, proof.number)
        if container is None:
            return
        made, generation = self.made, proof.generation + 1
        head = made.town.rewrap(container, made.dossier, made.editor)
        body = container[len(cut(container)[0]) :]
        change = Change(
            {("version", proof.seal_id): ("active", proof.number, generation)},
            Action.ENVELOPE_REWRITTEN.value,
            {proof.seal_id: head + body},
        )

        def rewritten(answer):
            return answer.code == "precondition_failed" and answer.json["extra"]["generation"] == generation

        path = {"evidence": proof.evidence, "number": proof.number}
        send = self._matching("rewrite_envelope", path, str(proof.generation), data=head)
        if await self.change("rewrite", change, send, 200, rewritten) is not None:
            proof.generation = generation

    async def fetch(self) -> None:
        if self.proofs:
            proof = self.rng.choice(self.proofs)
            await self._fetch(proof.evidence, proof.number)

    async def _fetch(self, evidence, number):
        return await self.fetched({"evidence": evidence, "number": number}, self.made.session)

    def _matching(self, name, path, match, **options):
        headers = {"If-Match": f'"{match}"'}
        return lambda town: town.ask(name, path, token=self.made.session, headers=headers, **options)

    # --- grants --------------------------------------------------------------------------------------------

    async def grant_or_revoke(self) -> None:
        made, dossier = self.made, self.made.dossier
        if self.grant is not None:
            grant, statement = self.grant
            path = {"dossier": dossier.id, "grant": grant}
            change = Change({("grant", statement): True}, Action.GRANT_REVOKED.value)
            await self.change(
                "revoke", change, lambda town: town.ask("revoke_grant", path, token=made.admin.token), 204
            )
            self.grant = None
            return
        grantee = self.crowd.grantees[self.number]
        signed = made.town.grant(made.admin.identity, dossier.id, dossier.key, grantee.identity)
        self._keys += 1
        headers = {IDEMPOTENCY_HEADER: f"grant-{self.number}-{self._keys}"}
        body = {"statement": carry(signed)}

        def send(town):
            path = {"dossier": dossier.id}
            return town.ask("add_grant", path, token=made.admin.token, json=body, headers=headers)

        change = Change({("grant", signed.id.hex()): False}, Action.GRANT_ADDED.value)
        answer = await self.change("grant", change, send, 201)
        if answer is not None:
            self.grant = (answer.json["id"], signed.id.hex())
