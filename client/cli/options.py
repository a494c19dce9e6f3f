"""Options that several commands share."""

from __future__ import annotations

from functools import wraps
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from client.errors import N_, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Decorator = Callable[[Callable[..., None]], Callable[..., None]]

_WHO: Final = ("username", "password_file", "identity", "passphrase_file", "template", "grant")


def stacked(*decorators: Decorator) -> Decorator:
    """Return one decorator that stands for several, the first one shown first."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def json_option() -> Decorator:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help=_("Print JSON, for programs."))


def quiet_option() -> Decorator:
    """``--quiet``."""
    return click.option("-q", "--quiet", is_flag=True, help=_("Show no progress and no notices."))


def force_option(text: str) -> Decorator:
    """``--force``; ``text`` says what it forces."""
    return click.option("--force", is_flag=True, help=text)


def any_content_option() -> Decorator:
    """``--any-content``."""
    return click.option(
        "--any-content", is_flag=True, help=_("Take files of any kind, whatever the evidence type asks for.")
    )


def new_password_options(name: str = "--new-password-file") -> Decorator:
    """``--new-password-file`` (or ``name``) and ``--ask-password``: by default a password is made."""
    return stacked(
        click.option(
            name,
            metavar=_("FILE"),
            help=_("File that holds the new password; otherwise one is made for you."),
        ),
        click.option("--ask-password", is_flag=True, help=_("Choose the new password yourself.")),
    )


def evidence_type_option(*, default: str | None = None) -> Decorator:
    """``--type``."""
    from client.media import evidence_types  # noqa: PLC0415 - only for what seals

    return click.option(
        "--type",
        "evidence_type",
        metavar=_("TYPE"),
        default=default,
        show_default=default is not None,
        help=_("Kind of evidence, which decides what files are taken: {types}.").format(
            types=", ".join(evidence_types())
        ),
    )


def note_option() -> Decorator:
    """``--note``."""
    return click.option(
        "--note", default="", metavar=_("TEXT"), help=_("A few words for whoever opens it, sealed as well.")
    )


def recipient_options() -> Decorator:
    """``--recipient`` and ``--generation``."""
    return stacked(
        click.option(
            "-r",
            "--recipient",
            multiple=True,
            metavar=_("FILE"),
            help=_("Public key file of somebody who may open it; may be given more than once."),
        ),
        click.option(
            "--generation",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            metavar=_("NUMBER"),
            help=_("Generation of the dossier key among the recipients."),
        ),
    )


def container_argument() -> Decorator:
    """Take the container, ``CONTAINER``."""
    return click.argument("container", metavar=_("CONTAINER"))


def optional_container_argument() -> Decorator:
    """Take the container, ``CONTAINER``, where a proof at a service may be named instead."""
    return click.argument("container", required=False, metavar=_("[CONTAINER]"))


class GivenProof(NamedTuple):
    """A version of a proof at a service, named instead of a file.

    Attributes:
        proof: its id, None where a file is named.
        number: of the version, None for the newest.
        server: URL of the service, None for the current one.
    """

    proof: str | None
    number: int | None
    server: str | None

    def require_either(self, container: str | None) -> None:
        """Return only if either a file or a proof was named.

        Raises:
            UsageProblem: none was, or both.
        """
        if (container is None) == (self.proof is None):
            raise UsageProblem(N_("name a file, or a proof at a service: CONTAINER, or --proof PROOF"))
        if self.proof is None and (self.number or self.server):
            raise UsageProblem(N_("--version and --server go with --proof"))


NO_PROOF: Final = GivenProof(None, None, None)


def proof_options() -> Decorator:
    """``--proof``, ``--version`` and ``--server``; the command gets a `GivenProof` as ``given``."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def with_proof(
            *args: Any, proof: str | None, number: int | None, server: str | None, **kwargs: Any
        ) -> None:
            function(*args, given=GivenProof(proof, number, server), **kwargs)

        return stacked(
            click.option("--proof", metavar=_("PROOF"), help=_("A deposited proof, instead of a file.")),
            click.option(
                "--version",
                "number",
                type=click.IntRange(min=1),
                metavar=_("NUMBER"),
                help=_("Which version; by default the newest."),
            ),
            click.option(
                "--server",
                metavar="URL",
                help=_("The service; by default the one that you signed in to last."),
            ),
        )(with_proof)

    return decorate


def username_options() -> Decorator:
    """``--username`` and ``--password-file``."""
    return stacked(
        click.option("-u", "--username", metavar=_("NAME"), help=_("Your user name in the container.")),
        click.option(
            "--password-file",
            metavar=_("FILE"),
            help=_(
                "File that holds the password; otherwise SCELLE_PASSWORD_FILE names it, or you are asked."
            ),
        ),
    )


def passphrase_option() -> Decorator:
    """``--passphrase-file``."""
    return click.option(
        "--passphrase-file",
        metavar=_("FILE"),
        help=_(
            "File that holds the key's passphrase, or its token's PIN; otherwise SCELLE_PASSPHRASE_FILE or "
            "SCELLE_PIN_FILE, or you are asked."
        ),
    )


def who_options() -> Decorator:
    """Take everything that says who opens or signs; the command gets a `Who` as ``who``."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def with_who(*args: Any, **kwargs: Any) -> None:
            from client.cli.who import Who  # noqa: PLC0415 - help texts need no unlocking

            given = {name: kwargs.pop(name) for name in _WHO}
            function(*args, who=Who(**given), **kwargs)

        return stacked(
            username_options(),
            click.option(
                "-i",
                "--identity",
                multiple=True,
                metavar=_("FILE"),
                help=_("Your key file; may be given more than once."),
            ),
            passphrase_option(),
            click.option(
                "--template",
                metavar=_("FILE"),
                help=_("Template that holds your key, opened with your user name and password."),
            ),
            click.option(
                "--grant",
                multiple=True,
                metavar=_("FILE"),
                help=_("Grant on the dossier's key, opened with your key file."),
            ),
        )(with_who)

    return decorate


def expected_options() -> Decorator:
    """``--dossier`` and ``--signer``; the command gets `Expectations` as ``expected``."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def with_expectations(*args: Any, dossier: str | None, signer: Sequence[str], **kwargs: Any) -> None:
            from client.keyfiles import read_signer  # noqa: PLC0415 - help texts need no keys
            from vault.container.examine import Expectations  # noqa: PLC0415 - as above

            signers = frozenset(map(read_signer, signer)) if signer else None
            function(*args, expected=Expectations(dossier=dossier, signers=signers), **kwargs)

        return stacked(
            click.option("--dossier", metavar="ID", help=_("Refuse a container of any other dossier.")),
            click.option(
                "--signer",
                multiple=True,
                metavar=_("FILE"),
                help=_("Refuse what was not sealed by this key (public key file, or key id)."),
            ),
        )(with_expectations)

    return decorate
