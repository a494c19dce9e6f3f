"""How every command looks: its usage line, its help, and the examples below it."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(click.Command):
    """A click command with examples, whose fixed words are translated."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", _("[OPTIONS]"))
        kwargs.setdefault("context_settings", CONTEXT)
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, line by line as they are to be typed."""
        super().format_epilog(ctx, formatter)
        write_examples(formatter, self.examples)


class Group(click.Group):
    """A click group of such commands."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", _("[OPTIONS]"))
        kwargs.setdefault("subcommand_metavar", _("COMMAND [ARGS]..."))
        kwargs.setdefault("context_settings", CONTEXT)
        super().__init__(*args, **kwargs)


def command(name: str, **attributes: Any) -> Callable[[Callable[..., None]], Command]:
    """Decorate a function into a `Command`; ``attributes`` are those of its constructor."""
    return click.command(name, cls=Command, **attributes)


def group(name: str, **attributes: Any) -> Callable[[Callable[..., None]], Group]:
    """Decorate a function into a `Group`."""
    return click.group(name, cls=Group, **attributes)


def write_examples(formatter: click.HelpFormatter, lines: Sequence[str]) -> None:
    """Write a section of lines that keep their breaks."""
    if lines:
        with formatter.section(_("Examples")):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
