"""Transcripts: what a person types, and what is then on the screen. Each ``.txt`` file here is one.

A line that begins with "$ " is typed into a shell; what follows, up to the next one, is what stdout and
stderr show together, and ``[exit N]`` how it ends (nothing for 0). "…" stands for anything within a line.
Lines that begin with "#" explain, empty ones separate; ``# language: fr`` anywhere chooses the language.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Step(NamedTuple):
    """One command, the line it stands on, and the lines that are expected."""

    number: int
    command: str
    expected: tuple[str, ...]


def parse(text: str) -> tuple[str, list[Step]]:
    """Return the language and the steps of a transcript."""
    language = "en"
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.fullmatch("# language: (.+)", line):
            language = found[1]
        elif line.startswith("$ "):
            steps.append(Step(number, line.removeprefix("$ "), ()))
        elif line and not line.startswith("#"):
            step = steps.pop()
            steps.append(step._replace(expected=(*step.expected, line)))
    return language, steps


def environment(home: Path, language: str = "en") -> dict[str, str]:
    """Return the environment of somebody who has just installed the command."""
    return {
        "HOME": str(home),
        "LANG": {"fr": "fr_FR.UTF-8"}.get(language, "en_GB.UTF-8"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPYCACHEPREFIX": str(home.parent / "bytecode"),
        "SCENARIOS": str(FOLDER),
        "TERM": "dumb",
        "COLUMNS": "100",
    }


def run(step: Step, folder: Path, variables: dict[str, str]) -> tuple[str, ...]:
    """Type the command and return what is then on the screen."""
    done = subprocess.run(  # noqa: S603 - what the transcript types
        ["/bin/sh", "-c", step.command],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        # Without a terminal of its own nobody can be asked for a password.
        start_new_session=True,
    )
    lines = [line for line in done.stdout.decode().splitlines() if line]
    return (*lines, *([f"[exit {done.returncode}]"] if done.returncode else ()))


def agrees(expected: str, line: str) -> bool:
    """Tell whether a line is as the transcript says."""
    pattern = ".*".join(map(re.escape, expected.split("…")))
    return re.fullmatch(pattern, line) is not None
