"""A line to a server that breaks, or falls silent, at the byte that a test names.

It knows as much HTTP/1.1 as it takes to count the bytes of bodies.
"""

import contextlib
import socket
import threading
from typing import NamedTuple

_PIECE = 65536
_PATIENCE = 30


class Message(NamedTuple):
    """One message on its way: the answer to a request carries the request's method and path."""

    answers: bool
    method: str
    path: str
    length: int


class Cut(NamedTuple):
    """Hang up on both sides after so many bytes of the body."""

    after: int


class Hold(NamedTuple):
    """Fall silent after so many bytes of the body, until the line is closed."""

    after: int


class Line:
    """Listens on loopback and passes everything on to ``server``.

    Attributes:
        rule: called with each `Message`, may return a `Cut` or a `Hold`.
        passed: every message that began.
        holding: set once the line fell silent.
    """

    def __init__(self, server=None):
        self.server = server
        self.rule = lambda _message: None
        self.passed = []
        self.holding = threading.Event()
        self._released = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = set()
        self._threads = []
        self._lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        self._run(self._accept)
        return self

    def __exit__(self, *_):
        self._released.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._sockets:
                _hang_up(one)
        for thread in self._threads:
            thread.join(_PATIENCE)
            assert not thread.is_alive()

    def once(self, matches, fate):
        """Let ``fate`` befall the first message that ``matches``, and no other."""
        left = [fate]
        self.rule = lambda message: left.pop() if left and matches(message) else None

    def _run(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                try:
                    far = socket.create_connection(self.server)
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    self._sockets |= {near, far}
                self._run(_Pair(self, near, far).run)

    def forget(self, *sockets):
        with self._lock:
            self._sockets -= set(sockets)

    def hold(self):
        self.holding.set()
        self._released.wait()


class _Pair:
    """One connection, passed on in both directions."""

    def __init__(self, line, near, far):
        self._line = line
        self._near = near
        self._far = far
        self._request = ("", "")

    def run(self):
        back = threading.Thread(target=self._pass_on, args=(self._far, self._near, True))
        back.start()
        self._pass_on(self._near, self._far, False)
        back.join()
        self._line.forget(self._near, self._far)
        self._near.close()
        self._far.close()

    def _pass_on(self, source, target, answers):
        try:
            with source.makefile("rb") as stream:
                while head := _read_head(stream):
                    self._message(stream, target, head, answers=answers)
        except OSError:
            pass
        finally:
            # Whoever is left would wait for nothing.
            _hang_up(source)
            _hang_up(target)

    def _message(self, stream, target, head, *, answers):
        first, *fields = head.decode("latin-1").split("\r\n")
        if not answers:
            self._request = tuple(first.split(" ")[:2])
        length = next((int(f.split(":")[1]) for f in fields if f.lower().startswith("content-length:")), 0)
        message = Message(answers, *self._request, length)
        self._line.passed.append(message)
        fate = self._line.rule(message)
        target.sendall(head)
        left = length if fate is None else min(length, fate.after)
        while left and (piece := stream.read1(min(_PIECE, left))):
            target.sendall(piece)
            left -= len(piece)
        if isinstance(fate, Hold):
            self._line.hold()
        if fate is not None:
            raise ConnectionError


def _read_head(stream):
    head = b""
    while line := stream.readline():
        head += line
        if line == b"\r\n":
            return head
    return b""


def _hang_up(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
