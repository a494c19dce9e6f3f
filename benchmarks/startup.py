"""What typing ``scelle`` costs, against a bare Python that imports the cryptography it stands on.

    python benchmarks/startup.py [--pairs N]

Whole processes, in interleaved pairs. Both sides run from byte code, as an installed package does.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from pairs import measure

LIMITS = {"help": 2.0, "seal": 4.0}
"""What the ratios must stay under."""

BARE = (
    "from cryptography.hazmat.primitives.ciphers import aead; "
    "from cryptography.hazmat.primitives import hpke; "
    "from cryptography.hazmat.primitives.asymmetric import mldsa"
)
_DOCUMENT = 1_000_000


def main() -> None:
    """Print the ratios; end with 1 where one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="scelle-bench-"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    try:
        sys.exit(run(folder, options.pairs))
    finally:
        shutil.rmtree(folder)


def run(folder: Path, pairs: int) -> int:
    """Measure in ``folder``; return the exit code."""
    scelle = str(Path(sys.executable).with_name("scelle"))
    key, document, sealed = folder / "key", folder / "report.pdf", folder / "report.scelle"
    document.write_bytes(b"%PDF-1.7\n" + random.Random(1).randbytes(_DOCUMENT - 9))  # noqa: S311 - any content
    subprocess.run([scelle, "keygen", "-o", str(key), "--no-passphrase"], check=True, capture_output=True)
    seal = [scelle, "seal", str(document), "-o", str(sealed), "--dossier", "bench", "--type", "aipd"]
    commands = {
        "help": [scelle, "--help"],
        "seal": [*seal, "--recipient", f"{key}.pub", "--quiet"],
    }
    bare = [sys.executable, "-c", BARE]
    print(f"{pairs} interleaved pairs, ratio to a bare Python as median (lowest to highest)")
    exceeded = False
    for name, command in commands.items():
        ratio = measure(command, bare, pairs=pairs, before=partial(sealed.unlink, missing_ok=True))
        print(f"{name}  {ratio}   limit {LIMITS[name]}")
        exceeded = exceeded or ratio.median > LIMITS[name]
    return int(exceeded)


if __name__ == "__main__":
    main()
