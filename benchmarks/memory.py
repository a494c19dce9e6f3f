"""The most memory that sealing and opening a large file ever hold, as whole processes.

    python benchmarks/memory.py [--size MIB] [--folder DIR]

The file is sparse, so the folder needs room for twice its size (the container, and the file taken out again).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 150
"""MiB resident, at most."""


def main() -> None:
    """Print both peaks; end with 1 where one is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4096, help="of the file, in MiB")
    parser.add_argument("--folder", type=Path, default=None, help="where to work; temporary by default")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="scelle-memory-", dir=options.folder))
    try:
        sys.exit(run(folder, options.size))
    finally:
        shutil.rmtree(folder)


def run(folder: Path, size: int) -> int:
    """Measure in ``folder``; return the exit code."""
    scelle = str(Path(sys.executable).with_name("scelle"))
    source, sealed, key = folder / "source.bin", folder / "sealed.scelle", folder / "key"
    with source.open("wb") as file:
        file.truncate(size * 1024 * 1024)
    subprocess.run([scelle, "keygen", "-o", str(key), "--no-passphrase"], check=True, capture_output=True)
    seal = [scelle, "seal", str(source), "-o", str(sealed), "--dossier", "bench", "--type", "other"]
    opening = [scelle, "open", str(sealed), "-o", str(folder / "out"), "--identity", str(key)]
    print(f"{size} MiB, peak resident memory of the whole process")
    worst = 0.0
    for name, command in (("seal", [*seal, "--recipient", f"{key}.pub"]), ("open", opening)):
        peak = peak_of(command)
        print(f"{name}  {peak:.0f} MiB")
        worst = max(worst, peak)
    print(f"limit {LIMIT} MiB: {'kept' if worst < LIMIT else 'EXCEEDED'}")
    return int(worst >= LIMIT)


def peak_of(command: list[str]) -> float:
    """Return the peak resident memory of ``command`` in MiB, as the kernel accounts for it."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[1]} ended with {process.returncode}")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
