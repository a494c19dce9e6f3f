from types import SimpleNamespace

import pytest

from client.distrust import Distrusted
from client.dossiers import KnownDossier
from keys.errors import Refusal
from tests.client import sayings as s
from vault.container.outcomes import ContainerError, Outcome


def known(at=s.NOW, **changes):
    return KnownDossier(s.anchor(at=at), s.kept(**changes))


def distrusted(reason):
    return pytest.raises(Distrusted, match=f"\\[{reason.value}\\]")


def test_the_current_key_is_the_newest():
    assert known().current_key().generation == 1
    two = known(keys=(s.dossier_key(), s.dossier_key(2, by=s.ADMIN)))
    assert two.current_key().public_key == s.dossier_seed(2).public.kem
    assert two.generations == [1, 2]
    two.require_keys()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ((), Refusal.MISMATCH),
        ((s.dossier_key(dossier="D-2"),), Refusal.MISMATCH),
        ((s.dossier_key(by=s.STRANGER),), Refusal.NOT_ENTITLED),
        ((s.dossier_key(), s.dossier_key(2, by=s.PORTAL)), Refusal.NOT_ENTITLED),
        ((s.dossier_key(), s.dossier_key(2, by=s.ADMIN, previous=bytes(32))), Refusal.MISMATCH),
        ((s.mandate(),), Refusal.WRONG_KIND),
    ],
)
def test_a_key_that_nobody_might_name_is_not_sealed_to(keys, reason):
    with distrusted(reason):
        known(keys=keys).current_key()


def test_the_portal_that_opened_a_dossier_stays_whatever_a_service_says_later():
    other = s.identity("q", s.Use.SERVICE)
    issuers = (*s.ISSUERS, s.habilitation(other, "portal"))
    later = known(keys=(s.dossier_key(), s.dossier_key(by=other)), issuers=issuers)
    assert later.opener() == s.PORTAL.public.signing


def test_what_a_portal_says_stops_counting_with_its_habilitation():
    issuers = (s.habilitation(s.PORTAL, "portal", at=s.NOW - s.DAY, seconds=2 * s.DAY),)
    assert known(issuers=issuers).opener() == s.PORTAL.public.signing
    later = known(at=s.NOW + 9 * s.DAY, issuers=issuers)
    assert later.opener() is None
    with distrusted(Refusal.EXPIRED):
        later.current_key()
    assert later.signers(at=s.NOW) == {s.EDITOR.public.signing_key_id}


def test_who_had_a_mandate_depends_on_the_time():
    brief = known(mandates=(s.mandate(seconds=60),))
    assert brief.signers(at=s.NOW) == {s.EDITOR.public.signing_key_id}
    assert brief.signers(at=s.NOW + 61) == set()


@pytest.mark.parametrize(
    "mandate", [s.mandate(by=s.STRANGER), s.mandate(dossier="D-2"), s.mandate(by=s.ADMIN), s.dossier_key()]
)
def test_a_mandate_that_does_not_count_gives_nobody_anything(mandate):
    assert known(mandates=(mandate,)).signers(at=s.NOW) == set()


def test_a_successor_has_the_mandate_too():
    heir = s.identity("h")
    issuers = (*s.ISSUERS, s.succession(s.EDITOR, heir, at=s.NOW + 10))
    signers = known(issuers=issuers).signers(at=s.NOW + 20)
    assert heir.public.signing_key_id in signers


def test_a_container_of_somebody_else_is_refused(container_of):
    judged = known()
    judged.require_signer(container_of(s.EDITOR), at=s.NOW)
    with pytest.raises(ContainerError) as refused:
        judged.require_signer(container_of(s.ADMIN), at=s.NOW)
    assert refused.value.outcome is Outcome.UNKNOWN_SIGNER


@pytest.fixture
def container_of():
    def make(identity):
        seal = SimpleNamespace(signer_key_id=identity.public.signing_key_id)
        return SimpleNamespace(seal=SimpleNamespace(seal=seal))

    return make


def test_a_grant_opens_to_the_key_of_the_statement():
    assert known().opened_by(s.REVIEWER)[1].public == s.dossier_seed(1).public
    assert known().opened_by(s.EDITOR) == {}


def test_grants_of_all_generations_open():
    judged = known(
        keys=(s.dossier_key(), s.dossier_key(2, by=s.ADMIN)),
        grants=(s.grant(), s.grant(generation=2, by=s.ADMIN)),
    )
    assert sorted(judged.opened_by(s.REVIEWER)) == [1, 2]


def test_a_grant_stays_good_when_the_portal_has_left():
    issuers = (s.habilitation(s.PORTAL, "portal", at=s.NOW - s.DAY, seconds=2 * s.DAY),)
    assert known(at=s.NOW + 9 * s.DAY, issuers=issuers).opened_by(s.REVIEWER)


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        (s.grant(by=s.STRANGER), Refusal.NOT_ENTITLED),
        (s.grant(dossier="D-2"), Refusal.MISMATCH),
        (s.grant(seed=bytes(32)), Refusal.MISMATCH),
        (s.grant(generation=2, by=s.ADMIN), Refusal.MISMATCH),
    ],
)
def test_a_grant_that_is_not_what_it_says_opens_nothing(grant, reason):
    with distrusted(reason):
        known(grants=(grant,)).opened_by(s.REVIEWER)
