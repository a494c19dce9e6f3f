from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from client.distrust import Distrusted
from client.errors import NotFoundProblem
from client.profile import Profile
from client.records import Proof
from client.refusals import RefusedContainer
from client.remote.carriage import to_model
from client.remote.fetching import choose_version, fetch
from client.remote.problems import to_exception
from keys.canonical import encode_binary
from tests.client import sayings as s
from tests.client.remote.conftest import seal
from tests.exchange.again import seal_again
from vault.api.models.base import Problem
from vault.api.models.evidence import Original, Receipt
from vault.container.arrival import ArrivalExaminer
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import Outcome

PROOF = "ab" * 16
DOSSIER_KEY = CarriedRecipient("dossier", 1, s.dossier_seed(1).public.kem)


def models(signed):
    return [to_model(one) for one in signed]


class Service:
    """A service that hands out one container, and whatever statements it likes."""

    def __init__(self, data, *, receipt=True, **statements):
        self.data = data
        examiner = ArrivalExaminer()
        examiner.update(data)
        self.examined = examiner.finalize()
        self.statements = s.kept(**statements)
        self.receipt = s.receipt(self.examined) if receipt is True else receipt
        self.lineage = {}
        self.version = SimpleNamespace(
            evidence=PROOF,
            number=2,
            dossier="D-1",
            seal_id=self.examined.seal.seal_id.hex(),
            size=len(data),
            generation=self.examined.envelope.envelope.generation,
        )

    async def get_dossier_keys(self, _dossier, *, acting_for=None):
        kept = self.statements
        return SimpleNamespace(keys=models(kept.keys), issuers=models(kept.issuers), passwords=None)

    async def get_my_grants(self, _dossier):
        kept = self.statements
        return SimpleNamespace(
            keys=models(kept.keys),
            grants=models(kept.grants),
            mandates=models(kept.mandates),
            issuers=models(kept.issuers),
        )

    async def get_receipt(self, _evidence, _number):
        if self.receipt is None:
            raise to_exception(Problem(type="t", title="t", status=403, detail="d", code="forbidden"))
        return Receipt(receipt=to_model(self.receipt), **self.lineage)

    @asynccontextmanager
    async def fetch_container(self, _evidence, _number):
        async def chunks():
            yield self.data

        yield SimpleNamespace(chunks=chunks)


@pytest.fixture
def known(tmp_path):
    service = Profile(str(tmp_path / "home")).service(s.URL)
    service.keep_pin(s.pin())
    return service


@pytest.fixture
def attempt(known, tmp_path):
    path = tmp_path / "out.scelle"

    async def run(service, **more):
        return await fetch(
            service, s.anchor(), known, service.version, str(path), **{"reviewing": True, **more}
        )

    run.path = path
    return run


def container(signer=s.EDITOR, **more):
    return seal({"a.txt": b"words"}, signer=signer.signing, recipients=(DOSSIER_KEY,), **more)


async def test_what_is_fetched_is_kept_with_all_that_opens_it(attempt, known):
    service = Service(container())
    fetched = await attempt(service)
    assert fetched.receipt.seal_id == service.examined.seal.seal_id
    assert attempt.path.read_bytes() == service.data
    kept = known.proof(service.examined.seal.seal_id)
    assert (kept.evidence, kept.number, kept.generation, kept.receipt) == (PROOF, 2, 1, service.receipt)
    dossier = known.dossier("D-1")
    assert (dossier.grants, dossier.mandates) == (service.statements.grants, service.statements.mandates)


async def test_without_a_receipt_the_signer_is_judged_by_the_seals_own_time(attempt):
    service = Service(container(), receipt=None)
    assert (await attempt(service)).receipt is None


async def refused(attempt, known, service, error, match, **more):
    with pytest.raises(error, match=match):
        await attempt(service, **more)
    assert not attempt.path.exists()
    assert known.proof(service.examined.seal.seal_id) is None


async def test_what_nobody_was_mandated_to_seal_is_refused(attempt, known):
    await refused(attempt, known, Service(container(s.ADMIN)), RefusedContainer, "unknown_signer")


async def test_a_mandate_that_came_later_is_none(attempt, known):
    late = Service(container(), mandates=(s.mandate(at=s.NOW + s.DAY),))
    await refused(attempt, known, late, RefusedContainer, "unknown_signer")


async def test_another_container_than_the_one_that_was_listed_is_refused(attempt, known):
    service = Service(container())
    service.version.seal_id = "00" * 32
    await refused(attempt, known, service, Distrusted, "mismatch")


async def test_another_dossiers_container_is_refused(attempt, known):
    await refused(attempt, known, Service(container(dossier="D-2")), RefusedContainer, "wrong_dossier")


async def test_a_receipt_that_does_not_fit_is_refused(attempt, known):
    service = Service(container())
    service.receipt = s.receipt(service.examined, size=1)
    await refused(attempt, known, service, Distrusted, "mismatch")
    service.receipt = s.receipt(service.examined, by=s.STRANGER)
    await refused(attempt, known, service, Distrusted, "not_entitled")


