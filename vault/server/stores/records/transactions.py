"""The three transactions of the `Records` port: a reader, a change, and bookkeeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.journal import Entry, details_of
from vault.server.ports import UnrecordedChangeError
from vault.server.stores.records.condemning import Condemning, Naming
from vault.server.stores.records.credentials import SessionChanges, Sessions, TokenChanges, Tokens
from vault.server.stores.records.depositors import DepositorChanges, Depositors
from vault.server.stores.records.dossiers import DossierChanges, Dossiers
from vault.server.stores.records.erasing import ErasureChanges, Erasures, ErasureUpkeep
from vault.server.stores.records.evidence import Evidence
from vault.server.stores.records.grants import GrantChanges, Grants
from vault.server.stores.records.journal import Journal, append
from vault.server.stores.records.leases import Leases
from vault.server.stores.records.locking import LockChanges, Locks
from vault.server.stores.records.passing import (
    AnswerChanges,
    Answers,
    Challenges,
    Failures,
    forget_expired,
)
from vault.server.stores.records.people import AccountChanges, Accounts, OrganisationChanges, Organisations
from vault.server.stores.records.publishing import EvidenceChanges
from vault.server.stores.records.retentions import RetentionChanges, Retentions
from vault.server.stores.records.retiring import RetirementChanges, Retirements
from vault.server.stores.records.runs import RunChanges, Runs
from vault.server.stores.records.statements import FactChanges, Facts, StatementChanges, Statements
from vault.server.stores.records.templates import TemplateChanges, Templates
from vault.server.stores.records.uploads import UploadChanges, Uploads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vault.journal import Action, Fact, Subject
    from vault.merkle import TreeHasher
    from vault.server.ports import Origin
    from vault.server.stores.records.handle import ChangeHandle, Handle
    from vault.server.stores.records.journal import Recorded


class Reading:
    """A consistent view of everything."""

    def __init__(self, handle: Handle) -> None:
        self.organisations = Organisations(handle)
        self.accounts = Accounts(handle)
        self.tokens = Tokens(handle)
        self.sessions = Sessions(handle)
        self.statements = Statements(handle)
        self.facts = Facts(handle)
        self.dossiers = Dossiers(handle)
        self.depositors = Depositors(handle)
        self.grants = Grants(handle)
        self.templates = Templates(handle)
        self.evidence = Evidence(handle)
        self.uploads = Uploads(handle)
        self.journal = Journal(handle)
        self.answers = Answers(handle)
        self.failures = Failures(handle)
        self.runs = Runs(handle)
        self.naming = Naming(handle)
        self.locks = Locks(handle)
        self.retentions = Retentions(handle)
        self.erasures = Erasures(handle)
        self.retirements = Retirements(handle)


class Change:
    """The one writing transaction of this moment.

    Nothing else is written between its begin and its commit, by any process: what is read here stays true.
    Every row that it makes bears ``position`` and ``now``.

    Attributes:
        position: the position that its journal entry will have.
        now: UTC seconds, the same throughout.
    """

    def __init__(self, handle: ChangeHandle, tree: TreeHasher, origin: Origin) -> None:
        self._handle = handle
        self._tree = tree
        self._origin = origin
        self._recorded = False
        self.position = handle.position
        self.now = handle.now
        self.organisations = OrganisationChanges(handle)
        self.accounts = AccountChanges(handle)
        self.tokens = TokenChanges(handle)
        self.sessions = SessionChanges(handle)
        self.statements = StatementChanges(handle)
        self.facts = FactChanges(handle)
        self.dossiers = DossierChanges(handle)
        self.depositors = DepositorChanges(handle)
        self.grants = GrantChanges(handle)
        self.templates = TemplateChanges(handle)
        self.evidence = EvidenceChanges(handle, self.organisations)
        self.uploads = UploadChanges(handle)
        self.retentions = RetentionChanges(handle)
        self.erasures = ErasureChanges(handle, self.organisations)
        self.retirements = RetirementChanges(handle)
        self.challenges = Challenges(handle)
        self.answers = AnswerChanges(handle)

    async def record(
        self,
        action: Action,
        subjects: Iterable[Subject] = (),
        facts: Mapping[Fact, str | int | bytes] | None = None,
    ) -> Recorded:
        """Write this change's journal entry; a receipt can name what it returns before the commit.

        Raises:
            UnrecordedChangeError: it has one already.
            MalformedError: something that may not stand in the journal, such as free text.
        """
        if self._recorded:
            raise UnrecordedChangeError("a change has one journal entry, and this would be the second")
        self._recorded = True
        entry = Entry(
            position=self.position,
            time=self.now,
            actor=self._origin.actor,
            action=action.value,
            subjects=tuple(subjects),
            details=details_of(facts or {}),
            request=self._origin.request,
        )
        return await append(self._handle, self._tree, entry)

    def check_recorded(self) -> None:
        """Return if this change has its journal entry.

        Raises:
            UnrecordedChangeError: it has none.
        """
        if not self._recorded:
            raise UnrecordedChangeError("a change without a journal entry is not committed")


class Bookkeeping:
    """Writes nothing but what is forgotten anyway, or can be found out again."""

    def __init__(self, handle: Handle) -> None:
        self.challenges = Challenges(handle)
        self.failures = Failures(handle)
        self.answers = AnswerChanges(handle)
        self.uploads = UploadChanges(handle)
        self.runs = RunChanges(handle)
        self.leases = Leases(handle)
        self.condemning = Condemning(handle)
        self.locks = LockChanges(handle)
        self.erasures = ErasureUpkeep(handle)
        self._handle = handle

    async def forget_expired(self, *, now: int) -> int:
        """Forget what has expired, and return how many rows that were."""
        return await forget_expired(self._handle, now=now)
