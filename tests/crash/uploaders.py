"""What clients do that deposit in parts, from one kill of the server to the next."""

from dataclasses import dataclass

from tests.crash.crowd import SMALL, Client, was_deposited
from tests.crash.ledger import Change
from tests.exchange.cutting import content_digest, without_payload
from tests.exchange.uploading import split
from vault.journal import Action


@dataclass
class Sending:
    """An upload that is going on.

    Attributes:
        parts: what is sent, in order.
        sent: numbers of those that arrived.
    """

    id: str
    seal_id: str
    container: bytes
    parts: list[bytes]
    sent: frozenset[int] = frozenset()


class Uploader(Client):
    """Begins uploads, sends their parts in any order, completes or abandons them."""

    def __init__(self, crowd, number, rng) -> None:
        super().__init__(crowd, number, rng)
        self.uploads: list[Sending] = []

    def keep(self, seal_id, answer) -> None:
        """Note what an answer to a deposit says."""
        raise NotImplementedError

    async def begin_upload(self) -> None:
        made = self.made
        size = self.crowd.part_bytes + SMALL if self.rng.random() < 0.15 else self.size()
        seal_id, container = await self.seal(size)
        start, path = without_payload(container), {"dossier": made.dossier.id}
        answer = await self.change(
            "begin an upload",
            Change({("upload", seal_id): ("open", 1, frozenset())}),
            lambda town: town.ask("begin_upload", path, token=made.session, data=start),
            200,
        )
        if answer is not None:
            parts = split(container, answer.json["part_size"])
            self.uploads.append(Sending(answer.json["id"], seal_id, container, parts))

    async def go_on_uploading(self) -> None:
        """Send the next part of an upload; complete it when there is none, or give it up."""
        if not self.uploads:
            return
        upload = self.rng.choice(self.uploads)
        missing = [number for number in range(1, len(upload.parts) + 1) if number not in upload.sent]
        if self.rng.random() < 0.1:
            await self._abandon(upload)
        elif missing:
            await self._send_part(upload, self.rng.choice(missing))
        else:
            await self._complete(upload)

    async def _send_part(self, upload: Sending, number: int) -> None:
        data, sent = upload.parts[number - 1], upload.sent | {number}
        path, headers = {"upload": upload.id, "part": number}, {"Content-Digest": content_digest(data)}
        answer = await self.change(
            "send a part",
            Change({("upload", upload.seal_id): ("open", 1, sent)}),
            lambda town: town.ask("put_part", path, token=self.made.session, data=data, headers=headers),
            200,
        )
        if answer is not None:
            upload.sent = sent

    async def _complete(self, upload: Sending) -> None:
        self.uploads.remove(upload)
        seal_id = upload.seal_id
        change = Change(
            {
                ("upload", seal_id): ("completed", 1, frozenset()),
                ("version", seal_id): ("active", 1, 1),
            },
            Action.EVIDENCE_DEPOSITED.value,
            {seal_id: upload.container},
        )
        answer = await self.change(
            "complete an upload", change, self._about("complete_upload", upload), 201, was_deposited
        )
        self.keep(seal_id, answer)

    async def _abandon(self, upload: Sending) -> None:
        self.uploads.remove(upload)
        change = Change({("upload", upload.seal_id): None})
        await self.change(
            "abandon an upload",
            change,
            self._about("abandon_upload", upload),
            204,
            lambda answer: answer.status == 404,
        )

    def _about(self, name, upload):
        path = {"upload": upload.id}
        return lambda town: town.ask(name, path, token=self.made.session)
