"""A server on real engines, with a line to each on which calls can be made to fail."""

import json
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import select

from keys.statements import Receipt
from tests.crash.audit import Picture, listed
from tests.crash.pairs import Remote, RemoteSite
from tests.crash.processes import Nursery, Process
from tests.crash.town import Prepared, asking, inhabit, settle
from tests.faults.postgres_proxy import PostgresProxy
from tests.faults.proxy import HOST, Proxy
from tests.faults.s3_proxy import S3Proxy
from vault.journal import JournalVerifier
from vault.server.stores.records import schema
from vault.server.stores.records.store import SqlRecords

_POSTGRESQL = "vault.server.stores.records.postgresql"
HURRY = {
    "vault.server.stores.s3line.CONNECT_SECONDS": 0.7,
    "vault.server.stores.s3line.ANSWER_SECONDS": 0.7,
    "vault.server.stores.s3answers.PAUSE": 0.02,
    f"{_POSTGRESQL}.CONNECT_SECONDS": 0.7,
    f"{_POSTGRESQL}.LOCK_SECONDS": 0.7,
    f"{_POSTGRESQL}.STATEMENT_SECONDS": 0.9,
    f"{_POSTGRESQL}.ANSWER_SECONDS": 1.0,
    f"{_POSTGRESQL}.IDLE_SECONDS": 3.0,
}
"""What a server waits, in the same order as in service."""

ENGINES = ("s3", "postgresql")


@dataclass
class Stand:
    """One server, and everybody who uses it.

    Attributes:
        lines: proxies, by engine.
        made: a dossier of this moment, and who works on it.
        receipts: every one that was handed out.
    """

    site: RemoteSite
    nursery: Nursery
    server: Process
    lines: dict[str, Proxy]
    made: Prepared
    records: SqlRecords
    receipts: list[Receipt] = field(default_factory=list)
    _actions: Counter[str] = field(default_factory=Counter)
    _journal: JournalVerifier = field(default_factory=JournalVerifier)
    _entries: int = 0
    _logged: int = 0

    async def turn_over(self) -> None:
        """Take a new dossier: what is listed stays short."""
        made = self.made
        people = [made.admin.identity, made.reviewer.identity]
        dossier = await made.town.dossier(made.portal, people, organisation=made.dossier.organisation)
        await made.town.depositor(made.portal, dossier, made.editor)
        self.made = replace(made, dossier=dossier)

    async def picture(self) -> Picture:
        """Return what there is of the dossier that an act here changes, and what the whole journal counts."""
        town, dossier = self.made.town, self.made.dossier.id
        versions = await listed(town, self.made)
        path, most = {"dossier": dossier}, {"limit": "200"}
        grants = await town.ok("list_grants", path, token=town.root, params=most)
        async with self.records.read() as view:
            uploads, parts = schema.uploads, schema.upload_parts
            execute = view.uploads._handle.execute
            rows = (await execute(select(uploads).where(uploads.c.dossier_id == dossier))).mappings().all()
            ids = [row["id"] for row in rows]
            filled = Counter(
                (await execute(select(parts.c.upload_id).where(parts.c.upload_id.in_(ids)))).scalars()
            )
            entries = await view.journal.entries(self._entries, 1_000_000)
        self._entries += len(entries)
        self._actions.update(self._journal.add(row.entry).action for row in entries)
        return Picture(
            {seal: (row["state"], row["number"], row["generation"]) for seal, row in versions.items()},
            {row["statement"]["statement"]: row["revoked"] for row in grants["items"]},
            {row["seal_id"].hex(): (row["state"], row["generation"], filled[row["id"]]) for row in rows},
            accesses={},
            depositors=Counter(),
            templates={},
            keys={},
            journal=Counter(self._actions),
        )

    def complaints(self) -> list[str]:
        """Return what the server logged, since last asked, that nobody foresaw."""
        text = self.server.errors.read_text()
        lines, self._logged = text[self._logged :].splitlines(), len(text)
        return [line for line in lines if _is_unforeseen(line)]


def _is_unforeseen(line: str) -> bool:
    try:
        logged = json.loads(line)
    except ValueError:
        return True
    return logged["level"] in {"error", "critical"} or logged.get("library") == "asyncio"


@asynccontextmanager
async def stand_on(nursery: Nursery, pair: Remote, postgres, seaweed):
    """Set up a service, and serve it through proxies."""
    async with AsyncExitStack() as stack:
        site = pair.new()
        lines = {"s3": S3Proxy(seaweed.port), "postgresql": PostgresProxy(postgres.port)}
        for line in lines.values():
            await stack.enter_async_context(line)
        variables = site.variables | {
            "SCELLE_S3_ENDPOINT": f"http://{HOST}:{lines['s3'].port}",
            "SCELLE_DATABASE_URL": postgres.url(site.database, port=lines["postgresql"].port),
            "SCELLE_JANITOR_SECONDS": "0",
        }
        server = await nursery.serve(site.folder, site.words, variables, hurry=HURRY)
        stack.callback(server.kill)
        http = await stack.enter_async_context(asking())
        town = await settle(site, server, http)
        made, _ = await inhabit(town, 1)
        records = await stack.enter_async_context(site.records())
        stand = Stand(site, nursery, server, lines, made, records)
        stand.complaints()
        yield stand
