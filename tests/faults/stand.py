"""A server on real engines, with a line to each on which calls can be made to fail."""

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from keys.statements import Receipt
from tests.crash.pairs import Remote, RemoteSite
from tests.crash.processes import Nursery, Process
from tests.crash.town import Prepared, asking, inhabit, settle
from tests.faults.postgres_proxy import PostgresProxy
from tests.faults.proxy import HOST, Proxy
from tests.faults.s3_proxy import S3Proxy
from tests.faults.sight import Sight

_POSTGRESQL = "vault.server.stores.records.postgresql"
HURRY = {
    "vault.server.stores.s3line.CONNECT_SECONDS": 2.0,
    "vault.server.stores.s3line.ANSWER_SECONDS": 2.0,
    "vault.server.stores.s3answers.PAUSE": 0.02,
    f"{_POSTGRESQL}.CONNECT_SECONDS": 1.5,
    f"{_POSTGRESQL}.LOCK_SECONDS": 1.5,
    f"{_POSTGRESQL}.STATEMENT_SECONDS": 1.8,
    f"{_POSTGRESQL}.ANSWER_SECONDS": 2.0,
    f"{_POSTGRESQL}.IDLE_SECONDS": 5.0,
}
"""What a server waits, in the same order as in service."""

ENGINES = ("s3", "postgresql")


@dataclass(repr=False)
class Stand:
    """One server, and everybody who uses it.

    Attributes:
        lines: proxies, by engine.
        made: a dossier of this moment, and who works on it.
        sight: looks at the records beside the server.
        receipts: every one that was handed out.
    """

    site: RemoteSite
    nursery: Nursery
    server: Process
    lines: dict[str, Proxy]
    made: Prepared
    sight: Sight
    receipts: list[Receipt] = field(default_factory=list)
    _logged: int = 0

    async def turn_over(self) -> None:
        """Take a new dossier: what is listed stays short."""
        made = self.made
        people = [made.admin.identity, made.reviewer.identity]
        dossier = await made.town.dossier(made.portal, people, organisation=made.dossier.organisation)
        await made.town.depositor(made.portal, dossier, made.editor)
        self.made = replace(made, dossier=dossier)

    def complaints(self) -> list[str]:
        """Return what the server logged, since last asked, that nobody foresaw."""
        with self.server.errors.open("rb") as file:
            file.seek(self._logged)
            text = file.read()
        # A line that is being written is for the next time.
        whole = text[: text.rfind(b"\n") + 1]
        self._logged += len(whole)
        return [line for line in whole.decode().splitlines() if _is_unforeseen(line)]


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
            "SCELLE_SESSION_SECONDS": "86400",
        }
        server = await nursery.serve(site.folder, site.words, variables, hurry=HURRY)
        stack.callback(server.kill)
        http = await stack.enter_async_context(asking())
        town = await settle(site, server, http)
        made, _ = await inhabit(town, 1)
        records = await stack.enter_async_context(site.records())
        stand = Stand(site, nursery, server, lines, made, Sight(records))
        stand.complaints()
        yield stand