async def test_an_older_list_of_accesses_than_the_one_seen_is_refused(attempt, known):
    service = Service(container())
    known.keep_proof(Proof(service.examined.seal.seal_id, PROOF, 2, "D-1", 3))
    with pytest.raises(RefusedContainer) as stale:
        await attempt(service)
    assert stale.value.outcome is Outcome.ENVELOPE_STALE
    assert not attempt.path.exists()


async def test_keys_that_nobody_might_name_are_not_even_kept(attempt, known):
    service = Service(container(), keys=(s.dossier_key(by=s.STRANGER),))
    await refused(attempt, known, service, Distrusted, "not_entitled")
    assert known.dossier("D-1").keys == ()


async def test_a_depositor_needs_no_grant(attempt):
    service = Service(container(), grants=(), mandates=())
    assert (await attempt(service, reviewing=False)).receipt is not None


def test_a_version_is_chosen_by_number_or_the_newest():
    versions = tuple(SimpleNamespace(number=number) for number in (1, 2, 3))
    proof = SimpleNamespace(versions=versions)
    assert choose_version(proof, None).number == 3
    assert choose_version(proof, 2).number == 2
    with pytest.raises(NotFoundProblem, match="no version 9"):
        choose_version(proof, 9)


def reencrypted(original, signer=s.ADMIN, **options):
    """Return a service that hands out what re-encrypts a container, with what proves where it comes from."""
    recipients = options.pop("recipients", (DOSSIER_KEY,))
    key = s.dossier_seed(1).decapsulation
    service = Service(seal_again(original, key, signer.signing, recipients, **options))
    seal = examined_of(original)
    service.lineage = {
        "originals": (
            Original(
                seal_id=seal.seal.seal_id.hex(),
                seal=encode_binary(seal.seal.encode()),
                receipt=to_model(s.receipt(seal)),
                deposited=s.NOW,
            ),
        ),
        "issuers": tuple(models(s.ISSUERS)),
    }
    return service


def examined_of(data):
    examiner = ArrivalExaminer()
    examiner.update(data)
    return examiner.finalize()


async def test_what_an_admin_re_encrypted_goes_back_to_its_deposit(attempt):
    original = container()
    fetched = await attempt(reencrypted(original))
    assert fetched.origin.seal.seal_id == examined_of(original).seal.seal_id
    assert fetched.origin.receipt.signer == s.EDITOR.public.signing_key_id


@pytest.mark.parametrize(
    ("signer", "options"),
    [
        (s.STRANGER, {}),
        (s.PORTAL, {}),
        (s.ADMIN, {"fresh": True}),
        (s.ADMIN, {"supersedes": bytes(32)}),
        (s.ADMIN, {"evidence_type": "aipd"}),
    ],
)
async def test_what_is_no_re_encryption_of_a_deposit_is_refused(attempt, signer, options):
    with pytest.raises(RefusedContainer) as refused:
        await attempt(reencrypted(container(), signer, **options))
    assert refused.value.outcome is Outcome.UNKNOWN_SIGNER
    assert not attempt.path.exists()


async def test_what_goes_back_to_nobody_with_a_mandate_is_refused(attempt):
    for original in (container(signer=s.STRANGER), container(signer=s.ADMIN)):
        with pytest.raises(RefusedContainer) as refused:
            await attempt(reencrypted(original))
        assert refused.value.outcome is Outcome.UNKNOWN_SIGNER
    alone = reencrypted(container())
    alone.lineage = {}
    with pytest.raises(RefusedContainer):
        await attempt(alone)


async def test_an_admin_of_whom_nothing_is_known_is_refused(attempt):
    other = s.identity("o")
    with pytest.raises(RefusedContainer):
        await attempt(reencrypted(container(), other))
    known = reencrypted(container(), other)
    known.lineage["issuers"] = tuple(models([s.habilitation(other, "admin", at=s.NOW - s.DAY)]))
    assert (await attempt(known)).origin is not None


async def test_a_seal_or_receipt_on_the_way_that_is_forged_is_refused(attempt):
    original = container()
    (one,) = reencrypted(original).lineage["originals"]
    other = examined_of(container())
    stranger = to_model(s.receipt(examined_of(original), by=s.STRANGER))
    cut = encode_binary(examined_of(original).seal.encode()[:-1] + b"x")
    for change, error in (
        ({"receipt": to_model(s.receipt(other))}, Distrusted),
        ({"receipt": stranger}, Distrusted),
        ({"seal": cut}, RefusedContainer),
        ({"seal": "AAAA"}, RefusedContainer),
    ):
        service = reencrypted(original)
        service.lineage["originals"] = (one.model_copy(update=change),)
        with pytest.raises(error):
            await attempt(service)
        assert not attempt.path.exists()
