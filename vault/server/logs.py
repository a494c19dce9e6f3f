"""Structured logs, one JSON object a line, on standard error.

What is logged are routes by name, ids, numbers and codes. Never a path as it was sent (a template's link is a
secret), a query, a header, a body or an exception's text: any of these may carry what must not be kept.

Every line that is written while a request is served bears its id, wherever it is written: the id stands in
the context of the task, which threads that the task starts inherit.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import structlog

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TextIO

_ROOTS: Final = ("keys", "vault", "client")


class _Lossy:
    """A stream that loses what cannot be written: a full disk, or a reader that left, must end no request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def logger(
    stream: TextIO | None = None, *, level: str = "info", form: str = "json"
) -> structlog.typing.FilteringBoundLogger:
    """Return the log; it keeps no state that another part of the process could change.

    Args:
        stream: where to, standard error by default.
        level: the least that is logged.
        form: ``json`` for programs, ``text`` for people.
    """
    text = form == "text"
    renderer = structlog.dev.ConsoleRenderer(colors=False) if text else structlog.processors.JSONRenderer()
    bound: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(cast("TextIO", _Lossy(stream or sys.stderr))),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp" if text else "time"),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        context_class=dict,
    )
    return bound


def naming(request_id: str) -> AbstractContextManager[None]:
    """Give every line that is written in the block, and in what it starts, the id of the request."""
    return structlog.contextvars.bound_contextvars(request_id=request_id)


class LibraryHandler(logging.Handler):
    """Takes what libraries log by themselves, without their texts: those may quote a request."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log where it came from and which exceptions, if any, stood behind it."""
        error = record.exc_info[1] if record.exc_info else None
        self._log.warning("library", library=record.name, **(reason(error) if error else {}))


def reason(error: BaseException) -> dict[str, Any]:
    """Return what may be logged of an unforeseen exception: its types and where it passed, not its text."""
    chain: list[str] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 5:  # noqa: PLR2004 - enough to see the cause
        chain.append(type(current).__qualname__)
        current = current.__cause__ or current.__context__
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "exception": chain,
        "where": [f"{_module(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames][-12:],
    }


def _module(filename: str | Path) -> str:
    """Return the part of a file's name that begins with a package: folders of a machine stay out."""
    parts = str(filename).replace("\\", "/").split("/")
    for index, part in enumerate(parts):
        if part in _ROOTS or part == "site-packages":
            return "/".join(parts[index:])
    return parts[-1]
