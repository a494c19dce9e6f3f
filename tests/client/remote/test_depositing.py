from types import SimpleNamespace

import pytest

from client.distrust import Distrusted
from client.errors import UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.opening import Access
from client.refusals import RefusedContainer
from client.remote.carriage import to_model
from client.remote.depositing import Rewriter, deposit
from client.remote.problems import StateConflict, to_exception
from keys.derivation import PasswordCost
from tests.client import sayings as s
from tests.client.remote.conftest import seal
from vault.api.models.base import Problem
from vault.container.arrival import ArrivalExaminer
from vault.container.manifest import CarriedRecipient
from vault.container.slots import PasswordAccess

DOSSIER = "D-1"
SMALL_COST = PasswordCost(19_456, 2, 1)
PASSWORD = PasswordAccess("a.martin", "x")


def to_generation(number):
    return CarriedRecipient("dossier", number, s.dossier_seed(number).public.kem)


RECOVERY = CarriedRecipient("recovery", 0, s.RECOVERY.public.kem)
READER = CarriedRecipient("reader", 0, s.EDITOR.public.kem)


class Service:
    """The three calls that depositing makes, and a rotation between them where the test asks for one."""

    def __init__(self, *generations, refusals=()):
        self.generations = list(generations)
        self.refusals = list(refusals)
        self.taken = []
        self.idempotency_keys = []
        self.about = {}
        self.passwords = "generated"

    async def get_dossier_keys(self, dossier, *, acting_for=None):
        newest = self.generations.pop(0) if len(self.generations) > 1 else self.generations[0]
        keys = [s.dossier_key()] + [s.dossier_key(number, by=s.ADMIN) for number in range(2, newest + 1)]
        return SimpleNamespace(
            keys=[to_model(key) for key in keys],
            issuers=[to_model(i) for i in s.ISSUERS],
            passwords=self.passwords,
        )

    async def deposit(self, dossier, container, *, idempotency_key=None, acting_for=None):
        self.idempotency_keys.append(idempotency_key)
        return await self._take(container)

    async def replace_evidence(self, evidence, container, *, if_match, acting_for=None):
        self.if_match = if_match
        return await self._take(container)

    async def get_evidence(self, evidence, *, acting_for=None):
        versions = [SimpleNamespace(number=2, seal_id=self.taken[-1].seal.seal_id.hex())]
        return SimpleNamespace(id=evidence, versions=versions)

    async def get_receipt(self, evidence, number):
        return SimpleNamespace(receipt=to_model(s.receipt(self.taken[-1])))

    async def _take(self, container):
        examiner = ArrivalExaminer()
        async for piece in container.open():
            examiner.update(piece)
        self.taken.append(examiner.finalize())
        if self.refusals:
            raise self.refusals.pop(0)
        return SimpleNamespace(
            version=SimpleNamespace(number=1), receipt=to_model(s.receipt(self.taken[-1], **self.about))
        )


def refusal(code, *, repeated=False):
    error = to_exception(Problem(type="t", title="t", status=409, detail="d", code=code))
    error.repeated = repeated
    return error


@pytest.fixture
def container(tmp_path):
    def make(*recipients, recovery=(RECOVERY,), **more):
        path = tmp_path / "proof.scelle"
        data = seal(
            {"a.txt": b"words"},
            dossier=DOSSIER,
            signer=s.EDITOR.signing,
            recipients=(READER, *recovery, *recipients),
            **({"writers": (s.AUTHORITY.public.signing_key_id,)} | more),
        )
        path.write_bytes(data)
        return str(path)

    return make


REWRITER = Rewriter(Access(lambda: [s.EDITOR.decapsulation]).unlock, lambda _unlocked: s.EDITOR.signing)


async def test_what_is_sealed_to_the_current_key_goes_as_it_is(container):
    service, path = Service(1), container(to_generation(1))
    kept = await deposit(service, s.anchor(), path)
    assert kept.receipt.seal_id == service.taken[0].seal.seal_id
    assert not kept.rewritten
    assert service.idempotency_keys == [service.taken[0].envelope.digest.hex()]


async def test_an_older_key_costs_a_new_envelope_and_not_a_new_seal(container):
    service, path = Service(2), container(to_generation(1))
    with ContainerFile.open(path) as file:
        before = file.examine()
    kept = await deposit(service, s.anchor(), path, rewriter=REWRITER)
    assert kept.rewritten
    (taken,) = service.taken
    assert taken.seal.seal_id == before.seal.seal_id
    assert taken.envelope.envelope.generation == 2
    labelled = [(slot.role, slot.generation) for slot in taken.envelope.envelope.recipient_slots]
    assert sorted(labelled) == [("dossier", 2), ("reader", 0)]
    with ContainerFile.open(path) as file:
        assert file.examine().envelope.digest == kept.receipt.envelope_digest


