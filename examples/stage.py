"""Who acts in the demo, and on what: people who type, and a server."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from client.i18n import preferred_language

if TYPE_CHECKING:
    from collections.abc import Callable

SCELLE: Final = str(Path(sys.executable).with_name("scelle"))


class Actor:
    """Somebody with a folder; everything this person types runs there."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()

    def types(self, *words: str, expect: int = 0, shown: bool = True) -> str:
        """Run a command, print it with what it says, and return its stdout.

        Raises:
            SystemExit: it ended with another code than expected: the demo does not go on.
        """
        print(f"\n  {bold(self.name)} $ scelle {' '.join(map(shlex.quote, words))}")
        done = subprocess.run(
            [SCELLE, *words],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        for line in (done.stdout if shown else "").splitlines() + done.stderr.splitlines():
            print(f"    {line}")
        if done.returncode != expect:
            print(done.stdout)
            sys.exit(f"exit code {done.returncode} instead of {expect}")
        if expect:
            print(f"    {dim(f'exit code {expect}')}")
        return done.stdout

    def is_killed(self, *words: str, once: Callable[[], bool]) -> None:
        """Run a command and kill it, without a warning, as soon as ``once`` says so."""
        print(f"\n  {bold(self.name)} $ scelle {' '.join(map(shlex.quote, words))}")
        process = subprocess.Popen(
            [SCELLE, *words], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL
        )
        while process.poll() is None and not once():
            time.sleep(0.01)
        process.kill()
        process.wait()
        print(f"    {dim('kill -9')}")

    def environment(self) -> dict[str, str]:
        """Return what this person's commands are started with."""
        return {
            "HOME": str(self.folder),
            "SCELLE_HOME": str(self.folder / ".scelle"),
            "PATH": os.environ["PATH"],
            **{name: value for name, value in os.environ.items() if name.startswith(("LC_", "LANG"))},
        }

    def asks(self, *words: str, shows: tuple[str, ...] = ()) -> Any:
        """Run a command with ``--json`` and return what it answers; print only the fields ``shows``."""
        answer = json.loads(self.types(*words, "--json", shown=False))
        for name in shows:
            print(f"    {name}: {answer[name]}")
        return answer

    def keeps(self, name: str, text: str) -> str:
        """Put a secret into a file that only this person can read, and return its name."""
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return name

    def gets(self, path: Path) -> str:
        """Take a file that somebody hands over, and return its name."""
        shutil.copy(path, self.folder)
        return path.name


class Server:
    """``scelle serve`` on this machine, with SQLite and a local folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "server"
        self.log = folder / "server.log"
        self.url = ""
        self.fingerprint = ""

    def __enter__(self) -> Self:
        """Start it; its first line says that it is ready, and where."""
        words = ("serve", "--data", str(self.data), "--port", "0", "--json")
        print(f"\n  {bold('host')} $ scelle {' '.join(words)}")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([SCELLE, *words], stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(self.log.read_text())
        print(f"    {line.decode().strip()}")
        ready = json.loads(line)
        self.url, self.fingerprint = ready["url"], ready["fingerprint"]
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def tr(english: str, french: str) -> str:
    """Choose by the language of whoever watches."""
    return french if preferred_language(os.environ) == "fr" else english


def act(english: str, french: str) -> None:
    """Print a heading."""
    print(f"\n{bold('— ' + tr(english, french))}")


def note(english: str, french: str) -> None:
    """Print a remark."""
    print(dim(f"  {tr(english, french)}"))


def bold(text: str) -> str:
    """Emphasise on a terminal."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


def dim(text: str) -> str:
    """Step back on a terminal."""
    return f"\x1b[2m{text}\x1b[0m" if sys.stdout.isatty() else text
