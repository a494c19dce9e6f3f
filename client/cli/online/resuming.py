"""The line that goes on with what a command did not finish."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from click.core import Argument, ParameterSource

if TYPE_CHECKING:
    from click import Context


def line_to_go_on(context: Context) -> str:
    """Return what was typed, with ``--resume``, to be pasted into a shell. No option's value is a secret."""
    words = context.command_path.split()
    for parameter in context.command.params:
        name, value = parameter.name or "", context.params.get(parameter.name or "")
        if name == "resume" or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if isinstance(parameter, Argument):
            words.append(str(value))
        else:
            words += [parameter.opts[-1]] if value is True else [parameter.opts[-1], str(value)]
    return shlex.join([*words, "--resume"])
