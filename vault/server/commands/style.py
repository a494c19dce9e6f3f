"""How the commands of a server's host look and speak: as the client's do, which are not imported here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class HostProblem(click.ClickException):
    """Something on the host stands in the way: one sentence without a secret (exit code 1)."""


class SettingsProblem(HostProblem):
    """What was set makes no sense (exit code 2)."""

    exit_code = 2


class AbsentProblem(HostProblem):
    """What is needed is not there (exit code 4)."""

    exit_code = 4


class ConflictProblem(HostProblem):
    """Something else stands there already (exit code 6)."""

    exit_code = 6


class UnavailableProblem(HostProblem):
    """Database or object store cannot be used now (exit code 7)."""

    exit_code = 7


class Command(click.Command):
    """A click command with examples, whose fixed words are translated."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", _("[OPTIONS]"))
        kwargs.setdefault("context_settings", _CONTEXT)
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, line by line as they are to be typed."""
        super().format_epilog(ctx, formatter)
        with formatter.section(_("Examples")):
            for line in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Group(click.Group):
    """A click group of such commands."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", _("[OPTIONS]"))
        kwargs.setdefault("subcommand_metavar", _("COMMAND [ARGS]..."))
        kwargs.setdefault("context_settings", _CONTEXT)
        super().__init__(*args, **kwargs)


def settings_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which server is meant: ``--data``, ``--database-url``, ``--config``."""
    for option in (
        click.option("--config", metavar=_("FILE"), help=_("TOML file with further settings.")),
        click.option(
            "--database-url",
            metavar="URL",
            help=_(
                "Where the records are, if not in the folder. A URL with a password belongs in a file that "
                "SCELLE_DATABASE_URL_FILE names, not on a command line that others can see."
            ),
        ),
        click.option("--data", metavar=_("DIR"), help=_("Folder of this server's key, records and objects.")),
    ):
        function = option(function)
    return function


def say(message: str) -> None:
    """Tell the person something on stderr: one line, under the program's name."""
    click.echo(f"scelle: {message}", err=True)


def print_json(document: dict[str, Any]) -> None:
    """Print a JSON document as one line, so that a program that waits for it can read just that."""
    click.echo(json.dumps(document))


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print "label: value" lines, the values in one column."""
    lines = [(_("{label}:").format(label=label), value) for label, value in pairs]
    width = max(len(label) for label, _value in lines)
    for label, value in lines:
        click.echo(f"{label:{width}} {value}")


def show_time(seconds: int) -> str:
    """Return UTC seconds as a person reads them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
