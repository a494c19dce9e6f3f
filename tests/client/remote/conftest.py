from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from client.remote.retries import Retries
from keys.keyfile import Use
from keys.keyring import Identity
from vault.api.problems import KINDS, MEDIA_TYPE, Code, problem_type
from vault.container.manifest import CarriedRecipient
from vault.container.plan import DeclaredFile
from vault.container.sealing import Sealer, SealRequest


class Simulator:
    """A service that answers what the test wrote down, in order, and keeps what it was asked."""

    def __init__(self):
        self.answers = []
        self.requests = []
        self.bodies = []
        self.server = None

    @property
    def url(self):
        return str(self.server.make_url("/")).rstrip("/")

    def will_answer(self, *answers):
        self.answers.extend(answers)

    def will_refuse(self, code, **members):
        self.answers.append(problem(code, **members))

    async def handle(self, request):
        self.requests.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.pop(0)
        return await answer(request) if callable(answer) else answer


def problem(code, **members):
    code = Code(code)
    kind = KINDS[code]
    members = {"detail": "because", **members}
    return web.json_response(
        {
            "type": problem_type(code),
            "title": kind.title,
            "status": kind.status,
            "code": code.value,
            **members,
        },
        status=kind.status,
        content_type=MEDIA_TYPE,
    )


@asynccontextmanager
async def simulated():
    simulator = Simulator()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{tail:.*}", simulator.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        simulator.server = server
        yield simulator


def seal(files, *, dossier="D-1", evidence_type="other", signer=None, **more):
    """Return a container in memory."""
    signer = signer or Identity.from_seed(b"e" * 32, Use.PERSON).signing
    reader = Identity.from_seed(b"r" * 32, Use.PERSON).public.kem
    more.setdefault("recipients", (CarriedRecipient("reader", 0, reader),))
    request = SealRequest(dossier, evidence_type, 1_800_000_000, **more)
    declared = [DeclaredFile(path, len(data)) for path, data in files.items()]
    with Sealer(request, declared, signer) as sealer:
        parts = [sealer.header]
        for file in sealer.files:
            parts += [bytes(sealer.update(files[file.path])), bytes(sealer.end_file())]
        parts += [bytes(part) for part in sealer.finalize()]
    return b"".join(parts)


@pytest.fixture
def container():
    return seal({"aipd.txt": b"content " * 300_000})


@pytest.fixture
async def simulator():
    async with simulated() as running:
        yield running


@pytest.fixture
def pauses():
    """Pauses that were asked for; none is made."""
    return []


@pytest.fixture
def retries(pauses):
    async def sleep(seconds):
        pauses.append(seconds)

    return Retries(attempts=3, sleep=sleep)
