"""What the services are built with: an object store, the records, a clock.

Every adapter passes the suite of its port in ``tests/suites``. The errors here are all that an adapter may
raise beside a caller's own exceptions and cancellation; their texts carry no path, no address and no
credential, so that they may be logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from keys.randomness import random_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from vault.journal import Actor
    from vault.server.stores.records.transactions import Bookkeeping, Change, Reading


def new_id() -> str:
    """Return a fresh name for a row: 16 random bytes, 32 lower-case hexadecimal digits."""
    return random_bytes(16).hex()


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> int:
        """Return UTC seconds."""


# --- objects ---------------------------------------------------------------------------------------------


class StoreError(Exception):
    """Base of what an object store raises."""


class ObjectNotFoundError(StoreError):
    """There is no object of that key, or the key is not one of ours."""


class StoreFullError(StoreError):
    """No room is left; nothing of the object was kept."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached or refuses to work; trying again later may help."""


class ObjectDamagedError(StoreError):
    """The object ends before the range that its record promises."""


class ObjectLockedError(StoreError):
    """The object is retained, and may not be removed before the time that was set."""


class ObjectUnlockableError(StoreError):
    """This store cannot keep an object from being removed."""


class StoredObject(NamedTuple):
    """An object that is kept.

    Attributes:
        key: its name, drawn by the store at random, never used before or again.
        size: its length in bytes.
    """

    key: str
    size: int


class ListedObject(NamedTuple):
    """An object as a janitor sees it; ``modified`` is UTC seconds by the store's clock."""

    key: str
    size: int
    modified: int


class StagedPart(NamedTuple):
    """A part of an object that is not whole yet.

    Attributes:
        number: from 1.
        size: its length in bytes.
        tag: what the store gave back for it, at most 128 characters.
    """

    number: int
    size: int
    tag: str


def object_key(staged: str) -> str:
    """Return the key that an object will have when it is whole, by its name until then."""
    return staged.partition(".")[0]


