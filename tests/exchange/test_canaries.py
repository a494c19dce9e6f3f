"""Canaries through the whole demo: what must never be on the server's side is looked for there, in every
file, in the database, in the log, and in the memory of the running server.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_DEMO = Path(__file__).parents[2] / "examples/demo.py"
_PRIVATE_WRITABLE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw")


@pytest.fixture(scope="module")
def demo() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("scelle_demo", _DEMO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


class _Told:
    def __init__(self, story: Any, memory: bytes) -> None:
        self.story = story
        self.memory = memory


@pytest.fixture(scope="module")
def told(demo: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> _Told:
    folder = tmp_path_factory.mktemp("demo")
    with demo.Server(folder) as server:
        story = demo.Story(folder, server, log_size=demo.MIB)
        story.tell()
        memory = _memory_of(server.process.pid)
    return _Told(story, memory)


def _memory_of(process: int) -> bytes:
    """Return all that a process of our own holds in writable memory (proc(5), /proc/pid/mem)."""
    maps = Path(f"/proc/{process}/maps").read_text().splitlines()
    pieces = []
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            if found := _PRIVATE_WRITABLE.match(line):
                start, stop = (int(value, 16) for value in found.groups())
                memory.seek(start)
                pieces.append(memory.read(stop - start))
    return b"\0".join(pieces)


def _on_disk(told: _Told) -> Iterator[tuple[Path, bytes]]:
    yield told.story.server.log, told.story.server.log.read_bytes()
    for path in told.story.server.data.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def test_the_search_finds_what_is_there(told: _Told) -> None:
    assert told.story.proof.encode() in told.memory
    assert any(told.story.proof.encode() in data for _, data in _on_disk(told))
    assert len(told.story.secrets.everything()) > 20


def test_nothing_secret_is_in_files_database_or_log(told: _Told) -> None:
    for path, data in _on_disk(told):
        for number, secret in enumerate(told.story.secrets.everything()):
            assert secret not in data, f"secret {number} stands in {path.name}"


def test_no_plaintext_password_or_private_key_is_in_the_servers_memory(told: _Told) -> None:
    for number, secret in enumerate(
        [*told.story.secrets.contents(), *told.story.secrets.keys_and_passwords()]
    ):
        assert secret not in told.memory, f"secret {number} is in memory"


def test_the_story_ends_with_one_opening_and_six_refusals(told: _Told) -> None:
    assert [finding.opened for finding in told.story.findings] == [True] + [False] * 6
