"""Opening a fetched container without writing anything, to know what to tell the service."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, NotFoundProblem
from client.exchange.containers import ContainerFile
from client.exchange.opening import Access, open_file
from client.kept import Kept, find_kept
from client.refusals import RefusedContainer
from client.terminal import progress
from vault.container.steps import Plaintext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client.records import Proof
    from keys.keyring import Identity
    from keys.statements import OpeningOutcome
    from keys.unwrapping import DecapsulationKey
    from vault.container.examine import Headed


class Judged(NamedTuple):
    """What became of opening a container that was fetched."""

    proof: Proof
    outcome: OpeningOutcome


def judge_container(path: str, reviewer: Identity, *, quiet: bool) -> Judged:
    """Open a container to its last byte and return "opened", or the outcome that stood in the way.

    Raises:
        NotFoundProblem: it was not fetched by this person, so there is nobody to tell.
        RefusedContainer: not even its seal can be read.
    """
    with ContainerFile.open(path) as file:
        kept = find_kept(file.examine().seal)
    if kept is None:
        raise NotFoundProblem(
            N_("{path}: this was not fetched with scelle evidence fetch; nobody waits for your word"),
            path=path,
        )
    try:
        _read_all(path, kept, reviewer, quiet=quiet)
    except RefusedContainer as refused:
        return Judged(kept.proof, refused.outcome.value)
    return Judged(kept.proof, "opened")


def _read_all(path: str, kept: Kept, reviewer: Identity, *, quiet: bool) -> None:
    def recall(examined: Headed) -> Callable[[], Sequence[DecapsulationKey]]:
        kept.check(examined)
        return lambda: kept.keys([reviewer])

    access = Access(lambda: [reviewer.decapsulation], recall=recall)
    with open_file(path, access) as container:
        total = sum(file.size for file in container.opened.manifest.files)
        with progress(_("opening"), total, quiet=quiet) as advance:
            for event in container.file.events(container.opened.read_files()):
                if isinstance(event, Plaintext):
                    advance(len(event.data))
