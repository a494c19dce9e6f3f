"""What the client raises about its input: a sentence to translate, values to put in it, and an exit code.

The texts are English templates, marked for the catalogue with `N_`; the command translates and fills them.
``str(error)`` is the English sentence. None of the values is ever a secret.
"""

from __future__ import annotations

from typing import ClassVar


def N_(template: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark a text for translation and return it unchanged."""
    return template


class ClientError(Exception):
    """Something could not be done (exit code 1); the subclasses say what kind of thing.

    Attributes:
        report_as: id of the request that failed at a service, to be named to whoever runs it; else None.
    """

    exit_code: ClassVar[int] = 1
    report_as: str | None = None

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values))
        self.template = template
        self.values = values

    def __str__(self) -> str:
        """Return the English sentence, with the request's id where it is of use."""
        sentence = super().__str__()
        return f"{sentence} (request {self.report_as})" if self.report_as else sentence


class UsageProblem(ClientError):  # noqa: N818 - "UsageError" is click's
    """What was asked for makes no sense (exit code 2)."""

    exit_code = 2


class AccessProblem(ClientError):  # noqa: N818 - named like its siblings
    """A passphrase, key or grant does not give what was asked for (exit code 3)."""

    exit_code = 3


class NotFoundProblem(ClientError):  # noqa: N818 - named like its siblings
    """A file, or a path in a container, is not there (exit code 4)."""

    exit_code = 4


class ConflictProblem(ClientError):  # noqa: N818 - named like its siblings
    """Something stands already where the result would go (exit code 6)."""

    exit_code = 6
