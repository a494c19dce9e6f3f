"""The house law: imports go down only, and the server cannot import the code that opens a container.

Every ``.py`` file of keys, vault and client is read, not run: imports at the top, inside functions, under
``TYPE_CHECKING`` and by ``import_module("…")`` all count, unless a test says otherwise. A fresh process then
shows what is really loaded.
"""

import ast
import json
import subprocess
import sys

import pytest

from tests.house import (
    EMPTY_PACKAGES,
    FLOORS,
    ROOT,
    Walker,
    floor_of,
    imports,
    is_ours,
    is_within,
    modules,
    programs,
    reached_from,
    walked,
    way_to,
)

OPENING = {
    "keys.holder",
    "keys.keyring",
    "keys.slip39.sharing",
    "keys.store",
    "keys.unwrapping",
    "vault.container.blocks",
    "vault.container.opening",
    "vault.container.plan",
    "vault.container.rewrap",
    "vault.container.sealing",
    "vault.container.slots",
    "vault.container.unlocking",
}
"""What the server may never load, nor what is beneath it."""

# Outside package: the modules (or packages, with all below them) where alone it may be imported.
HOMES = {
    "aiofiles": ("vault.server.stores",),
    "aiosqlite": ("vault.server.stores.records",),
    "alembic": ("vault.server.migrations",),
    "asyncpg": ("vault.server.stores.records",),
    "click": ("client.cli", "vault.server.commands"),
    "magic": ("client.media",),
    "minio": ("vault.server.stores",),
    "pkcs11": ("client.tokens",),
    "platformdirs": ("client.profile",),
    "prometheus_client": ("vault.server.metrics",),
    "psycopg": ("vault.server.stores.records",),
    "pydantic_settings": ("vault.server",),
    "pylibmagic": ("client.media",),
    "rich": ("client",),
    # The commands open the records: one of their modules reads the URL and tells the driver's errors apart.
    "sqlalchemy": ("vault.server.stores.records", "vault.server.migrations", "vault.server.commands.records"),
    "sqlite3": ("vault.server.stores.records", "vault.server.migrations"),
    "structlog": ("vault.server",),
    "urllib3": ("vault.server.stores",),
    "zxcvbn": ("client.strength",),
}
ONE_MODULE = {
    "aiofiles",
    "magic",
    "minio",
    "pkcs11",
    "platformdirs",
    "prometheus_client",
    "pylibmagic",
    "urllib3",
    "zxcvbn",
}
"""Those that stand in a single module of their home."""

LONGEST = 400
"""Lines of a file, its tests' files too."""

# No sockets, no loop, no clock, no other processes: bytes in, bytes or events out.
IMPURE = {
    "asyncio",
    "concurrent",
    "datetime",
    "ftplib",
    "http",
    "multiprocessing",
    "sched",
    "select",
    "selectors",
    "signal",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "time",
    "urllib",
    "zoneinfo",
}
RANDOMNESS = {"random", "secrets", "uuid"}


def test_the_walk_sees_what_is_there():
    """Or all that follows would pass on nothing."""
    seen = {(one.by, one.of) for one in imports()}
    assert ("vault.container.sealing", "keys.derivation") in seen
    # Inside a function, and under TYPE_CHECKING.
    assert ("vault.container.lanes", "threading") in seen
    assert any(one.typing_only for one in walked("vault.container.envelope").imports)
    assert ("client.media", "magic") in seen
    assert "vault.container.unlocking" in reached_from("vault.container.opening") or "keys.unwrapping" in (
        reached_from("vault.container.unlocking")
    )
    for package, least in (("keys", 15), ("vault.container", 20), ("client", 20), ("vault.api", 10)):
        assert sum(is_within(module, package) for module in modules()) >= least
    if (ROOT / "vault/server/app.py").exists():
        assert len(reached_from("vault.server.app")) > 20


def test_the_walk_understands_every_way_to_import():
    walker = Walker("vault.container.example", is_package=False)
    source = """
import socket
from . import opening
from .slots import new_kdf
from ..server import app
from keys import keyring
from importlib import import_module
if TYPE_CHECKING:
    import keys.store
else:
    import keys.files
def later():
    import asyncio.events
    import_module("minio")
    __import__("magic")
    import_module(name)
"""
    walker.visit(ast.parse(source))
    runtime = {one.of for one in walker.imports if not one.typing_only}
    assert runtime >= {"socket", "vault.container.opening", "vault.container.slots", "keys.keyring"}
    assert runtime >= {"asyncio.events", "minio", "magic", "keys.files"}
    assert any(name.startswith("vault.server") for name in runtime)
    assert {one.of for one in walker.imports if one.typing_only} == {"keys.store"}
    assert len(walker.dynamic) == 1


def test_every_module_has_its_floor():
    homeless = [name for name in modules() if floor_of(name) is None and name not in EMPTY_PACKAGES]
    assert homeless == []


def test_imports_go_down_only():
    wrong = [
        str(one)
        for one in imports()
        if is_ours(one.of) and one.of not in EMPTY_PACKAGES and floor_of(one.of) > floor_of(one.by)
    ]
    assert wrong == []


def test_neighbours_of_the_first_floor_keep_apart():
    """Container, journal and API stand beside each other; only the tree of hashes is shared."""
    wrong = [
        str(one)
        for one in imports()
        if floor_of(one.by) == floor_of(one.of) == 1
        and one.of.split(".")[1] != one.by.split(".")[1]
        and one.of != "vault.merkle"
        # What the API says of containers are names of outcomes and limits, never code that reads them.
        and not (is_within(one.by, "vault.api") and is_within(one.of, "vault.container", "vault.journal"))
    ]
    assert wrong == []


