import click
import pytest

from client.cli.root import scelle
from client.cli.table import COMMANDS

ONLINE = [entry.name for entry in COMMANDS.values() if entry.module.startswith("client.cli.online.")]


def leaves(command, path):
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, [*path, name])
    else:
        yield path, command


EVERY = [leaf for name in ONLINE for leaf in leaves(scelle.get_command(click.Context(scelle), name), [name])]


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_command_explains_itself_with_an_example_that_can_be_typed(path, command):
    context = click.Context(command, info_name=" ".join(path))
    assert command.help.endswith(".")
    assert command.examples
    for example in command.examples:
        assert example.startswith(f"scelle {' '.join(path)}")
    shown = command.get_help(context)
    assert command.examples[0] in shown
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.endswith((".", ")")), parameter.help


PRINT_NOTHING = {"logout", "token revoke", "trust export", "depositor prove", "depositor remove"} | {
    "template withdraw",
    "group remove",
}


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_what_prints_prints_json_too(path, command):
    options = {option for parameter in command.params for option in parameter.opts}
    assert ("--json" in options) == (" ".join(path) not in PRINT_NOTHING)
