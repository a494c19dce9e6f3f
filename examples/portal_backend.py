"""A platform's back end: open a dossier, invite an editor, deposit for one, follow what comes.

Copy it and make it yours; `Portal` is all there is. It needs three files: whom to trust (`scelle trust
export`, from an admin), a service token (`scelle token create`) and the platform's key (`scelle keygen --use
service`, `scelle enrol`). It holds no key that opens anything: a dossier's private key exists for the moment
in which it is wrapped to reviewers and admins.

    python portal_backend.py --trust trust.json --token portal.token --key portal.key \
        --product MaSanté --editor a.martin
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from client.dossiers import KnownDossier
from client.errors import ClientError
from client.passwords import read_password
from client.remote.depositing import deposit
from client.remote.granting import believe, fetch_keys
from client.remote.opening import NewDossier, NewMandate, new_dossier_id, open_dossier
from client.remote.pages import every
from client.remote.service import connect
from client.remote.templating import make_template
from client.remote.trust import learn, renew
from client.trust import Anchor
from client.trustfile import read_trust_file
from keys.store import load_identity
from vault.api.models.base import Paging
from vault.api.models.evidence import EvidenceQuery, Opened, State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client.records import Pin
    from client.remote.depositing import Kept
    from client.remote.service import Service
    from client.remote.templating import MadeTemplate
    from keys.keyring import Identity
    from vault.api.models.base import Page
    from vault.api.models.evidence import Version

DAY = 86_400


class Portal:
    """The platform's side of a Scellé service; make one with `connected` and keep it."""

    def __init__(self, service: Service, anchor: Anchor, identity: Identity) -> None:
        self.service = service
        self.anchor = anchor
        self.identity = identity

    @classmethod
    @asynccontextmanager
    async def connected(cls, trusted: Pin, token: str, identity: Identity) -> AsyncIterator[Self]:
        """Connect with a service token; the trusted authority has to vouch for the service."""
        async with connect(trusted.url, token=token) as service:
            yield cls(service, Anchor(renew(trusted, await learn(service))), identity)

    async def open_dossier(self, product: str, *, version: str = "", procedure: str = "") -> str:
        """Open a dossier for a product and return its id: keep it with the product.

        Everybody who is habilitated may review here; a platform would choose. The service's list is not
        believed: whoever the authority has not signed for is left out.
        """
        people = []
        async for listed in every(self.service.list_reviewers, Paging()):
            try:
                people.append(believe(self.anchor, listed))
            except ClientError as error:
                print(f"{listed.name} is left out: {error}")
        about = NewDossier(new_dossier_id(), product, version, procedure)
        return (await open_dossier(self.service, self.anchor, self.identity, about, people)).id

    async def invite_editor(self, dossier: str, username: str, *types: str) -> MadeTemplate:
        """Make a template: show link and user name on the dossier's page, send the password another way.

        Nobody can be shown the password again; do not log it. A lost one means a new template.
        """
        known = KnownDossier(self.anchor, await fetch_keys(self.service, dossier))
        return await make_template(
            self.service,
            self.anchor,
            self.identity,
            known.current_key(),
            username=username,
            mandate=NewMandate(types or ("aipd", "securite"), label=username),
            lifetime=30 * DAY,
        )

    async def deposit_for(self, editor_key: str, container: Path, replaces: str | None = None) -> Kept:
        """Deposit what an editor sealed and uploaded to the platform; the receipt is verified.

        Both must be allowed: the platform to act in the dossier, the editor's key to seal for it. Repeating
        it after a failure is safe; what is large goes in parts, and only those that are missing go again.
        """
        return await deposit(
            self.service, self.anchor, str(container), replaces=replaces, acting_for=editor_key
        )

    async def follow(self, dossier: str, evidence_type: str | None = None) -> list[Version]:
        """Return the active proofs of a dossier, for the platform's page of evidence zones."""

        async def page(query: EvidenceQuery) -> Page[Version]:
            return await self.service.list_evidence(dossier, query)

        query = EvidenceQuery(type=evidence_type, state=State.ACTIVE)
        return [version async for version in every(page, query)]


async def main(arguments: argparse.Namespace) -> None:
    """Open a dossier, invite an editor, and show what the platform's pages would show."""
    trusted = read_trust_file(str(arguments.trust))
    # Neither has a passphrase: they stand where the platform keeps its secrets.
    token = read_password(str(arguments.token))
    identity = load_identity(arguments.key, lambda: None)
    async with Portal.connected(trusted, token, identity) as portal:
        dossier = await portal.open_dossier(arguments.product)
        print(f"dossier {dossier} for {arguments.product}")
        made = await portal.invite_editor(dossier, arguments.editor)
        print(f"for the editor's page: {made.link}, user name {made.username}")
        arguments.password_out.touch(mode=0o600)
        arguments.password_out.write_text(made.password, "utf-8")
        print(f"to be sent another way: the password in {arguments.password_out}")
        for version in await portal.follow(dossier):
            seen = "opened" if version.opened is Opened.OPENED else "not opened yet"
            print(f"{version.evidence_type}: proof {version.evidence}, version {version.number}, {seen}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Open a dossier and invite an editor.")
    for name in ("trust", "token", "key"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--product", required=True)
    parser.add_argument("--editor", required=True)
    parser.add_argument("--password-out", type=Path, default=Path("password.txt"))
    asyncio.run(main(parser.parse_args()))
