import pytest

from client.distrust import Distrusted
from client.errors import AccessProblem
from client.trust import Anchor, check_receipt
from keys.errors import Refusal
from keys.keyfile import PublicIdentity
from tests.client import sayings as s
from tests.client.remote.conftest import seal
from vault.container.arrival import ArrivalExaminer


@pytest.fixture(scope="module")
def examined():
    examiner = ArrivalExaminer()
    examiner.update(seal({"a.txt": b"words"}))
    return examiner.finalize()


def distrusted(reason):
    return pytest.raises(Distrusted, match=f"\\[{reason.value if reason else 'forged'}\\]")


def test_without_an_authority_nothing_is_believed():
    with pytest.raises(AccessProblem, match="whom to trust"):
        Anchor(s.pin(authority=None))


def test_the_service_and_the_recovery_key_are_believed_on_the_authoritys_word():
    anchor = s.anchor()
    assert anchor.server() == s.SERVER.public
    assert anchor.recovery_key() == s.RECOVERY.public.kem


def test_a_service_that_nobody_vouches_for_is_not_believed():
    with distrusted(Refusal.NOT_ENTITLED):
        s.anchor(habilitation=None).server()
    with distrusted(Refusal.NOT_ENTITLED):
        s.anchor(habilitation=s.habilitation(s.SERVER, "server", by=s.STRANGER)).server()


def test_only_the_authority_names_the_recovery_key():
    with distrusted(Refusal.NOT_ENTITLED):
        s.anchor(recovery=s.recovery(by=s.STRANGER)).recovery_key()
    with distrusted(Refusal.NOT_ENTITLED):
        s.anchor(recovery=None).recovery_key()
    with distrusted(Refusal.WRONG_KIND):
        s.anchor(recovery=s.mandate()).recovery_key()


def test_an_authority_that_handed_over_leads_to_the_next():
    heir = s.identity("B", s.Use.AUTHORITY)
    anchor = s.anchor(successions=(s.succession(s.AUTHORITY, heir, at=s.NOW - 10),))
    assert anchor.authority == heir.public


def test_a_receipt_is_the_services(examined):
    receipt = s.anchor().receipt(s.receipt(examined))
    check_receipt(receipt, examined)
    with distrusted(Refusal.NOT_ENTITLED):
        s.anchor().receipt(s.receipt(examined, by=s.STRANGER))


def test_a_receipt_stays_good_when_the_services_habilitation_has_ended(examined):
    short = s.habilitation(s.SERVER, "server", at=s.NOW - s.DAY, seconds=2 * s.DAY)
    s.anchor(at=s.NOW + 9 * s.DAY, habilitation=short).receipt(s.receipt(examined))
    with distrusted(Refusal.EXPIRED):
        s.anchor(at=s.NOW + 9 * s.DAY, habilitation=short).receipt(s.receipt(examined, at=s.NOW + 8 * s.DAY))


@pytest.mark.parametrize(
    "field",
    [
        {"seal_id": bytes(32)},
        {"dossier": "D-2"},
        {"evidence_type": "aipd"},
        {"size": 1},
        {"generation": 2},
        {"envelope_digest": bytes(32)},
        {"signer": bytes(32)},
        {"supersedes": bytes(32)},
    ],
    ids=lambda field: next(iter(field)),
)
def test_a_receipt_about_something_else_is_no_receipt(examined, field):
    receipt = s.anchor().receipt(s.receipt(examined, **field))
    with distrusted(Refusal.MISMATCH):
        check_receipt(receipt, examined)


def test_a_checkpoint_is_this_services():
    assert s.anchor().checkpoint(s.checkpoint(3, bytes(32))).size == 3
    with distrusted(Refusal.MISMATCH):
        s.anchor().checkpoint(s.checkpoint(3, bytes(32), origin="https://other.example.org"))
    with distrusted(None):
        signed = s.checkpoint(3, bytes(32))
        s.anchor().checkpoint(signed._replace(statement=signed.statement.replace(b'"size":3', b'"size":4')))


ROLES = ("reviewer", "admin")


def test_somebody_is_believed_on_a_habilitation():
    said = s.habilitation(s.REVIEWER, "reviewer")
    person = s.anchor().person(s.REVIEWER.public, [said], roles=ROLES)
    assert (person.identity, person.habilitation.role) == (s.REVIEWER.public, "reviewer")


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ([], Refusal.NOT_ENTITLED),
        ([s.habilitation(s.REVIEWER, "reviewer", by=s.STRANGER)], Refusal.NOT_ENTITLED),
        ([s.habilitation(s.ADMIN, "admin")], Refusal.NOT_ENTITLED),
        ([s.habilitation(s.REVIEWER, "reviewer", at=s.NOW - 99, seconds=9)], Refusal.EXPIRED),
        ([s.habilitation(s.REVIEWER, "reviewer", at=s.NOW + s.DAY)], Refusal.EARLY),
    ],
)
def test_nobody_is_believed_without_one_that_counts(statements, reason):
    with distrusted(reason):
        s.anchor().person(s.REVIEWER.public, statements, roles=ROLES)


def test_a_portal_is_no_reviewer():
    with distrusted(Refusal.NOT_ENTITLED):
        s.anchor().person(s.PORTAL.public, [s.habilitation(s.PORTAL, "portal")], roles=ROLES)


def test_a_withdrawal_counts_whoever_signed_it():
    said = s.habilitation(s.REVIEWER, "reviewer")
    for by in (s.AUTHORITY, s.ADMIN, s.STRANGER):
        with distrusted(Refusal.WITHDRAWN):
            s.anchor().person(s.REVIEWER.public, [said, s.withdrawal(said, by=by)], roles=ROLES)


def test_a_service_cannot_put_another_encryption_key_beside_a_signing_key():
    said = s.habilitation(s.REVIEWER, "reviewer")
    mixed = PublicIdentity(s.REVIEWER.public.use, s.ADMIN.public.kem, s.REVIEWER.public.signing)
    with distrusted(Refusal.MISMATCH):
        s.anchor().person(mixed, [said], roles=ROLES)
