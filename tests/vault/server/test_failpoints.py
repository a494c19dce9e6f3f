"""Every failpoint is reached in exactly the place that its value names; nothing in the product arms one."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.house import ROOT
from vault.server import failpoints
from vault.server.failpoints import Failpoint, arm, reach

SERVER = ROOT / "vault" / "server"
OWN = SERVER / "failpoints.py"

UNARMED = """
import asyncio, json, sys
from pathlib import Path
from vault.server import failpoints
from vault.server.commands.serving import serving
from vault.server.logs import logger
from vault.server.settings import load_settings

async def main():
    async with serving(load_settings({"data": Path(sys.argv[1]), "port": 0}), logger()):
        print(json.dumps(failpoints._armed))

asyncio.run(main())
"""


class _Reaches(ast.NodeVisitor):
    """Collects (function, member) of every ``reach(Failpoint.MEMBER)``."""

    def __init__(self):
        self.found = []
        self._functions = []

    def visit_FunctionDef(self, node):
        self._functions.append(node.name)
        self.generic_visit(node)
        self._functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - as above

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id == "reach":
            (given,) = node.args
            assert isinstance(given, ast.Attribute)
            assert isinstance(given.value, ast.Name)
            assert given.value.id == "Failpoint"
            self.found.append((self._functions[-1], given.attr))
        self.generic_visit(node)


@cache
def _reached():
    """Return, by member, every ``module.function`` that reaches it."""
    places: dict[str, list[str]] = {}
    for path in sorted(SERVER.rglob("*.py")):
        visitor = _Reaches()
        visitor.visit(ast.parse(path.read_text()))
        module = ".".join(path.relative_to(SERVER).with_suffix("").parts)
        for function, member in visitor.found:
            places.setdefault(member, []).append(f"{module}.{function}")
    return places


def test_there_are_places_enough():
    assert len(Failpoint) >= 40
    assert len({point.value for point in Failpoint}) == len(Failpoint)


@pytest.mark.parametrize("point", Failpoint)
def test_a_place_is_reached_once_and_where_it_says(point):
    place, _, moment = point.value.partition(": ")
    assert _reached().get(point.name) == [place]
    assert moment


def test_nothing_in_the_product_arms_them():
    """Nobody but the tests may name what arms."""
    naming = []
    for package in ("keys", "vault", "client"):
        for path in (ROOT / package).rglob("*.py"):
            nodes = list(ast.walk(ast.parse(path.read_text())))
            names = {node.id for node in nodes if isinstance(node, ast.Name)}
            names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            if names & {"arm", "_armed"}:
                naming.append(path)
    assert naming == [OWN]


def test_a_running_server_has_nothing_armed(tmp_path):
    said = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", UNARMED, str(tmp_path / "data")],
        cwd=ROOT,
        env={
            "PATH": "",
            "HOME": str(tmp_path),
            **{f"SCELLE_{name}": "" for name in ("FAILPOINT", "STOP_AT")},
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert json.loads(said) is None


def test_what_is_armed_is_told_the_place(request):
    request.addfinalizer(lambda: arm(None))
    told = []
    reach(Failpoint.DEPOSIT_BEGUN)
    arm(told.append)
    reach(Failpoint.BODY_STORED)
    arm(None)
    reach(Failpoint.ANSWER_READY)
    assert told == [Failpoint.BODY_STORED]
    assert failpoints._armed is None
    assert Path(failpoints.__file__) == OWN
