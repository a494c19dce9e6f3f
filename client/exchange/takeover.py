"""A take-over on disk: the template, and beside it the new key until the service and the template have it.

Nothing is ever lost: the new key stands in a file of its own, under the password that was typed, before the
service hears of it, and that file goes last. Whoever is killed in between types the same command again.
"""

# pathlib would cost start-up time.
# ruff: noqa: PTH108, PTH110
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, ConflictProblem, UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.targets import PLAINTEXT_MODE, AtomicFile
from client.refusals import RefusedContainer, refusing
from keys.keyfile import Use
from keys.keyring import Identity
from vault.container.outcomes import Outcome
from vault.container.seal import TEMPLATE
from vault.container.unlocking import unlock_all

if TYPE_CHECKING:
    from vault.container.seal import Seal
    from vault.container.slots import PasswordAccess

SUFFIX: Final = ".own"
"""What the file beside the template is called."""


class Held(NamedTuple):
    """A template that opened.

    Attributes:
        seal: of the template.
        identities: the depositor's, then those in whose place it stands, the latest first.
    """

    seal: Seal
    identities: tuple[Identity, ...]

    @property
    def identity(self) -> Identity:
        """The depositor's."""
        return self.identities[0]


def open_held(path: str, access: PasswordAccess) -> Held:
    """Return what a template holds for this password.

    Raises:
        RefusedContainer: any outcome.
        UsageProblem: a container, but not a template.
    """
    with ContainerFile.open(path) as file:
        examined = file.examine()
        with refusing(path):
            slots = unlock_all(examined, access)
    seal = examined.seal.seal
    identities = tuple(Identity.from_seed(slot.identity, Use.PERSON) for slot in slots if slot.identity)
    own = identities[0].public.signing if identities else b""
    if seal.evidence_type != TEMPLATE or own != seal.signer:
        raise UsageProblem(N_("{path}: this container is not a template"), path=path)
    return Held(seal, identities)


class Takeover:
    """One take-over, begun or not.

    Attributes:
        path: the template.
        begun: whether an earlier command began it; ``held`` is then what that left, the new key first.
        held: what opened.
    """

    def __init__(self, path: str, access: PasswordAccess) -> None:
        """Open what there is.

        Raises:
            RefusedContainer: any outcome, such as another password.
            UsageProblem: not a template.
            ConflictProblem: somebody began with another password.
        """
        self.path = path
        self._beside = path + SUFFIX
        self._mode = PLAINTEXT_MODE
        self.begun = os.path.exists(self._beside)
        self.held = self._resume(access) if self.begun else open_held(path, access)

    def _resume(self, access: PasswordAccess) -> Held:
        try:
            return open_held(self._beside, access)
        except RefusedContainer as error:
            if error.outcome is not Outcome.NO_ACCESS:
                raise
        # Whoever mistyped is told so; whoever did not has to go on with the password that it began with.
        open_held(self.path, access)
        raise ConflictProblem(
            N_(
                "{beside}: a take-over of this template began with another password and holds its new key; "
                "type the same command with that password, or remove the file if it is of no use any more"
            ),
            beside=self._beside,
        )

    def begin(self, container: bytes) -> None:
        """Keep the new key, under the password that was typed, before anybody else hears of it."""
        self._write(self._beside, container, force=False)
        self.begun = True

    def replace(self, container: bytes) -> None:
        """Put the template that was taken over in the place of the one before."""
        self._write(self.path, container, force=True)

    def end(self) -> None:
        """Remove what lies beside it: the new password is known to whoever needs it."""
        os.unlink(self._beside)
        self.begun = False

    def _write(self, path: str, container: bytes, *, force: bool) -> None:
        with AtomicFile(path, force=force, mode=self._mode) as file:
            file.write(container)
            os.fsync(file.file.fileno())
            file.commit()
