"""What runs when somebody types ``scelle``: choose the language, run the command, end with its exit code."""

from __future__ import annotations

import gc
import sys
from typing import Final

from client.i18n import install

INTERRUPTED: Final = 130
TERMINATED: Final = 143


# Modules are loaded all the time at the start, and hardly anything in them is garbage.
_OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000


def main() -> int:
    """Run the command line of this process and return its exit code."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        return _run()
    finally:
        # The process ends now: what it still holds need not be searched for garbage first, twice.
        gc.freeze()


def _run() -> int:
    _prepare()
    try:
        from client.cli.root import scelle  # noqa: PLC0415 - help texts are translated on import

        code = scelle.main(prog_name="scelle", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:  # noqa: BLE001 - the last stop: everything becomes a line and an exit code
        from client.cli.failure import report  # noqa: PLC0415 - only where something failed

        return report(error)
    return code if isinstance(code, int) else 0


def _prepare() -> None:
    install()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding cannot show is no reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    import signal  # noqa: PLC0415 - after what the person sees is set up

    # Being told to stop must remove temporary files just as Ctrl-C does.
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(_signal: int, _frame: object) -> None:
    sys.exit(TERMINATED)


def _interrupted() -> int:
    from client.terminal import say  # noqa: PLC0415 - only here

    say("interrupted")
    return INTERRUPTED
