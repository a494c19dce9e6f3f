"""A service with proofs of every kind, to be scrubbed."""

import io
from dataclasses import dataclass, field
from typing import Any

from tests.exchange.uploading import Sender
from vault.container.layout import parse_preamble
from vault.server.services.scrub import Scrub

MIB = 1024 * 1024
PART = 8 * MIB
CONTENT = bytes(range(256)) * (3 * 4096 + 1)


@dataclass(repr=False)
class Stock:
    """What is stored.

    Attributes:
        versions: rows by what became of them: replaced, newest, rewritten, uploaded, other.
        superseded: the envelope of the rewritten one as it was before.
        templates: ids of one that is kept and one that was withdrawn.
    """

    world: Any
    sender: Sender
    versions: dict[str, Any]
    superseded: bytes = b""
    templates: dict[str, str] = field(default_factory=dict)

    async def scrub(self, dossier=None, **options):
        """Return what a run found, and how it ended."""
        found = []
        made = Scrub(
            self.world.records,
            options.pop("store", self.world.store),
            self.world.clock,
            found=found.append,
            **options,
        )
        return found, await made.run(dossier)

    async def found(self) -> list[dict[str, Any]]:
        """Return what a run found, as programs get it, without the sentences."""
        found, scrubbing = await self.scrub()
        assert scrubbing.outcome == "done"
        assert scrubbing.damaged == len(found)
        assert scrubbing.examined == len(self.versions)
        documents = [one.document() for one in found]
        for document in documents:
            assert document.pop("detail")
        return documents

    def named(self, name, code, **more) -> dict[str, Any]:
        """Return how a damage of a version is named."""
        row = self.versions[name]
        return {
            "code": code,
            "dossier": row.dossier_id,
            "evidence": row.proof_id,
            "number": row.number,
            "seal": row.seal_id.hex(),
            "object": row.body_key,
            **more,
        }


async def stock(world) -> Stock:
    """Deposit, replace, rewrite, upload in parts, archive."""
    organisation = await world.organisation(quota_bytes=10**12)
    portal = await world.person("portal", organisation=organisation)
    admin = await world.person("admin")
    dossiers = [await world.dossier(portal, [admin.identity], organisation=organisation) for _ in range(2)]
    editor = await world.depositor(portal, dossiers[0])
    await world.depositor(portal, dossiers[1], editor)
    session = await world.session(editor)
    sender = Sender(world, organisation, portal, admin, dossiers[0], editor, session, PART)
    made = Stock(world, sender, {})
    kept = {}
    first = world.seal(editor.signing, dossiers[0], content=CONTENT)
    kept["replaced"] = await world.kept(session, dossiers[0], io.BytesIO(first))
    supersedes = bytes.fromhex(kept["replaced"]["seal_id"])
    better = world.seal(editor.signing, dossiers[0], content=b"better", supersedes=supersedes)
    answer = await world.ask(
        "replace_evidence",
        {"evidence": kept["replaced"]["evidence"]},
        token=session,
        data=better,
        headers={"If-Match": f'"{supersedes.hex()}"'},
    )
    assert answer.status == 200, answer.body
    kept["newest"] = answer.json["version"]
    other = world.seal(editor.signing, dossiers[0], content=b"rewritten", evidence_type="cgu")
    made.superseded = other[: parse_preamble(other).payload_offset]
    kept["rewritten"] = await world.kept(session, dossiers[0], other)
    moved = await world.ask(
        "rewrite_envelope",
        {"evidence": kept["rewritten"]["evidence"], "number": 1},
        token=session,
        data=world.rewrap(other, dossiers[0], editor),
        headers={"If-Match": '"1"'},
    )
    assert moved.status == 200, moved.body
    upload = await sender.begun(sender.seal(PART + 100_000))
    await sender.put_all(upload)
    completed = await sender.ask("complete_upload", upload)
    assert completed.status == 201, completed.body
    kept["uploaded"] = completed.json["version"]
    kept["other"] = await world.kept(
        session, dossiers[1], world.seal(editor.signing, dossiers[1], content=b"of another dossier")
    )
    for content in ("kept", "withdrawn"):
        template = world.template(dossiers[0], await world.depositor(portal, dossiers[0]))
        path = {"dossier": dossiers[0].id}
        issued = await world.ok("create_template", path, token=portal.token, data=template)
        made.templates[content] = issued["template"]["id"]
    path["template"] = made.templates["withdrawn"]
    await world.ok("withdraw_template", path, token=portal.token)
    async with world.records.read() as view:
        for name, version in kept.items():
            made.versions[name] = await view.evidence.by_seal(bytes.fromhex(version["seal_id"]))
    return made
