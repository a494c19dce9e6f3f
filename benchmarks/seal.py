"""Sealing and opening against ``cp`` of the same file, as whole processes, in one run.

    python benchmarks/seal.py [--size MIB] [--pairs N] [--folder DIR]

Every output is written anew (the old one is removed first), by both sides, in the same folder. Neither side
is asked to force its bytes to disk. Where ``age`` is installed, which encrypts but neither signs nor hashes,
it is measured against ``cp`` as well, and so is Scellé against it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from pairs import measure

LIMIT = 2.5
"""What both ratios must stay under; 1.8 is the aim."""

_MIB = 1024 * 1024


def main() -> None:
    """Print both ratios; end with 1 where one is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, help="of the file, in MiB")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=None, help="where to work; temporary by default")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="scelle-bench-", dir=options.folder))
    try:
        sys.exit(run(folder, options.size, options.pairs))
    finally:
        shutil.rmtree(folder)


def run(folder: Path, size: int, pairs: int) -> int:
    """Measure in ``folder``; return the exit code."""
    scelle = str(Path(sys.executable).with_name("scelle"))
    source, copy, sealed, opened = (
        folder / name for name in ("source.bin", "copy.bin", "x.scelle", "opened")
    )
    key = folder / "key"
    write_random(source, size)
    subprocess.run([scelle, "keygen", "-o", str(key), "--no-passphrase"], check=True, capture_output=True)
    seal = [scelle, "seal", str(source), "-o", str(sealed), "--dossier", "bench", "--type", "other"]
    seal += ["--recipient", f"{key}.pub"]
    unseal = [scelle, "open", str(sealed), "-o", str(opened), "--identity", str(key)]
    copying = ["cp", str(source), str(copy)]
    peers = age_commands(folder, source)
    print(f"{size} MiB, {pairs} interleaved pairs, ratio to cp as median (lowest to highest)")
    worst = 0.0
    for name, command, outputs in (("seal", seal, (sealed, copy)), ("open", unseal, (opened, copy))):
        if name == "open":
            subprocess.run(seal, check=True, capture_output=True)
        ratio = measure(command, copying, pairs=pairs, before=partial(remove, outputs))
        print(f"{name}           {ratio}")
        worst = max(worst, ratio.median)
        if name in peers:
            peer, made = peers[name]
            against = partial(remove, (*outputs, made))
            print(f"  age to cp    {measure(peer, copying, pairs=pairs, before=against)}")
            print(f"  {name} to age  {measure(command, peer, pairs=pairs, before=against)}")
    print(f"limit {LIMIT}: {'kept' if worst <= LIMIT else 'EXCEEDED'}")
    return int(worst > LIMIT)


def age_commands(folder: Path, source: Path) -> dict[str, tuple[list[str], Path]]:
    """Return age's commands for the same work and what each makes; none where it is not installed."""
    if shutil.which("age") is None or shutil.which("age-keygen") is None:
        return {}
    key, encrypted, fixed, decrypted = (folder / name for name in ("age.key", "age", "fixed.age", "age.out"))
    subprocess.run(["age-keygen", "-o", str(key)], check=True, capture_output=True)
    recipient = subprocess.run(
        ["age-keygen", "-y", str(key)], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(["age", "-r", recipient, "-o", str(fixed), str(source)], check=True)
    return {
        "seal": (["age", "-r", recipient, "-o", str(encrypted), str(source)], encrypted),
        "open": (["age", "-d", "-i", str(key), "-o", str(decrypted), str(fixed)], decrypted),
    }


def write_random(path: Path, size: int) -> None:
    """Write ``size`` MiB that do not compress."""
    with Path("/dev/urandom").open("rb") as noise, path.open("wb") as file:
        for _ in range(size):
            file.write(noise.read(_MIB))


def remove(outputs: tuple[Path, ...]) -> None:
    """Remove what an earlier run wrote."""
    for path in outputs:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
