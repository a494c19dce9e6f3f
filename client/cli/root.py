"""The ``scelle`` command itself: it knows the names of all others and imports the one that is typed."""

from __future__ import annotations

from gettext import gettext as _
from importlib import import_module
from typing import TYPE_CHECKING

import click

from client.cli.plugins import load_plugin, plugin_names
from client.cli.style import Group, write_examples
from client.cli.table import COMMANDS, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = (
    "scelle keygen -o alice.key",
    "scelle seal report.pdf -o report.scelle --dossier D-1 --type aipd --recipient alice.key.pub",
    "scelle open report.scelle -o report --identity alice.key",
)


class Root(Group):
    """A group whose commands are named in the table and in installed packages, and imported when typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return all names, those of the server included."""
        return sorted({*COMMANDS, *plugin_names()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import the module that holds ``cmd_name``; None if nobody knows it."""
        if entry := COMMANDS.get(cmd_name):
            loaded: click.Command = getattr(import_module(entry.module), entry.attribute)
            return loaded
        return load_plugin(cmd_name) if cmd_name in plugin_names() else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; suggest similar names if there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            known: Sequence[str] = self.list_commands(ctx)
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=known, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the commands by section, from the table alone."""
        width = max(map(len, COMMANDS))
        for section in SECTIONS:
            with formatter.section(_(section.heading)):
                formatter.write_dl([(f"{entry.name:{width}}", _(entry.purpose)) for entry in section.entries])
        if names := plugin_names():
            with formatter.section(_("On the server's host")):
                formatter.write_text(", ".join(names))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples and what the exit codes mean."""
        write_examples(formatter, EXAMPLES)
        super().format_epilog(ctx, formatter)


def _show_version(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 - only when asked for

        click.echo(f"scelle {version('scelle')}")
        ctx.exit()


@click.group(
    "scelle",
    cls=Root,
    help=_(
        "Seal evidence in an encrypted container, check it without a key, and open it with one. "
        'Every command explains itself: "scelle COMMAND --help".'
    ),
    epilog=_(
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no access, 4 not found, 5 container refused, "
        "6 something stands in the way, 7 service unavailable, 130 interrupted."
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help=_("Show the version and exit."),
)
def scelle() -> None:
    """Do nothing before the command that was typed."""
