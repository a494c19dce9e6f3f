"""A small S3 service, in memory, that can be told to lie: what no real one does for a test."""

from __future__ import annotations

import hashlib
import re
import threading
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

DATE = "Wed, 25 Nov 2026 12:00:00 GMT"
ISO = "2026-11-25T12:00:00.000Z"


class Liar(ThreadingHTTPServer):
    """The service.

    Attributes:
        lies: which of ``range``, ``checksum``, ``multipart``, ``private``, ``list``, ``delete``,
            ``read_after_write``, ``versioning``, ``tag``, ``short``, ``full``, ``busy`` and ``rubbish`` it
            tells.
        seen: method and path of each request, in order.
    """

    daemon_threads = True

    def __init__(self, lies: set[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lies = lies
        self.seen: list[tuple[str, str]] = []
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Liar

    def log_message(self, *_words: object) -> None:
        pass

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        query = {name: value[0] for name, value in parse_qs(url.query, keep_blank_values=True).items()}
        name = unquote(url.path).removeprefix("/evidence").removeprefix("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.seen.append((self.command, self.path))
        lies = self.server.lies
        if "Authorization" not in self.headers and "private" not in lies:
            self.refuse(403, "AccessDenied")
        elif "rubbish" in lies:
            self.answer(200 if self.command == "GET" else 500, b"<html>\xff& no S3", {"ETag": "x"})
        elif "busy" in lies and self.command != "HEAD":
            self.refuse(503, "SlowDown")
        elif "full" in lies and self.command in {"PUT", "POST"}:
            self.refuse(507, "XMinioStorageFull")
        else:
            getattr(self, f"on_{self.command.lower()}")(name, query, body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - names of the base class

    def on_put(self, name: str, query: dict[str, str], body: bytes) -> None:
        digest, lies = hashlib.md5(body, usedforsecurity=False), self.server.lies
        sent = self.headers.get("Content-MD5", "")
        if "checksum" not in lies and sent and sent != b64encode(digest.digest()).decode():
            self.refuse(400, "BadDigest")
            return
        if "uploadId" in query:
            self.server.parts[query["uploadId"]][int(query["partNumber"])] = body
        elif self.headers.get("If-None-Match") == "*" and name in self.server.objects:
            self.refuse(412, "PreconditionFailed")
            return
        else:
            self.server.objects[name] = body
        tag = "0" * 32 if "tag" in lies else digest.hexdigest()
        self.answer(200, b"", {"ETag": f'"{tag}"'})

    def on_post(self, name: str, query: dict[str, str], body: bytes) -> None:
        if "multipart" in self.server.lies:
            self.refuse(501, "NotImplemented")
        elif "uploads" in query:
            self.server.parts[f"up-{len(self.server.parts)}"] = {}
            self.xml(f"<R><UploadId>up-{len(self.server.parts) - 1}</UploadId></R>")
        else:
            parts = self.server.parts.pop(query["uploadId"])
            self.server.objects[name] = b"".join(parts[number] for number in sorted(parts))
            self.xml(f'<R><Bucket>evidence</Bucket><Key>{name}</Key><ETag>"x-1"</ETag></R>')

    def on_get(self, name: str, query: dict[str, str], body: bytes) -> None:
        if "versioning" in query:
            status = "<Status>Enabled</Status>" if "versioning" in self.server.lies else ""
            self.xml(f"<VersioningConfiguration>{status}</VersioningConfiguration>")
        elif "object-lock" in query:
            self.refuse(404, "ObjectLockConfigurationNotFoundError")
        elif "uploads" in query:
            self.xml(
                "<R><Bucket>evidence</Bucket><IsTruncated>false</IsTruncated>"
                + "".join(
                    f"<Upload><Key>{query['prefix']}</Key><UploadId>{one}</UploadId>"
                    f"<Initiated>{ISO}</Initiated></Upload>"
                    for one in self.server.parts
                )
                + "</R>"
            )
        elif "uploadId" in query:
            kept = self.server.parts[query["uploadId"]]
            after = int(query.get("part-number-marker", "0"))
            self.xml(
                "<R>"
                + "".join(
                    f"<Part><PartNumber>{number}</PartNumber><Size>{len(data)}</Size>"
                    f"<ETag>{hashlib.md5(data, usedforsecurity=False).hexdigest()}</ETag></Part>"
                    for number, data in sorted(kept.items())
                    if number > after
                )
                + "</R>"
            )
        elif not name:
            self.on_list(query)
        else:
            self.on_object(name)

    def on_list(self, query: dict[str, str]) -> None:
        named = [] if "list" in self.server.lies else sorted(self.server.objects)
        entries = "".join(
            f"<{tag}><Key>{name}</Key><Size>{len(self.server.objects[name])}</Size>"
            f"<LastModified>{ISO}</LastModified><VersionId>1</VersionId></{tag}>"
            for name in named
            if name.startswith(query.get("prefix", ""))
            for tag in ("Version" if "versions" in query else "Contents",)
        )
        kind = "ListVersionsResult" if "versions" in query else "ListBucketResult"
        self.xml(f"<{kind}><Name>evidence</Name><IsTruncated>false</IsTruncated>{entries}</{kind}>")

    def on_object(self, name: str) -> None:
        data = self.server.objects.get(name)
        if data is None:
            self.refuse(404, "NoSuchKey")
            return
        if "read_after_write" in self.server.lies:
            data = b"of before" + data[9:]
        if "short" in self.server.lies:
            data = data[:-1]
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found is None or "range" in self.server.lies:
            self.answer(200, data, {"Last-Modified": DATE})
            return
        first, last = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
        if first >= len(data):
            self.refuse(416, "InvalidRange")
            return
        self.answer(206, data[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(data)}"})

    def on_head(self, name: str, query: dict[str, str], body: bytes) -> None:
        if not name:
            self.answer(200, b"", {})
        elif name in self.server.objects:
            self.answer(200, self.server.objects[name], {"Last-Modified": DATE})
        else:
            self.answer(404, b"", {})

    def on_delete(self, name: str, query: dict[str, str], body: bytes) -> None:
        if "uploadId" in query:
            self.server.parts.pop(query["uploadId"], None)
        elif "delete" not in self.server.lies:
            self.server.objects.pop(name, None)
        self.answer(204, b"", {})

    def xml(self, text: str) -> None:
        self.answer(200, text.encode(), {"Content-Type": "application/xml"})

    def refuse(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>a secret of its own</Message></Error>".encode()
        self.answer(status, body, {"Content-Type": "application/xml"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def lying(*lies: str):
    """Run such a service for as long as the block lasts."""
    server = Liar(set(lies))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
