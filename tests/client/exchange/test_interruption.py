"""An interruption at any line of the code that writes results: all or nothing, nothing left lying about."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from client.exchange import folders, targets
from client.exchange.folders import Extraction
from client.exchange.targets import AtomicFile

# A file object that an interruption keeps from being handed over is closed by nobody; nor need it be.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# Where they clean up: an interruption there comes after another end was already decided.
CLEANING = {"__exit__", "_remove", "_empty", "_take_back"}
FILES = {folders.__file__, targets.__file__}


class _Interruption(BaseException):
    """Stands for KeyboardInterrupt and SystemExit."""


def interrupted_at(moment, work):
    """Run ``work``, interrupted at its ``moment``-th line in the two modules; tell whether it got there.

    In a thread of its own: where a trace function raises inside a handler, CPython goes on taking that
    handler's exception for the current one, and every later exception of the thread would get it as context.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_interrupted_at, moment, work).result()


def _interrupted_at(moment, work):
    passed = 0

    def trace(frame, event, _argument):
        nonlocal passed
        if frame.f_code.co_filename not in FILES or frame.f_code.co_name in CLEANING:
            return None
        if event == "line":
            passed += 1
            if passed == moment:
                raise _Interruption
        return trace

    sys.settrace(trace)
    try:
        work()
    except _Interruption:
        return True
    finally:
        sys.settrace(None)
    return False


def _names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("before", [[], ["out"]])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, before):
    def work():
        with AtomicFile(str(folder / "out"), force=bool(before)) as target:
            target.write(b"new")
            target.commit()

    for moment in range(1, 1000):
        folder = tmp_path / str(moment)
        folder.mkdir()
        for name in before:
            (folder / name).write_bytes(b"old")
        got_that_far = interrupted_at(moment, work)
        assert _names(folder) in (before, ["out"])
        if before or (folder / "out").exists():
            assert (folder / "out").read_bytes() in (b"old", b"new")
        if not got_that_far:
            break
    assert moment > 20
    assert (folder / "out").read_bytes() == b"new"


@pytest.mark.parametrize("before", [None, [], ["a", "kept"]])
def test_all_files_come_out_or_none(tmp_path, before):
    paths = ["a", "sub/b"]

    def work():
        with Extraction(str(folder), paths, force=True) as extraction:
            for path in paths:
                with extraction.create(path) as file:
                    file.write(b"new")
            extraction.commit()

    complete = sorted({*paths, *(before or [])})
    for moment in range(1, 1000):
        folder = tmp_path / str(moment) / "out"
        folder.parent.mkdir()
        if before is not None:
            folder.mkdir()
        for name in before or []:
            (folder / name).write_bytes(b"old")
        got_that_far = interrupted_at(moment, work)
        found = {name: (folder / name).read_bytes() for name in _names(folder)} if folder.exists() else {}
        assert sorted(found) in (sorted(before or []), complete)
        if sorted(found) != complete:
            assert set(found.values()) <= {b"old"}
        if not got_that_far:
            break
        assert [path.name for path in folder.parent.iterdir()] in ([], ["out"])
    assert moment > 40
    assert {name for name, content in found.items() if content == b"new"} == set(paths)
