"""The acts of tests/crash/acts.py, each time with something new to be about: one server does them all."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

from keys.keyfile import Use
from keys.keyring import Identity
from tests.crash.acts import ACTS, Act
from tests.crash.heirs import Giver, Keeper, Taker
from tests.crash.town import (
    Prepared,
    agree,
    damaged,
    doom,
    expect_token,
    fresh,
    parted,
    put_part,
    seal_anew,
)
from tests.exchange.acts_of_people import carry
from vault.api.route import IDEMPOTENCY_HEADER

SMALL, LARGE, FETCHED = 1000, 9 * 1024 * 1024, 3 * 1024 * 1024 + 17
_NUMBERS = count(1)

Prepare = Callable[[Prepared], Awaitable[None]]


async def prepared(act: Act, made: Prepared) -> Prepared:
    """Return what an act is about, and sends: nobody has sent it before."""
    mark = f"-{next(_NUMBERS)}"
    own = replace(made, sealed={}, contents={}, proofs={}, ready={"head": b""}, mark=mark)
    await _PREPARE[act.name](own)
    return own


def _seal(own: Prepared, what: str, size: int = SMALL, **options) -> tuple[str, bytes]:
    return own.seal(fresh(size, what + own.mark), **options)


async def _keep(own: Prepared, what: str, size: int = SMALL, **options) -> bytes:
    _, container = _seal(own, what, size)
    own.proofs[what] = await own.town.kept(own.session, own.dossier, container, **options)
    return container


async def _new(own: Prepared) -> None:
    _, own.ready["new"] = _seal(own, "new")


async def _repeated(own: Prepared) -> None:
    own.ready["repeated"] = await _keep(
        own, "repeated", headers={IDEMPOTENCY_HEADER: f"repeated-key{own.mark}"}
    )


async def _damaged(own: Prepared) -> None:
    own.ready["damaged"] = damaged(_seal(own, "damaged")[1])


async def _large(own: Prepared) -> None:
    _, own.ready["large"] = _seal(own, "large", LARGE)
    own.ready["large, damaged"] = damaged(own.ready["large"])


async def _replaced(own: Prepared) -> None:
    await _keep(own, "replaced")
    supersedes = bytes.fromhex(own.proofs["replaced"]["seal_id"])
    _, own.ready["better"] = _seal(own, "better", supersedes=supersedes)


async def _archived(own: Prepared) -> None:
    await _keep(own, "archived")


async def _rewritten(own: Prepared) -> None:
    own.ready["head"] = own.town.rewrap(await _keep(own, "rewritten"), own.dossier, own.editor)


async def _fetched(own: Prepared) -> None:
    await _keep(own, "replaced", FETCHED)


async def _granted(own: Prepared) -> None:
    """Have a grant ready for somebody who has none."""
    admin, town = own.admin, own.town
    grants = await town.ok(
        "list_grants", {"dossier": own.dossier.id}, token=town.root, params={"limit": "200"}
    )
    for row in grants["items"]:
        if row["account"] == own.reviewer.account and not row["revoked"]:
            path = {"dossier": own.dossier.id, "grant": row["id"]}
            await town.ok("revoke_grant", path, token=admin.token)
    signed = town.grant(admin.identity, own.dossier.id, own.dossier.key, own.reviewer.identity)
    own.ready["grant"] = {"statement": carry(signed)}


async def _to_revoke(own: Prepared) -> None:
    await _granted(own)
    path = {"dossier": own.dossier.id}
    added = await own.town.ok("add_grant", path, token=own.admin.token, json=own.ready["grant"])
    own.ready["leaver"] = added["id"]


async def _rotated(own: Prepared) -> None:
    """Have the next key of a dossier that nobody else is about."""
    grantees = await _move(own)
    key = Identity.generate(Use.DOSSIER)
    own.ready["rotation"] = own.town.rotation_request(own.admin.identity, own.dossier, key, grantees)


async def _to_retire(own: Prepared) -> None:
    """Give a dossier its next key: the first may end."""
    grantees = await _move(own)
    own.turned = own.dossier
    await own.town.rotated(own.admin, own.dossier, grantees)


async def _token(own: Prepared) -> None:
    own.ready["token"] = await expect_token(own)


async def _move(own: Prepared) -> list[Identity]:
    """Go over to a dossier that is new, and return who has its key."""
    grantees = [own.admin.identity, own.reviewer.identity]
    own.dossier = await own.town.dossier(own.portal, grantees, organisation=own.dossier.organisation)
    return grantees


async def _doomed(own: Prepared) -> None:
    own.dossier = await doom(own)


def _heir(name: str, kind: type[Giver | Taker | Keeper]) -> Prepare:
    async def prepare(own: Prepared) -> None:
        own.ready[name] = await kind.prepare(own.town, own.dossier)

    return prepare


def _uploading(what: str, *, begun: bool = True, filled: bool = False) -> Prepare:
    async def prepare(own: Prepared) -> None:
        _, container = _seal(own, what)
        start, payload = parted(container)
        own.ready[what] = (start, payload)
        if not begun:
            return
        path = {"dossier": own.dossier.id}
        upload = await own.town.ok("begin_upload", path, token=own.session, data=start)
        own.proofs[what] = upload
        if filled:
            sent = await put_part(own.town, own.session, upload["id"], payload)
            assert sent.status == 200, sent.body
        if what == "renewed":
            own.ready[what] = own.town.rewrap(container, own.dossier, own.editor)

    return prepare


_PREPARE: dict[str, Prepare] = {
    "deposit": _new,
    "deposit with a key": _new,
    "deposit with a used key": _repeated,
    "deposit of what is there": _repeated,
    "deposit of what is damaged": _damaged,
    "deposit of much": _large,
    "deposit of much that is damaged": _large,
    "replace": _replaced,
    "archive": _archived,
    "rewrite": _rewritten,
    "grant": _granted,
    "revoke": _to_revoke,
    "rotate": _rotated,
    "retire a key": _to_retire,
    "reencrypt": seal_anew,
    "erase what was re-encrypted": seal_anew,
    "rotate a token": _token,
    "approve": agree,
    "withdraw an approval": agree,
    "erase": _doomed,
    "hand a mandate over": _heir("giver", Giver),
    "take a template over": _heir("taker", Taker),
    "rewrite a template": _heir("keeper", Keeper),
    "begin an upload": _uploading("begun", begun=False),
    "upload a part": _uploading("filled"),
    "renew an upload": _uploading("renewed"),
    "complete an upload": _uploading("completed", filled=True),
    "abandon an upload": _uploading("abandoned", filled=True),
    "fetch": _fetched,
}

BY_NAME = {act.name: act for act in ACTS}
ACT_NAMES = list(_PREPARE)
