"""What people do at a service: accounts, enrolments, habilitations, signing in."""

from typing import Any, NamedTuple

from keys.canonical import decode_binary, encode_binary
from keys.holder import answer_enrolment
from keys.keyfile import Use, encode_public
from keys.keyring import Identity
from keys.possession import answer_sign_in
from keys.serverkey import read_server_identity
from keys.statements import (
    Habilitation,
    RecoveryKey,
    Signed,
    Withdrawal,
    lasting,
    momentary,
    sign_statement,
)
from vault.api.tokens import TOKEN_PREFIX
from vault.journal import Action, Actor
from vault.server.ports import Origin, new_id
from vault.server.services.secrets import new_token


class Person(NamedTuple):
    """Somebody with an account, perhaps with an identity."""

    account: str
    token: str
    identity: Identity
    habilitation: Signed | None = None


def carry(signed: Signed) -> dict[str, str]:
    return {"statement": encode_binary(signed.statement), "signature": encode_binary(signed.signature)}


def unpack(carried: dict[str, str]) -> Signed:
    return Signed(
        decode_binary(carried["statement"], len(carried["statement"]) * 3 // 4),
        decode_binary(carried["signature"], 3373),
    )


YEAR = 366 * 86_400


class ActsOfPeople:
    """Part of a `World`."""

    async def first_admin(self) -> Person:
        """Make an admin as the host's command does."""
        secret, account = new_token(TOKEN_PREFIX), new_id()
        origin = Origin(Actor("host", ""), "")
        async with self.records.change(origin) as tx:
            await tx.accounts.add(account_id=account, role="admin", name="Ada")
            await tx.record(Action.ACCOUNT_CREATED)
        async with self.records.change(origin) as tx:
            await tx.tokens.add(
                token_id=new_id(),
                account_id=account,
                secret_hash=secret.hash,
                label="first",
                read_only=False,
                expires_at=tx.now + YEAR,
            )
            await tx.record(Action.TOKEN_CREATED)
        self.root = secret.text
        return Person(account, secret.text, Identity.generate(Use.PERSON))

    async def publish_authority(self) -> Any:
        return await self.ok("publish_authority", token=self.root, json=self.publication())

    def publication(self) -> dict[str, Any]:
        now, key = self.clock.now(), self.authority.signing
        server = read_server_identity(self.folder / "server.key")
        said = Habilitation(
            key.public_key, **lasting(now, 0), subject=server, role="server", organisation="GIE", scope=()
        )
        recovery = RecoveryKey(key.public_key, **lasting(now, 0), public_key=self.recovery.public.kem)
        return {
            "authority": encode_public(self.authority.public),
            "server": carry(sign_statement(said, key)),
            "recovery": carry(sign_statement(recovery, key)),
        }

    def recovery_statement(self, recovery, issuer=None, *, at=None) -> Signed:
        """Return the word on another recovery key, by the authority if nobody else is named."""
        key = (issuer or self.authority).signing
        when = lasting(self.clock.now() if at is None else at, 0)
        said = RecoveryKey(key.public_key, **when, public_key=recovery.public.kem)
        return sign_statement(said, key)

    async def organisation(self, name="Éditeur", **limits) -> str:
        return (await self.ok("create_organisation", token=self.root, json={"name": name, **limits}))["id"]

    async def account(self, role, *, organisation=None, name="Quelqu'un") -> tuple[str, str]:
        body = {"name": name, "role": role}
        if organisation is not None:
            body["organisation"] = organisation
        issued = await self.ok("create_account", token=self.root, json=body)
        return issued["account"]["id"], issued["enrolment_code"]

    async def token(self, account, **options) -> str:
        body = {"account": account, "label": "test", "lifetime": YEAR, **options}
        return (await self.ok("create_token", token=self.root, json=body))["secret"]

    async def enrol(self, code, identity):
        text = encode_public(identity.public)
        challenge = await self.ok("create_challenge", json={"identity": text})
        wrapped = decode_binary(challenge["wrapped"], 1713)
        signature = answer_enrolment(identity, wrapped, origin=self.origin)
        body = {
            "code": code,
            "challenge": challenge["id"],
            "identity": text,
            "signature": encode_binary(signature),
        }
        return await self.ask("enrol", json=body)

    def habilitation(self, identity, role, *, organisation="GIE", seconds=YEAR, scope=()) -> Signed:
        said = Habilitation(
            self.authority.public.signing,
            **lasting(self.clock.now(), seconds),
            subject=identity.public,
            role=role,
            organisation=organisation,
            scope=scope,
        )
        return sign_statement(said, self.authority.signing)

    def withdrawal(self, withdrawn: Signed, issuer=None) -> Signed:
        key = (issuer or self.authority).signing
        said = Withdrawal(
            key.public_key, **momentary(self.clock.now()), withdrawn=withdrawn.id, reason="left"
        )
        return sign_statement(said, key)

    async def habilitate(self, account, signed) -> Any:
        path = {"account": account}
        return await self.ok("habilitate", path, token=self.root, json={"statement": carry(signed)})

    async def withdraw(self, person, issuer=None) -> Any:
        body = {"statement": carry(self.withdrawal(person.habilitation, issuer))}
        return await self.ok("withdraw_habilitation", {"account": person.account}, token=self.root, json=body)

    async def person(self, role, *, organisation=None, seconds=YEAR, scope=(), habilitated=True) -> Person:
        """Make an account with a token and, but for auditors, an enrolled and habilitated identity."""
        account, code = await self.account(role, organisation=organisation)
        identity = Identity.generate(Use.SERVICE if role == "portal" else Use.PERSON)
        signed = None
        if role != "auditor":
            enrolled = await self.enrol(code, identity)
            assert enrolled.status == 201, enrolled.body
            if habilitated:
                where = organisation or "GIE"
                signed = self.habilitation(identity, role, organisation=where, seconds=seconds, scope=scope)
                await self.habilitate(account, signed)
        return Person(account, await self.token(account), identity, signed)

    async def sign_in(self, identity, origin=None):
        key = identity.signing
        challenge = await self.ok("create_challenge", json={"key_id": key.key_id.hex()})
        signature = answer_sign_in(
            key, origin=origin or self.origin, challenge=decode_binary(challenge["challenge"], 32)
        )
        body = {
            "challenge": challenge["id"],
            "key_id": key.key_id.hex(),
            "signature": encode_binary(signature),
        }
        return await self.ask("create_session", json=body)

    async def session(self, identity) -> str:
        answer = await self.sign_in(identity)
        assert answer.status == 201, answer.body
        return answer.json["token"]