async def test_a_key_rotated_between_look_and_deposit_is_met_once_more(container):
    service = Service(1, 2, refusals=[refusal("dossier_key_outdated")])
    kept = await deposit(service, s.anchor(), container(to_generation(1)), rewriter=REWRITER)
    assert kept.rewritten
    assert len(service.taken) == 2


async def test_a_service_that_keeps_calling_it_outdated_is_not_asked_for_ever(container):
    service = Service(1, refusals=[refusal("dossier_key_outdated") for _ in range(5)])
    with pytest.raises(StateConflict):
        await deposit(service, s.anchor(), container(to_generation(1)), rewriter=REWRITER)
    assert len(service.taken) == 2


async def test_without_somebody_who_may_rewrite_the_refusal_stands(container):
    service = Service(2, refusals=[refusal("dossier_key_outdated")])
    with pytest.raises(StateConflict, match="dossier_key_outdated"):
        await deposit(service, s.anchor(), container(to_generation(1)))


async def test_a_key_that_nobody_vouches_for_is_not_sealed_to(container):
    service = Service(1)
    anchor = s.anchor()
    anchor.knowing = lambda _statements: anchor.trust
    with pytest.raises(Distrusted):
        await deposit(service, anchor, container(to_generation(1)), rewriter=REWRITER)
    assert service.taken == []


async def test_a_receipt_about_something_else_is_not_believed(container):
    service = Service(1)
    service.about = {"size": 1}
    with pytest.raises(Distrusted, match="mismatch"):
        await deposit(service, s.anchor(), container(to_generation(1)))


async def test_replacing_names_the_active_seal_by_the_containers_own_word(container):
    service, superseded = Service(1), b"\x07" * 32
    await deposit(service, s.anchor(), container(to_generation(1), supersedes=superseded), replaces="ab" * 16)
    assert service.if_match == superseded.hex()


@pytest.mark.parametrize("code", ["already_deposited", "precondition_failed"])
async def test_the_echo_of_a_success_is_a_success(container, code):
    service = Service(1, refusals=[refusal(code, repeated=True)])
    path = container(to_generation(1), supersedes=b"\x07" * 32)
    kept = await deposit(service, s.anchor(), path, replaces="ab" * 16)
    assert kept.version.number == 2


async def test_a_refusal_at_the_first_attempt_is_one(container):
    service = Service(1, refusals=[refusal("precondition_failed")])
    path = container(to_generation(1), supersedes=b"\x07" * 32)
    with pytest.raises(StateConflict, match="precondition_failed"):
        await deposit(service, s.anchor(), path, replaces="ab" * 16)


@pytest.mark.parametrize(
    ("more", "replaces", "message"),
    [
        ({"evidence_type": "template"}, None, "a template is not deposited"),
        ({"supersedes": bytes(32)}, None, "say which one"),
        ({}, "ab" * 16, "does not say what it replaces"),
    ],
)
async def test_what_makes_no_sense_is_not_sent(container, more, replaces, message):
    service = Service(1)
    with pytest.raises(UsageProblem, match=message):
        await deposit(service, s.anchor(), container(to_generation(1), **more), replaces=replaces)
    assert service.taken == []


async def test_what_is_not_whole_is_not_sent(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(RefusedContainer):
        await deposit(Service(1), s.anchor(), str(path))


@pytest.mark.parametrize(
    ("broken", "policy", "said"),
    [
        ({"recovery": ()}, "generated", "no access for the present recovery key"),
        ({"writers": ()}, "generated", "does not list the writers"),
        (
            {"passwords": (PASSWORD,), "cost": SMALL_COST},
            "forbidden",
            "no access by password",
        ),
    ],
)
async def test_what_the_dossier_asks_for_is_looked_at_before_anything_is_sent(
    container, broken, policy, said
):
    service = Service(1)
    service.passwords = policy
    with pytest.raises(UsageProblem, match=said):
        await deposit(service, s.anchor(), container(to_generation(1), **broken), rewriter=REWRITER)
    assert service.taken == []


async def test_a_password_goes_where_it_is_not_forbidden_and_the_policy_comes_back(container):
    service = Service(1)
    service.passwords = "strength:3"
    path = container(to_generation(1), passwords=(PASSWORD,), cost=SMALL_COST)
    kept = await deposit(service, s.anchor(), path)
    assert (kept.policy, len(service.taken)) == ("strength:3", 1)
