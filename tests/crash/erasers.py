"""One of the crowd who opens dossiers, fills them, closes them and erases them, again and again."""

from tests.crash.ledger import Change
from tests.crash.openers import Opener
from tests.exchange.cutting import without_payload


class Eraser(Opener):
    """Ends what it begins.

    Attributes:
        erased: dossiers that were.
    """

    erased = 0

    async def one(self) -> None:
        opened = await self.open()
        if opened is None:
            return
        dossier, gone = opened
        editor = await self.let_in(dossier)
        for _ in range(self.rng.randrange(3)):
            if (deposited := await self.deposit(dossier, editor)) is not None:
                gone["doomed", deposited.seal_id] = ("active", 1, 1, True)
        if self.rng.random() < 0.5:
            gone |= await self._begin(dossier, editor)
        self.erased += await self.end(dossier, gone)

    async def _begin(self, dossier, editor):
        """Begin an upload that nobody will go on with."""
        seal_id, container = self.sealed(dossier, editor)
        start, path = without_payload(container), {"dossier": dossier.id}
        answer = await self.change(
            "begin an upload elsewhere",
            Change({("upload", seal_id): ("open", 1, frozenset())}),
            lambda town: town.ask("begin_upload", path, token=self.made.portal.token, data=start),
            200,
        )
        return {} if answer is None else {("upload", seal_id): None}
