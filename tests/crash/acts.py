"""What is asked of the service while it dies, and what it must answer when it is asked the same again."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import aiohttp

from keys.keyfile import Use
from keys.keyring import Identity
from tests.crash.town import Prepared, Town, put_part
from tests.exchange.acts_of_people import carry
from tests.exchange.approving import approval
from tests.exchange.approving import send as send_approval
from tests.exchange.approving import withdraw as withdraw_approval
from tests.exchange.world import Answer
from vault.api.route import IDEMPOTENCY_HEADER
from vault.server.failpoints import Failpoint


class Act(NamedTuple):
    """One request.

    Attributes:
        name: of the act.
        send: sends it, the same each time.
        done: whether an answer says that it is done, now or before; a repeated act may be told the latter.
        first: the status of the answer where nothing disturbs it.
        commits: the first place where the change is kept.
        large: whether it is about the store alone, and what it sends does not go into one request to it.
    """

    name: str
    send: Callable[[Town, Prepared], Awaitable[Answer]]
    done: Callable[[Answer, Prepared], bool]
    first: int
    commits: Failpoint = Failpoint.CHANGE_COMMITTED
    large: bool = False


async def attempt(act: Act, town: Town, made: Prepared) -> Answer | None:
    """Send an act; None: whoever served died before the answer had come."""
    try:
        return await act.send(town, made)
    except aiohttp.ClientError:
        return None


def _key(name, made) -> dict[str, str]:
    return {IDEMPOTENCY_HEADER: f"{name}-key{made.mark}"}


async def _deposit(town, made):
    return await town.deposit(made.session, made.dossier, made.ready["new"])


async def _deposit_with_key(town, made):
    return await town.deposit(made.session, made.dossier, made.ready["new"], headers=_key("deposit", made))


async def _repeat(town, made):
    return await town.deposit(
        made.session, made.dossier, made.ready["repeated"], headers=_key("repeated", made)
    )


async def _deposit_known(town, made):
    return await town.deposit(made.session, made.dossier, made.ready["repeated"])


async def _deposit_damaged(town, made):
    return await town.deposit(made.session, made.dossier, made.ready["damaged"])


async def _deposit_large(town, made):
    return await town.deposit(made.session, made.dossier, made.ready["large"])


async def _deposit_large_damaged(town, made):
    return await town.deposit(made.session, made.dossier, made.ready["large, damaged"])


async def _replace(town, made):
    proof = made.proofs["replaced"]
    headers = {"If-Match": f'"{proof["seal_id"]}"'}
    path = {"evidence": proof["evidence"]}
    return await town.ask(
        "replace_evidence", path, token=made.session, data=made.ready["better"], headers=headers
    )


async def _archive(town, made):
    proof = made.proofs["archived"]
    headers = {"If-Match": f'"{proof["seal_id"]}"'}
    return await town.ask(
        "archive_evidence", {"evidence": proof["evidence"]}, token=made.session, headers=headers
    )


async def _rewrite(town, made):
    path = {"evidence": made.proofs["rewritten"]["evidence"], "number": 1}
    headers = {"If-Match": '"1"'}
    return await town.ask(
        "rewrite_envelope", path, token=made.session, data=made.ready["head"], headers=headers
    )


async def _reencrypt(town, made):
    path = {"evidence": made.proofs["aged"]["evidence"], "number": 1}
    return await town.ask("reencrypt", path, token=made.admin.token, data=made.ready["reencrypted"])


async def _erase_originals(town, made):
    proof = made.proofs["reencrypted"]
    path = {"evidence": proof["evidence"], "number": 1}
    headers = {"If-Match": f'"{proof["seal_id"]}"'}
    return await town.ask("erase_originals", path, token=made.admin.token, headers=headers)


async def _grant(town, made):
    path = {"dossier": made.dossier.id}
    return await town.ask(
        "add_grant", path, token=made.admin.token, json=made.ready["grant"], headers=_key("grant", made)
    )


async def _revoke(town, made):
    path = {"dossier": made.dossier.id, "grant": made.ready["leaver"]}
    return await town.ask("revoke_grant", path, token=made.admin.token)


async def _rotate(town, made):
    path, headers = {"dossier": made.dossier.id}, _key("rotate", made)
    return await town.ask(
        "rotate_dossier_key", path, token=made.admin.token, json=made.ready["rotation"], headers=headers
    )


async def _retire(town, made):
    path = {"dossier": made.turned.id, "generation": 1}
    return await town.ask("retire_dossier_key", path, token=made.admin.token)


async def _rotate_token(town, made):
    path, body = made.ready["token"]
    return await town.ask("rotate_token", path, token=made.admin.token, json=body)


async def _fetch(town, made):
    path = {"evidence": made.proofs["replaced"]["evidence"], "number": 1}
    return await town.ask("fetch_container", path, token=made.reviewer.token)


async def _begin(town, made):
    start, _ = made.ready["begun"]
    return await town.ask("begin_upload", {"dossier": made.dossier.id}, token=made.session, data=start)


async def _fill(town, made):
    _, payload = made.ready["filled"]
    return await put_part(town, made.session, made.proofs["filled"]["id"], payload)


async def _renew(town, made):
    path = {"upload": made.proofs["renewed"]["id"]}
    return await town.ask("put_upload_envelope", path, token=made.session, data=made.ready["renewed"])


async def _complete(town, made):
    path = {"upload": made.proofs["completed"]["id"]}
    return await town.ask("complete_upload", path, token=made.session)


async def _abandon(town, made):
    path = {"upload": made.proofs["abandoned"]["id"]}
    return await town.ask("abandon_upload", path, token=made.session)


async def _succeed(town, made):
    return await made.ready["giver"].succeed(town)


async def _replace_template(town, made):
    return await made.ready["taker"].replace(town)


async def _rewrite_template(town, made):
    return await made.ready["keeper"].rewrite(town)


async def _hand_account_over(town, made):
    rekeyers = made.ready["rekeyers"]
    return await rekeyers.succeed(town)


async def _hand_authority_over(town, made):
    rekeyers = made.ready["rekeyers"]
    return await rekeyers.succeed_authority(town)


def _crowned(answer, made):
    # Said once more by a key that has handed over.
    if answer.status == 200:
        return True
    return answer.code == "statement_invalid" and answer.json["extra"] == {"reason": "mismatch"}


_NEXT_RECOVERY = Identity.from_seed(b"the next recovery key".ljust(32, b"."), Use.RECOVERY)


async def _name_recovery_key(town, _made):
    body = {"statement": carry(town.recovery_statement(_NEXT_RECOVERY))}
    return await town.ask("publish_recovery_key", token=town.root, json=body)


def _named(answer, _made):
    return answer.status == 200 or answer.code == "already_exists"


async def _rewrap_grant(town, made):
    rekeyers = made.ready["rekeyers"]
    return await rekeyers.rewrap(town)


def _succeeded(answer, _made):
    # The key that asks has no mandate, or no account, any more, so its session is nobody's.
    return answer.status == 200 or answer.code == "unauthenticated"


def _taken(answer, made):
    if answer.status == 200:
        return True
    return answer.code == "precondition_failed" and (
        answer.json["extra"] == {"active": made.ready["taker"].new_seal}
    )


def _abandoned(answer, _made):
    return answer.status in {204, 404}


async def _approve(town, made):
    # It names the address of the server, which is another one each time; that it was kept shows by its key.
    subject = town.authority.public.signing_key_id.hex()
    signed = approval(town, made.admin.identity, "authority", subject, made.ready["agreed"])
    return await send_approval(town, made.admin, signed, headers=_key("approve", made))


def _approved(answer, _made):
    return answer.status == 201 or answer.code == "idempotency_key_reused"


async def _withdraw_approval(town, made):
    given, withdrawal = made.ready["approval"]
    return await withdraw_approval(town, made.admin, given["id"], withdrawal)


def _withdrawn(answer, _made):
    return answer.status == 200 or answer.code == "already_exists"


async def _erase(town, made):
    path, root = made.ready["erased"]
    headers = {"If-Match": f'"{root}"'}
    return await town.ask("erase_dossier", path, token=made.admin.token, headers=headers)


def _erased(answer, _made):
    return answer.status == 200 and (answer.json["state"], answer.json["waiting"]) == ("erased", 0)


def _answered(status):
    return lambda answer, _made: answer.status == status


def _deposited(answer, made):
    """Tell whether it is kept: now, or before, in which case the receipt comes along."""
    if answer.status == 201:
        return answer.json["version"]["seal_id"] in made.sealed
    return answer.code == "already_deposited" and bool(answer.json["extra"]["receipt"])


def _replaced(answer, made):
    if answer.status == 200:
        return True
    # The refusal names the active seal: it is the one that was sent.
    if answer.code != "precondition_failed":
        return False
    return made.sealed[answer.json["extra"]["active"]] == made.ready["better"]


def _archived(answer, _made):
    return answer.status == 200 or answer.code == "conflict"


def _rewritten(answer, _made):
    return answer.status == 200 or (
        answer.code == "precondition_failed" and answer.json["extra"] == {"generation": 2}
    )


ACTS = (
    Act("deposit", _deposit, _deposited, 201),
    Act("deposit with a key", _deposit_with_key, _answered(201), 201),
    Act("deposit with a used key", _repeat, _answered(201), 201),
    Act("deposit of what is there", _deposit_known, _deposited, 409),
    Act("deposit of what is damaged", _deposit_damaged, _answered(422), 422),
    Act("deposit of much", _deposit_large, _deposited, 201, large=True),
    Act("deposit of much that is damaged", _deposit_large_damaged, _answered(422), 422, large=True),
    Act("replace", _replace, _replaced, 200),
    Act("archive", _archive, _archived, 200),
    Act("rewrite", _rewrite, _rewritten, 200),
    Act("reencrypt", _reencrypt, _deposited, 201),
    Act("erase what was re-encrypted", _erase_originals, _answered(200), 200),
    Act("grant", _grant, _answered(201), 201),
    Act("revoke", _revoke, _answered(204), 204),
    Act("rotate", _rotate, _answered(201), 201),
    Act("retire a key", _retire, _answered(200), 200),
    Act("rotate a token", _rotate_token, _answered(200), 200),
    Act("begin an upload", _begin, _answered(200), 200, Failpoint.UPLOAD_BEGUN),
    Act("upload a part", _fill, _answered(200), 200, Failpoint.UPLOAD_PART_RECORDED),
    Act("renew an upload", _renew, _answered(200), 200, Failpoint.UPLOAD_RENEWED),
    Act("complete an upload", _complete, _deposited, 201),
    Act("abandon an upload", _abandon, _abandoned, 204, Failpoint.UPLOAD_ABANDONED),
    Act("approve", _approve, _approved, 201),
    Act("withdraw an approval", _withdraw_approval, _withdrawn, 200),
    Act("erase", _erase, _erased, 200),
    Act("hand a mandate over", _succeed, _succeeded, 200),
    Act("take a template over", _replace_template, _taken, 200),
    Act("rewrite a template", _rewrite_template, _rewritten, 200),
    Act("hand an account over", _hand_account_over, _succeeded, 200),
    Act("hand the authority over", _hand_authority_over, _crowned, 200),
    Act("name another recovery key", _name_recovery_key, _named, 200),
    Act("wrap a grant anew", _rewrap_grant, _answered(200), 200),
    Act("fetch", _fetch, _answered(200), 200),
)
