import pytest

from client.distrust import Distrusted
from client.kept import find_kept, recall
from client.profile import Profile
from client.records import Proof
from tests.client import sayings as s
from tests.client.remote.conftest import seal
from vault.container.arrival import ArrivalExaminer
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError, Outcome
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.unlocking import unlock


def examine(data):
    examiner = ArrivalExaminer()
    examiner.update(data)
    return examiner.finalize()


@pytest.fixture(scope="module")
def container():
    recipient = CarriedRecipient("dossier", 1, s.dossier_seed(1).public.kem)
    return seal({"a.txt": b"words"}, signer=s.EDITOR.signing, recipients=(recipient,))


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.setenv("SCELLE_HOME", str(tmp_path / "home"))
    service = Profile.default().service(s.URL)
    service.keep_pin(s.pin())
    return service


def keep(service, examined, generation=1, **changes):
    service.keep_dossier(s.kept(**changes))
    service.keep_proof(Proof(examined.seal.seal_id, "ab" * 16, 1, "D-1", generation))


def test_what_was_never_fetched_is_not_known(service, container):
    examined = examine(container)
    assert find_kept(examined.seal) is None
    assert recall(examined, lambda: [s.REVIEWER])() == []


def test_what_was_fetched_opens_by_the_grant_that_was_kept(service, container):
    examined = examine(container)
    keep(service, examined)
    (key,) = recall(examined, lambda: [s.EDITOR, s.REVIEWER])()
    assert unlock(examined, key).container_key
    assert recall(examined, lambda: [s.EDITOR])() == []


def test_nobody_is_asked_for_a_key_before_it_is_needed(service, container):
    examined = examine(container)
    keep(service, examined)

    def never():
        raise AssertionError("asked in vain")

    recall(examined, never)


def test_a_list_of_accesses_older_than_the_one_seen_is_refused(service, container):
    examined = examine(container)
    unlocked = unlock(examined, s.dossier_seed(1).decapsulation)
    reader = CarriedRecipient("reader", 0, s.ADMIN.public.kem)
    envelope = rewrap(examined, unlocked, s.EDITOR.signing, recipients=(reader,))
    newer = examine(replace_envelope(examined, envelope) + container[examined.preamble.payload_offset :])
    keep(service, newer, generation=2)
    recall(newer, list)
    with pytest.raises(ContainerError) as refused:
        recall(examined, list)
    assert refused.value.outcome is Outcome.ENVELOPE_STALE


def test_a_grant_that_was_tampered_with_is_not_used(service, container):
    examined = examine(container)
    keep(service, examined, grants=(s.grant(by=s.STRANGER),))
    with pytest.raises(Distrusted):
        recall(examined, lambda: [s.REVIEWER])()


def test_where_nobody_is_trusted_nothing_opens_and_the_generation_still_counts(service, container):
    examined = examine(container)
    keep(service, examined, generation=2)
    service.keep_pin(s.pin(authority=None))
    with pytest.raises(ContainerError, match="envelope_stale"):
        recall(examined, lambda: [s.REVIEWER])
    service.keep_proof(Proof(examined.seal.seal_id, "ab" * 16, 1, "D-1", 1))
    kept = find_kept(examined.seal)
    assert kept.keys([s.REVIEWER]) == []