def test_client_and_server_never_meet():
    wrong = [
        str(one)
        for one in imports()
        if (is_within(one.by, "client") and is_within(one.of, "vault.server"))
        or (is_within(one.by, "vault") and is_within(one.of, "client"))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["vault.server", "vault.api", "vault.journal", "vault.merkle"])
def test_the_server_cannot_reach_the_code_that_opens(package):
    members = [name for name in modules() if is_within(name, package)]
    assert members
    ways = [
        way_to(target, found)
        for found in map(reached_from, members)
        for target in sorted(OPENING & found.keys())
    ]
    assert ways == []


def test_not_even_a_type_of_it():
    """A server module that names an opening class in an annotation was about to use it."""
    wrong = [
        str(one)
        for one in imports()
        if is_within(one.by, "vault.server", "vault.api", "vault.journal") and is_within(one.of, *OPENING)
    ]
    assert wrong == []


def test_the_names_of_the_law_exist():
    """A module that was renamed would otherwise be forbidden by its old name only."""
    assert [name for name in OPENING if name not in modules()] == []
    assert [name for name in FLOORS if name not in modules()] == []
    # And nothing else does what they do: whoever imports the private halves stands in the law itself.
    private = {"keys.unwrapping", "vault.container.slots"}
    users = {one.by for one in imports() if one.of in private and not is_within(one.by, "client")}
    assert users <= OPENING


def run_fresh(source: str) -> list[str]:
    """Return the modules that are loaded in a new process after ``source`` ran."""
    program = f"import json, sys\n{source}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def entrances() -> list[str]:
    """What the server starts from: the application and its commands; before they exist, what there is."""
    found = [name for name in modules() if is_within(name, "vault.server.commands")]
    if "vault.server.app" in modules():
        found.append("vault.server.app")
    return [*found, "vault.api.routes", "vault.journal", "vault.container.examine", "vault.container.arrival"]


def test_a_fresh_process_has_not_loaded_it():
    """All entrances in one process: what none of them loads beside the others, none loads by itself."""
    loaded = run_fresh(f"import {', '.join(entrances())}")
    assert set(entrances()) <= set(loaded)
    assert OPENING & set(loaded) == set()
    assert [name for name in loaded if is_within(name, "client")] == []


def test_a_fresh_process_would_tell():
    """The same question about the client's half finds it."""
    assert {"keys.unwrapping", "vault.container.opening"} <= set(
        run_fresh("import vault.container.opening, keys.keyring")
    )


def test_a_fresh_client_has_not_loaded_the_server():
    loaded = run_fresh("import client.cli.main")
    assert [name for name in loaded if is_within(name, "vault.server")] == []


def test_packages_are_empty():
    """A re-export would load what the law forbids."""
    full = [str(path) for path in modules().values() if path.name == "__init__.py" and path.read_bytes()]
    assert full == []


def test_no_file_is_longer_than_it_can_be_read():
    """Product, tests, examples, benchmarks and migrations alike: what is longer has two reasons to exist."""
    found = programs()
    assert len(found) > len(modules()) > 0
    lengths = {str(path.relative_to(ROOT)): path.read_bytes().count(b"\n") for path in found}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


@pytest.mark.parametrize("package", sorted(HOMES))
def test_outside_packages_stay_at_home(package):
    users = {one.by for one in imports() if is_within(one.of, package)}
    assert {user for user in users if not is_within(user, *HOMES[package])} == set()
    if package in ONE_MODULE:
        assert len(users) <= 1, users


def test_the_floors_below_need_cryptography_and_nothing_else():
    wrong = [
        str(one)
        for one in imports()
        if is_within(one.by, "keys", "vault.container", "vault.merkle", "vault.journal")
        and not is_ours(one.of)
        and one.of.partition(".")[0] not in sys.stdlib_module_names | {"cryptography"}
    ]
    assert wrong == []


def test_no_socket_no_loop_no_clock():
    wrong = [
        str(one)
        for one in imports()
        if is_within(one.by, "keys", "vault.container", "vault.merkle", "vault.journal")
        and one.of.partition(".")[0] in IMPURE
    ]
    assert wrong == []


def test_only_one_module_touches_key_files():
    wrong = [
        str(one)
        for one in imports()
        if is_within(one.by, "keys", "vault.container", "vault.merkle", "vault.journal")
        and one.of.partition(".")[0] in {"io", "os", "pathlib", "shutil", "tempfile"}
        and not one.typing_only
        and one.by not in {"keys.files", "keys.randomness"}
    ]
    assert wrong == []


def test_randomness_has_one_source():
    """What is drawn for keys, salts, ids and tokens; a pause before trying again may be drawn otherwise."""
    wrong = [
        str(one)
        for one in imports()
        if one.of.partition(".")[0] in ({"secrets"} if is_within(one.by, "client") else RANDOMNESS)
    ]
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "attr", getattr(node, "id", ""))
            if name in {"urandom", "getrandom", "SystemRandom"} and module != "keys.randomness":
                wrong.append(f"{module}:{node.lineno} uses {name}")
    assert wrong == []


def test_nothing_is_imported_by_a_name_that_cannot_be_read():
    """Or the walk would be blind. The client finds commands by name: its own, and installed ones."""
    blind = {module for module in modules() if walked(module).dynamic}
    assert blind <= {"client.cli.root"}


def test_client_and_server_do_not_name_each_others_modules():
    """What is loaded by name is named somewhere; the server's commands come by the installed entry points."""
    wrong = []
    for module, path in modules().items():
        other = "vault.server" if is_within(module, "client") else "client"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = node.value if isinstance(node, ast.Constant) else None
            # "client" alone is a word like any other.
            if isinstance(value, str) and "." in value and value in modules() and is_within(value, other):
                wrong.append(f"{module}:{node.lineno} names {value}")
    assert wrong == []