class ObjectStore(Protocol):
    """Immutable objects of any length under random names."""

    async def put(self, chunks: AsyncIterable[bytes]) -> StoredObject:
        """Keep everything that ``chunks`` yields, durably, as one new object.

        Whatever ends it early (an exception of ``chunks``, which passes through, a failing store,
        cancellation) leaves nothing that `get` or `list` would show.

        Raises:
            StoreFullError, StoreUnavailableError.
        """

    def get(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from ``offset`` on, ``length`` of them or all, in chunks of at most 1 MiB.

        Close the generator (`contextlib.aclosing`) where it may not be read to its end.

        Raises:
            ObjectNotFoundError, StoreUnavailableError; ObjectDamagedError where the object is shorter.
        """

    async def size(self, key: str) -> int:
        """Return an object's length in bytes.

        Raises:
            ObjectNotFoundError, StoreUnavailableError.
        """

    async def delete(self, key: str) -> None:
        """Remove an object, with all that the store keeps of it; one that is not there is already removed.

        Raises:
            ObjectLockedError, StoreUnavailableError.
        """

    async def retain(self, key: str, until: int) -> None:
        """Let nobody remove an object before ``until``, UTC seconds; a later time may follow, no earlier one.

        Raises:
            ObjectUnlockableError: the store is not set up for it, as a local folder never is.
            ObjectNotFoundError, StoreUnavailableError.
        """

    def list(self) -> AsyncIterator[ListedObject]:
        """Yield every whole object, in no order, while others come and go.

        Raises:
            StoreUnavailableError.
        """

    async def check(self) -> None:
        """Return if objects could be stored now.

        Raises:
            StoreFullError, StoreUnavailableError.
        """

    async def stage(self) -> str:
        """Begin an object that arrives in parts, and return its name until it is whole.

        The name (at most 1,200 characters) begins with the key that the whole object will have: see
        `object_key`. The rest means something to the store alone; any process may go on with it.

        Raises:
            StoreFullError, StoreUnavailableError.
        """

    async def stage_part(
        self, staged: str, number: int, offset: int, chunks: AsyncIterable[bytes]
    ) -> StagedPart:
        """Keep one part durably. Parts come in any order, several at once, and the same one again.

        Args:
            staged: what `stage` returned.
            number: from 1 to 10,000; ascending numbers have ascending offsets.
            offset: where the part stands in the whole object.
            chunks: its bytes; an exception of it passes through, and a part that was kept before stays.

        Every part but the last has at least 5 MiB and a whole number of MiB.

        Raises:
            ObjectNotFoundError: nothing is staged under that name.
            StoreFullError, StoreUnavailableError.
        """

    async def assemble(self, staged: str, parts: Sequence[StagedPart]) -> StoredObject:
        """Make one object of all its parts; once it is whole, doing so again returns the same.

        Raises:
            ObjectNotFoundError: nothing is staged under that name, and it was not assembled before.
            ObjectDamagedError: a part is missing, or is not what it was.
            StoreFullError, StoreUnavailableError.
        """

    async def unstage(self, staged: str) -> None:
        """Remove all parts; what is not there is already removed. An assembled object stays.

        Raises:
            StoreUnavailableError.
        """

    def list_staged(self) -> AsyncIterator[ListedObject]:
        """Yield what is staged and not assembled; ``key`` is the staged name, ``size`` may be 0 for unknown.

        Raises:
            StoreUnavailableError.
        """


# --- records ---------------------------------------------------------------------------------------------


class RecordsError(Exception):
    """Base of what the records raise. Whatever is raised inside a transaction undoes all of it."""


class RecordsUnavailableError(RecordsError):
    """The database cannot be reached, is busy for too long, or is not at the expected schema."""


class SchemaError(RecordsUnavailableError):
    """The database answers, and is not at the schema that this code expects."""


class ObjectCondemnedError(RecordsUnavailableError):
    """An object waited so long for the row that names it that a janitor removes it; send it again."""


class AlreadyExistsError(RecordsError):
    """What has to be unique (an id, a key, a pinned fact, a grant) is there already."""


class OutdatedError(RecordsError):
    """A compare-and-swap lost: what was expected is not (or no longer) what is stored."""


class SealKnownError(RecordsError):
    """A seal id that was deposited before, in any state: each is taken once, forever."""


class QuotaExceededError(RecordsError):
    """The organisation may not store that many bytes more."""


class BadCursorError(RecordsError):
    """A cursor that this list did not give out."""


class UnrecordedChangeError(RuntimeError):
    """A mistake of the caller: a change was about to be committed with no journal entry, or with two."""


class Origin(NamedTuple):
    """Who stands behind a change, as the journal will say it.

    Attributes:
        actor: who acts.
        request: id of the request, empty for an act on the host.
    """

    actor: Actor
    request: str


class Records(Protocol):
    """All that is remembered beside objects, in transactions.

    The three differ in what they can write, and their types say so: nothing; anything, with exactly one
    journal entry; only what is forgotten anyway (challenges, counters, remembered answers).
    """

    def read(self) -> AbstractAsyncContextManager[Reading]:
        """Open a consistent view that changes nothing.

        Raises:
            RecordsUnavailableError.
        """

    def change(self, origin: Origin) -> AbstractAsyncContextManager[Change]:
        """Open the one writing transaction of this moment; leaving the block commits it durably.

        An exception inside the block undoes everything. So does leaving it without having called
        `Change.record` once: a change has its journal entry in the same transaction, or did not happen. Keep
        the block short and free of other waiting: changes wait for each other.

        Raises:
            UnrecordedChangeError: no journal entry was written.
            RecordsUnavailableError.
        """

    def bookkeeping(self) -> AbstractAsyncContextManager[Bookkeeping]:
        """Open a transaction for what needs no journal entry because it is not kept.

        It waits for changes and they for it, of every process: what it reads stays true until it commits.

        Raises:
            RecordsUnavailableError.
        """

    async def purge(self) -> bool:
        """Take what was deleted out of the files that the engine keeps for recovery.

        Returns:
            Whether nothing of it is left there; not where the engine keeps it until it needs the room, or
            somebody still reads an older state.

        Raises:
            RecordsUnavailableError.
        """

    async def check(self) -> None:
        """Return if the database answers and has the schema that this code expects.

        Raises:
            SchemaError: it has another one.
            RecordsUnavailableError: it does not answer.
        """
