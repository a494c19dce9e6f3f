"""The service against a plain dictionary: whatever is done in whatever order, and whatever breaks off."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from keys.serverkey import read_server_identity
from keys.statements import Receipt
from keys.trust import Trust
from tests.exchange.acts_of_people import carry, unpack
from tests.exchange.acts_on_dossiers import examine_whole
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.interrupting import Site
from vault.server.failpoints import Failpoint

BOUNDED = settings(
    max_examples=12,
    stateful_step_count=14,
    derandomize=True,
    deadline=None,
    # Making a failure smaller would take minutes, and it is no longer than a dozen steps.
    phases=[Phase.generate],
    # A step speaks to real engines, which is slower than what hypothesis is made for.
    suppress_health_check=[HealthCheck.too_slow],
)
TYPES = ("aipd", "cgu")
REVIEWERS = ("first", "second")
BEFORE = (Failpoint.CHANGE_BEGUN, Failpoint.ENTRY_WRITTEN, Failpoint.CHANGE_RECORDED)
"""Whatever ends in one of these places has not happened."""
AFTER = (Failpoint.CHANGE_COMMITTED, Failpoint.ANSWER_READY)
"""And whatever ends in one of these has."""
POINTS = tuple(product(BEFORE + AFTER, (False, True)))
"""Where, and whether the task is cancelled there and ends a little later."""

# Whatever is drawn means the same before and after any outcome: numbers are taken modulo what there is.
some = st.integers(0, 1000)
kinds = st.sampled_from(TYPES)
waits = st.integers(1, 60)
"""The longest request waits about as often."""
reviewers = st.sampled_from(REVIEWERS)


@dataclass
class Known:
    """A version as the model has it."""

    evidence: str
    number: int
    evidence_type: str
    container: bytes
    state: str = "active"


class Act(NamedTuple):
    """Something that is asked of the service.

    Attributes:
        request: the coroutine that asks.
        expected: status and problem of the answer.
        follow: changes the model as the service changes, where it is taken.
        recorded: whether that is a change, and so in the journal.
    """

    request: Coroutine
    expected: tuple[int, str | None]
    follow: Callable[[], None]
    recorded: bool = True


class Stage:
    """A service with everybody who acts at it, however many dossiers they act on."""

    def __init__(self, site):
        self.site = site
        world = site.world
        organisation = site.run(world.organisation())
        self.organisation = organisation
        self.portal = site.run(world.person("portal", organisation=organisation))
        self.admin = site.run(world.person("admin"))
        self.struck: set[tuple[Failpoint, bool]] = set()
        self.turns = cycle(POINTS)
        self.reviewers = {name: site.run(world.person("reviewer")) for name in REVIEWERS}
        said = unpack(site.run(world.ok("get_trust"))["server"])
        self.trust = Trust(world.authority.public.signing, [said])
        self.server = read_server_identity(world.folder / "server.key").signing


@pytest.fixture(scope="module")
def stage(tmp_path_factory, shared_settings):
    with Site(tmp_path_factory.mktemp("model") / "service", shared_settings) as site:
        yield Stage(site)


class Model(RuleBasedStateMachine):
    """One dossier of the service, and what it has to be like."""

    def __init__(self, stage):
        super().__init__()
        self.stage, self.site, self.world = stage, stage.site, stage.site.world
        self.versions: dict[str, Known] = {}
        self.grants: dict[str, str] = {}
        self.granted: set[str] = set()
        self.steps = 0
        make = self.world.dossier(stage.portal, [stage.admin.identity], organisation=stage.organisation)
        self.dossier = self.site.run(make)
        self.editor = self.site.run(self.world.depositor(stage.portal, self.dossier))
        self.session = self.site.run(self.world.session(self.editor))
        self.entries = self.site.run(self.world.journal_size())

    # --- what is done ------------------------------------------------------------------------------------

    @initialize(kind=kinds)
    def begin(self, kind):
        """Let the first deposit of each run end at another point, so that none is left out."""
        point, cancelled = next(self.stage.turns)
        self._strike(self._deposit(kind), point, cancelled=cancelled)

    @rule(kind=kinds)
    def deposit(self, kind):
        self._do(self._deposit(kind))

    @rule(which=some, stale=st.booleans())
    def replace(self, which, stale):
        self._do(self._replace(which, stale=stale))

    @rule(which=some)
    def archive(self, which):
        self._do(self._archive(which))

    @rule(who=reviewers)
    def grant(self, who):
        self._do(self._grant(who))

    @rule(who=reviewers)
    def revoke(self, who):
        self._do(self._revoke(who))

    @rule(
        act=st.sampled_from(("deposit", "replace", "archive")),
        kind=kinds,
        which=some,
        turns=waits,
        dropped=st.booleans(),
    )
    def crash(self, *, act, kind, which, turns, dropped):
        made = {
            "deposit": lambda: self._deposit(kind),
            "replace": lambda: self._replace(which),
            "archive": lambda: self._archive(which),
        }[act]()
        self._do(made, turns, dropped=dropped)

    @rule(
        act=st.sampled_from(("deposit", "replace", "archive", "grant", "revoke")),
        kind=kinds,
        which=some,
        who=reviewers,
        point=st.sampled_from(BEFORE + AFTER),
        cancelled=st.booleans(),
    )
    def crash_around_the_commit(self, *, act, kind, which, who, point, cancelled):
        made = {
            "deposit": lambda: self._deposit(kind),
            "replace": lambda: self._replace(which),
            "archive": lambda: self._archive(which),
            "grant": lambda: self._grant(who),
            "revoke": lambda: self._revoke(who),
        }[act]()
        self._strike(made, point, cancelled=cancelled)

    @rule(act=st.sampled_from(("grant", "revoke")), who=reviewers, turns=waits, dropped=st.booleans())
    def crash_over_a_grant(self, *, act, who, turns, dropped):
        made = {"grant": self._grant, "revoke": self._revoke}[act](who)
        self._do(made, turns, dropped=dropped)

    @rule()
    def restart(self):
        self.site.restart()

    # --- what has to be true -----------------------------------------------------------------------------

    @invariant()
    def what_is_listed_is_what_is_kept(self):
        # One look a step; the rest has its turn in the next ones, and all of it at the end.
        self._compare((None, *TYPES)[self.steps % 3])

    def teardown(self):
        for kind in TYPES:
            self._compare(kind)

    @invariant()
    def a_live_proof_has_one_active_version_and_it_is_the_last(self):
        for evidence, live in self._proofs().items():
            shown = self.site.run(self.world.ok("get_evidence", {"evidence": evidence}, token=self.session))
            states = [version["state"] for version in shown["versions"]]
            assert states == ["archived"] * (len(states) - 1) + ["active" if live else "archived"]
            assert shown["state"] == states[-1]
            assert shown["versions"][-1]["seal_id"] == shown["seal_id"] == self._last(evidence)

    @invariant()
    def readers_get_the_same_bytes_or_nothing(self):
        self.steps += 1
        if not self.versions:
            return
        one = list(self.versions.values())[self.steps % len(self.versions)]
        where = {"evidence": one.evidence, "number": one.number}
        for name, person in self.stage.reviewers.items():
            answer = self.site.run(self.world.ask("fetch_container", where, token=person.token))
            if name in self.granted:
                assert (answer.status, answer.body) == (200, one.container)
                self.entries += 1
            else:
                assert (answer.status, answer.code) == (404, "not_found")

    @invariant()
    def the_journal_has_what_happened_and_nothing_else(self):
        assert self.site.run(self.world.journal_size()) == self.entries

    # --- acts --------------------------------------------------------------------------------------------

    def _do(self, act, turns=None, *, dropped=False):
        if act is None:
            return
        if turns is None:
            answer = self.site.run(act.request)
        else:
            answer = self.site.interrupted(act.request, turns, dropped=dropped)
        self._settle(act, answer)

    def _strike(self, act, point, *, cancelled):
        if act is None:
            return
        answer, reached = self.site.struck(act.request, point, cancelled=cancelled)
        if reached:
            self.stage.struck.add((point, cancelled))
        # Only a commit that was about to begin may go through although its task is cancelled.
        self._settle(act, answer, kept=None if cancelled and point in BEFORE else point in AFTER)

    def _settle(self, act, answer, *, kept=None):
        """Change the model as the service changed: where nobody was told, as ``kept`` says or as one sees."""
        taken = act.expected[1] is None
        if answer is not None:
            assert (answer.status, answer.code) == act.expected, answer.body
        elif taken and act.recorded:
            found = self.site.run(self.world.journal_size()) > self.entries
            # Otherwise nobody knows, and both are right.
            assert kept in {None, found}
            taken = found
        if taken:
            self.entries += act.recorded
            act.follow()

    def _deposit(self, kind):
        container = self._seal(kind)
        request = self.world.deposit(self.session, self.dossier, container)
        return Act(request, (201, None), lambda: self._keep(container))

    def _replace(self, which, *, stale=False):
        """Replace a proof by what supersedes its last seal, or name one that is not the last."""
        if not self.versions:
            return None
        evidence, live = self._pick(which)
        last = self._last(evidence)
        named = "0" * 64 if stale else last
        container = self._seal(self.versions[last].evidence_type, supersedes=bytes.fromhex(last))
        request = self.world.ask(
            "replace_evidence",
            {"evidence": evidence},
            token=self.session,
            data=container,
            headers={"If-Match": f'"{named}"'},
        )
        if stale:
            return Act(request, (412, "precondition_failed"), lambda: None)
        return Act(request, (200, None) if live else (409, "conflict"), lambda: self._keep(container, last))

    def _archive(self, which):
        if not self.versions:
            return None
        evidence, live = self._pick(which)
        last = self._last(evidence)
        request = self.world.ask(
            "archive_evidence",
            {"evidence": evidence},
            token=self.session,
            headers={"If-Match": f'"{last}"'},
        )
        return Act(request, (200, None) if live else (409, "conflict"), lambda: self._retire(last))

    def _grant(self, who):
        grantee = self.stage.reviewers[who].identity
        signed = self.world.grant(self.stage.admin.identity, self.dossier.id, self.dossier.key, grantee)
        request = self.world.ask(
            "add_grant",
            {"dossier": self.dossier.id},
            token=self.stage.admin.token,
            json={"statement": carry(signed)},
        )
        expected = (409, "already_exists") if who in self.granted else (201, None)
        return Act(request, expected, lambda: self._note_grant(who))

    def _revoke(self, who):
        if who not in self.grants:
            return None
        request = self.world.ask(
            "revoke_grant",
            {"dossier": self.dossier.id, "grant": self.grants[who]},
            token=self.stage.admin.token,
        )
        return Act(request, (204, None), lambda: self.granted.discard(who), who in self.granted)

    # --- the dictionary ----------------------------------------------------------------------------------

    def _proofs(self) -> dict[str, bool]:
        """Return every proof, and whether it is live."""
        return {one.evidence: one.state == "active" for one in self.versions.values()}

    def _pick(self, which) -> tuple[str, bool]:
        proofs = list(self._proofs().items())
        return proofs[which % len(proofs)]

    def _last(self, evidence) -> str:
        return max(
            (seal for seal, one in self.versions.items() if one.evidence == evidence),
            key=lambda seal: self.versions[seal].number,
        )

    def _retire(self, seal_id):
        self.versions[seal_id].state = "archived"

    def _keep(self, container, replaced=None):
        seal = examine_whole(container).seal.seal_id.hex()
        (found,) = [item for item in self._listed(state="active") if item["seal_id"] == seal]
        number = 1
        if replaced is not None:
            self._retire(replaced)
            number = self.versions[replaced].number + 1
            assert found["evidence"] == self.versions[replaced].evidence
        self.versions[seal] = Known(found["evidence"], number, found["evidence_type"], container)
        self._check_receipt(seal)

    def _note_grant(self, who):
        path, token = {"dossier": self.dossier.id}, self.stage.admin.token
        items = self.site.run(self.world.ok("list_grants", path, token=token))["items"]
        account = self.stage.reviewers[who].account
        standing = [item for item in items if item["account"] == account and not item["revoked"]]
        (self.grants[who],) = [item["id"] for item in standing]
        self.granted.add(who)

    def _compare(self, kind):
        asked = {} if kind is None else {"type": kind}
        for state in ("active", "archived"):
            expected = {
                seal: (one.evidence, one.number, one.evidence_type)
                for seal, one in self.versions.items()
                if one.state == state and kind in {None, one.evidence_type}
            }
            items = self._listed(state=state, **asked)
            assert {item["state"] for item in items} <= {state}
            assert len(items) == len(expected)
            assert {
                item["seal_id"]: (item["evidence"], item["number"], item["evidence_type"]) for item in items
            } == expected

    # --- asking ------------------------------------------------------------------------------------------

    def _seal(self, kind, **options) -> bytes:
        return self.world.seal(
            self.editor.signing, self.dossier, content=b"tiny", evidence_type=kind, **options
        )

    def _listed(self, **params) -> list[dict[str, Any]]:
        path = {"dossier": self.dossier.id}
        page = self.site.run(self.world.ok("list_evidence", path, token=self.session, params=params))
        assert page["next"] is None
        return page["items"]

    def _check_receipt(self, seal):
        one = self.versions[seal]
        where = {"evidence": one.evidence, "number": one.number}
        carried = self.site.run(self.world.ok("get_receipt", where, token=self.session))["receipt"]
        receipt = self.stage.trust.verify(unpack(carried), Receipt, at=self.world.clock.now()).statement
        assert receipt.issuer == self.stage.server
        assert (receipt.seal_id.hex(), receipt.size) == (seal, len(one.container))
        assert (receipt.proof, receipt.dossier) == (one.evidence, self.dossier.id)
        assert receipt.journal_position == self.entries - 1


def test_whatever_is_done_the_service_is_what_a_dictionary_says(stage):
    run_state_machine_as_test(lambda: Model(stage), settings=BOUNDED)
    assert stage.struck == set(POINTS)
