"""Constant memory in both directions, and what a hostile container can make a reader allocate.

The resident set of a process of its own is measured, from after the imports to its peak.
"""

import json
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import pytest

from tests.vault.container.reading import outcome_of
from tests.vault.container.spec import H, b64, canonical
from vault.container.manifest import parse_manifest

MIB = 2**20
SIZE = 256 * MIB
ROOT = Path(__file__).parents[3]

PRELUDE = """
    import json, sys
    import psutil
    from tests.vault.container.forge import EDITOR, READER
    from vault.container.arrival import ArrivalExaminer
    from vault.container.examine import examine
    from vault.container.manifest import CarriedRecipient
    from vault.container.opening import open_container
    from vault.container.plan import DeclaredFile
    from vault.container.sealing import Sealer, SealRequest
    from vault.container.steps import FileFinished, Plaintext, run
    from vault.container.unlocking import unlock

    path, size, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    process = psutil.Process()
    before = highest = process.memory_info().rss

    def look():
        global highest
        highest = max(highest, process.memory_info().rss)

    def report(**facts):
        look()
        print(json.dumps({"grown": highest - before, **facts}))
"""
SEAL = """
    request = SealRequest("DOS-1", "other", 0, [CarriedRecipient("reader", 0, READER.public)])
    with open(path, "wb") as out, Sealer(request, [DeclaredFile("a", size)], EDITOR.signing) as sealer:
        out.write(sealer.header)
        for _ in range(size >> 20):
            # A fresh piece each time, or the sealer's own memory.
            piece = sealer.room() if mode == "lent" else bytes(1 << 20)
            out.write(sealer.update(piece))
            look()
        out.write(sealer.end_file())
        out.writelines(sealer.finalize())
        report(length=out.tell(), promised=sealer.length)
"""
OPEN = """
    total = finished = 0

    def take(event):
        global total, finished
        if isinstance(event, Plaintext):
            assert not any(event.data[::4099])
            total += len(event.data)
            look()
        finished += isinstance(event, FileFinished)

    with open(path, "rb") as container:
        length = container.seek(0, 2)

        def read_at(offset, length):
            container.seek(offset)
            return container.read(length)

        def read_into(memory, offset):
            container.seek(offset)
            return container.readinto(memory)

        examined = run(examine(length), read_at)
        opened = run(open_container(examined, unlock(examined, READER.kem)), read_at)
        run(opened.read_files(), read_at, take, read_into if mode == "lent" else None)
    report(total=total, finished=finished)
"""
ARRIVE = """
    examiner = ArrivalExaminer()
    with open(path, "rb") as container:
        while piece := container.read(1 << 20):
            examiner.update(piece)
            look()
    report(length=examiner.finalize().size)
"""


def measure(program, path, mode="plain"):
    source = textwrap.dedent(PRELUDE) + textwrap.dedent(program)
    command = [sys.executable, "-c", source, str(path), str(SIZE), mode]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module", params=["plain", "lent"])
def sealed(request, tmp_path_factory):
    """A container of 256 MiB of zeros, sealed from fresh pieces or through memory that is used again."""
    path = tmp_path_factory.mktemp("memory") / "large.scelle"
    facts = measure(SEAL, path, request.param)
    yield path, facts, request.param
    path.unlink()


def test_sealing_256_mib(sealed):
    path, facts, _ = sealed
    assert facts["grown"] < 32 * MIB
    assert path.stat().st_size == facts["length"] == facts["promised"]


def test_opening_256_mib(sealed):
    facts = measure(OPEN, sealed[0], sealed[2])
    assert facts["grown"] < 40 * MIB
    assert (facts["total"], facts["finished"]) == (SIZE, 1)


def test_256_mib_arriving(sealed):
    facts = measure(ARRIVE, sealed[0])
    assert facts["grown"] < 16 * MIB
    assert facts["length"] == sealed[0].stat().st_size


def parsed_within(data, content=bytes(32), offset=0):
    """The outcome of reading a manifest, and the most memory that Python used for it beside the bytes."""
    tracemalloc.start()
    outcome = outcome_of(parse_manifest, data, manifest_offset=offset, content=content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return outcome, peak


def test_the_longest_paths_of_a_full_manifest():
    """Paths of 600 bytes, each 32 folders deep: no list of all their folders is built."""
    files, offset = [], 0
    for number in range(4_000):
        path = "/".join([f"{number:05d}{'x' * 12}"] + ["y" * 17] * 30 + ["z"])
        file = {"path": path, "size": 0, "sha256": "A" * 43, "media_type": "", "modified": 0}
        files.append(file | {"id": b64(number.to_bytes(16, "big"))})
    content = H("scelle/1 content", canonical(files))
    for file in files:
        file |= {"offset": offset, "length": 72}
        offset += 72
    data = canonical({"created": 0, "files": files, "recipients": [], "note": ""})
    del files
    outcome, peak = parsed_within(data, content, offset)
    assert outcome is None
    assert peak < 8 * len(data)
