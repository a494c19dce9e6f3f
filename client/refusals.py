"""What a person is told about a container that was refused: one sentence for each of the eleven outcomes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from client.errors import N_, ClientError
from vault.container.outcomes import ContainerError, Outcome, UnknownWriterError

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_ACCESS: Final = 3
INTEGRITY: Final = 5

SENTENCES: Final = {
    Outcome.MALFORMED: N_(
        "{path}: this is not a Scellé container, or not a whole one; get the file again [malformed]"
    ),
    Outcome.UNSUPPORTED_VERSION: N_(
        "{path}: this container was made by a newer program; update scelle [unsupported_version]"
    ),
    Outcome.LIMIT_EXCEEDED: N_(
        "{path}: this container asks for more memory or work than is safe; "
        "ask its sender for another [limit_exceeded]"
    ),
    Outcome.SEAL_INVALID: N_(
        "{path}: the seal does not verify, so this is not what was sealed; get the file again [seal_invalid]"
    ),
    Outcome.ENVELOPE_TAMPERED: N_(
        "{path}: the list of accesses was changed by somebody who may not; "
        "get the file again [envelope_tampered]"
    ),
    Outcome.ENVELOPE_STALE: N_(
        "{path}: this is an older state of a container that you have seen newer; "
        "fetch the current one [envelope_stale]"
    ),
    Outcome.PAYLOAD_DAMAGED: N_(
        "{path}: the content is not what was sealed; get the file again [payload_damaged]"
    ),
    Outcome.WRONG_DOSSIER: N_(
        "{path}: this container belongs to another dossier; ask its sender for the right one [wrong_dossier]"
    ),
    Outcome.UNKNOWN_SIGNER: N_(
        "{path}: this was not sealed by any of the keys that you accept; ask its sender [unknown_signer]"
    ),
    Outcome.NO_ACCESS: N_(
        "{path}: it does not open with this user name and password, or this key; check them [no_access]"
    ),
    Outcome.UNSAFE_PATH: N_(
        "{path}: it holds a file name that could deceive you or be written elsewhere; "
        "nothing was written, tell its sender [unsafe_path]"
    ),
}


UNKNOWN_WRITER: Final = N_(
    "{path}: the list of accesses was written by a key that the seal does not list. If that key followed a "
    "listed one, the statement that says so is missing here: sign in to its service with scelle login, or "
    "fetch the container from there; otherwise get the file again [envelope_tampered]"
)


class RefusedContainer(ClientError):  # noqa: N818 - a refusal, often a normal outcome
    """A container was refused, or the access to it.

    Attributes:
        outcome: one of the eleven names.
        detail: an English sentence for developers, without any secret.
    """

    def __init__(self, path: str, error: ContainerError) -> None:
        unknown = isinstance(error, UnknownWriterError)
        super().__init__(UNKNOWN_WRITER if unknown else SENTENCES[error.outcome], path=path)
        self.outcome = error.outcome
        self.detail = error.detail

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # depends on the outcome, unlike in the siblings
        """3 for no_access, 5 for every other outcome."""
        return NO_ACCESS if self.outcome is Outcome.NO_ACCESS else INTEGRITY


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """Turn what the container code raises about the container at ``path`` into a `RefusedContainer`."""
    try:
        yield
    except ContainerError as error:
        raise RefusedContainer(path, error) from error
