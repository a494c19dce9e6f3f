"""A real SeaweedFS from a wheel: started by the tests in a folder of its own, on this machine alone.

The fixture is `seaweed`, one server for the whole run; each test takes a bucket of its own from it. It can be
stopped, killed, paused and started again on the same data and the same ports, and it dies with the tests.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import pytest
import urllib3
from minio import Minio

from keys.randomness import random_bytes

HOST = "127.0.0.1"
PATIENCE = 60
"""Seconds after which a start is given up; it takes about one."""
REGION = "us-east-1"

_WEED = Path(sys.executable).with_name("weed")
_SERVERS = ("admin", "filer", "master", "s3", "volume", "webdav")
_PR_SET_PDEATHSIG = 1
_WHATEVER_THE_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME
_LIBC = ctypes.CDLL(None, use_errno=True)


class Seaweed:
    """One SeaweedFS with its S3 gateway, which knows one pair of keys and serves nobody without them.

    Attributes:
        folder: all that it keeps, and its log.
        port: of S3, on the loopback address; it stays the same through every restart.
        access_key: who may do everything.
        secret_key: with it.
        region: what it signs for.

    Args:
        volume_mib: size of a volume.
        tls: files of a certificate and its key, to speak TLS alone; read again at each start.
        ca_file: the authority behind it.
    """

    region = REGION

    def __init__(
        self, *, volume_mib: int = 64, tls: tuple[Path, Path] | None = None, ca_file: Path | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="scelle-weed-"))
        self.access_key, self.secret_key = random_bytes(8).hex(), random_bytes(16).hex()
        ports = _free_ports(2 * len(_SERVERS) + 1)
        self._flags = [
            *(f"-{name}.port={ports.pop()}" for name in _SERVERS if name != "s3"),
            *(f"-{name}.port.grpc={ports.pop()}" for name in _SERVERS if name != "webdav"),
        ]
        if tls is not None:
            self._flags += [f"-s3.cert.file={tls[0]}", f"-s3.key.file={tls[1]}"]
        self._secure, self._ca_file = tls is not None, ca_file
        self.port = ports.pop()
        self._volume_mib = volume_mib
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        secret = self.folder / "s3.json"
        secret.touch(mode=0o600)
        secret.write_text(json.dumps(self._identities()))
        (self.folder / "data").mkdir()

    # --- what runs -------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """Where it answers, as ``s3_endpoint`` takes it."""
        return f"http{'s' if self._secure else ''}://{self.host}"

    @property
    def host(self) -> str:
        """Name and port."""
        return f"{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The one process that it is."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert not self.running
        parent = os.getpid()

        def die_with_the_tests() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the server of the wheel
                [
                    *(_WEED, "mini", f"-dir={self.folder / 'data'}", f"-ip={HOST}", f"-ip.bind={HOST}"),
                    *(f"-s3.config={self.folder / 's3.json'}", f"-s3.port={self.port}", *self._flags),
                    *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"),
                    *(f"-s3.localSocket={self.folder / 's3.sock'}", "-s3.domainName=s3.test"),
                    *(
                        f"-filer.localSocket={self.folder / 'filer.sock'}",
                        f"-master.volumeSizeLimitMB={self._volume_mib}",
                    ),
                    *("-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-volume.max=0"),
                ],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_the_tests,  # noqa: PLW1509 - two system calls, before any lock is taken
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again on the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it and remove all that it kept."""
        if self.running:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- buckets ---------------------------------------------------------------------------------------

    def client(self) -> Minio:
        """Return a client of the one who may do everything, for looking at what a test left."""
        context = ssl.create_default_context(cafile=self._ca_file)
        context.verify_flags |= _WHATEVER_THE_TIME  # a test may want its certificate to have expired
        pool = urllib3.PoolManager(timeout=PATIENCE, retries=False, ssl_context=context)
        return Minio(
            self.host,
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=self._secure,
            region=REGION,
            http_client=pool,
        )

    def new_bucket(self, *, object_lock: bool = False) -> str:
        """Make a bucket, and return its name."""
        name = f"scelle-{next(self._numbers)}"
        self.client().make_bucket(name, object_lock=object_lock)
        return name

    def settings(self, bucket: str) -> dict[str, str]:
        """Return the settings, by name, of a server that keeps its objects in the bucket."""
        return {
            "s3_endpoint": self.endpoint,
            "s3_bucket": bucket,
            "s3_access_key": self.access_key,
            "s3_secret_key": self.secret_key,
        }

    def environment(self, bucket: str) -> dict[str, str]:
        """Return the same settings as variables of a server's environment."""
        return {f"SCELLE_{name.upper()}": value for name, value in self.settings(bucket).items()}

    def _identities(self) -> dict[str, object]:
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        return {"identities": [{"name": "scelle", "credentials": credentials, "actions": ["Admin"]}]}

    def _wait_until_it_answers(self) -> None:
        client, end = self.client(), time.monotonic() + PATIENCE
        while True:
            assert self.running, (self.folder / "log").read_text()
            assert time.monotonic() < end, "SeaweedFS does not start"
            with contextlib.suppress(Exception):
                # What it needs of the others to write and read shows only in doing so.
                client.list_buckets()
                return
            time.sleep(0.05)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None


def _free_ports(number: int) -> list[int]:
    """Return free ports: held all at once while they are chosen, so that none comes twice."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(number)]
        return [one.getsockname()[1] for one in taken]


@pytest.fixture(scope="session")
def seaweed():
    """The SeaweedFS of this run of the tests; it is started for the first test that asks for it."""
    server = Seaweed()
    atexit.register(server.close)
    server.start()
    yield server
    server.close()
    atexit.unregister(server.close)
