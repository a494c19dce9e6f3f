"""A service that takes uploads in parts, in memory, for what a real one does too seldom to wait for it."""

import asyncio
from hashlib import sha256
from types import SimpleNamespace

from client.remote.carriage import to_model
from client.remote.problems import to_exception
from tests.client import sayings as s
from vault.api.models.base import Problem
from vault.api.models.uploads import Upload, UploadPart, UploadState
from vault.api.problems import KINDS, Code
from vault.container.arrival import ArrivalExaminer
from vault.container.layout import BLOCK, LEAF, parse_preamble
from vault.container.seal import parse_stored_seal


def refusal(code):
    code = Code(code)
    return to_exception(Problem(type="t", title="t", status=KINDS[code].status, detail="d", code=code.value))


async def read(upload):
    pieces = [piece async for piece in upload.open()]
    assert all(len(piece) <= BLOCK for piece in pieces)
    data = b"".join(pieces)
    assert len(data) == upload.length
    return data


class Uploads:
    """The calls that a deposit in parts makes.

    Attributes:
        calls: names of the calls and numbers of the parts that came, in order.
        before: called with (name, part) before a call does anything, may raise or wait.
        after: the same when it is done: what it raises stands for a reply that was lost.
        gate: awaited with the number of a part when that begins to come.
        about: fields of the session that are not as they should be.
        taken: what was published.
    """

    def __init__(self, *, generation=1):
        self.generation = generation
        self.calls = []
        self.before = self.after = lambda _name, _part=0: None
        self.gate = lambda _part: asyncio.sleep(0)
        self.about = {}
        self.head = self.tail = b""
        self.parts = {}
        self.begun = False
        self.published = False
        self.taken = []
        self.busy = self.busiest = 0

    async def get_dossier_keys(self, dossier, *, acting_for=None):
        keys = [s.dossier_key()] + [
            s.dossier_key(number, by=s.ADMIN) for number in range(2, self.generation + 1)
        ]
        return SimpleNamespace(
            keys=[to_model(key) for key in keys], issuers=[to_model(i) for i in s.ISSUERS], passwords=None
        )

    async def begin_upload(self, dossier, container, *, acting_for=None):
        data = await read(container)
        self._call("begin")
        preamble = parse_preamble(data)
        self.preamble = preamble
        if not self.begun:
            self.head, self.parts = data[: preamble.payload_offset], {}
        self.begun = True
        self.tail = data[preamble.payload_offset :]
        self.after("begin")
        return self._session()

    async def begin_replacement(self, evidence, container, *, if_match, acting_for=None):
        self.if_match = if_match
        return await self.begin_upload("", container, acting_for=acting_for)

    async def put_part(self, upload, part, container, *, digest, acting_for=None):
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await self.gate(part)
            data = await read(container)
            self._call("part", part)
            self._require()
            assert digest == sha256(data).digest()
            self.parts[part] = data
            self.after("part", part)
            return UploadPart(number=part, size=len(data))
        finally:
            self.busy -= 1

    async def put_upload_envelope(self, upload, container, *, acting_for=None):
        data = await read(container)
        self._call("envelope")
        self.head = data
        self.preamble = parse_preamble(data)
        return self._session()

    async def complete_upload(self, upload, *, acting_for=None):
        self._call("complete")
        self._require()
        if len(self.parts) < self._session().parts:
            raise refusal("upload_incomplete")
        examiner = ArrivalExaminer()
        examiner.update(self.head + b"".join(self.parts[number] for number in sorted(self.parts)) + self.tail)
        self.taken.append(examiner.finalize())
        self.published = True
        self.after("complete")
        return SimpleNamespace(version=SimpleNamespace(number=1), receipt=to_model(s.receipt(self.taken[-1])))

    async def abandon_upload(self, upload, *, acting_for=None):
        self._call("abandon")
        self.lose()

    def lose(self):
        self.begun, self.parts = False, {}

    def sent(self):
        return [part for name, part in self.calls if name == "part"]

    def _call(self, name, part=0):
        self.calls.append((name, part))
        self.before(name, part)

    def _require(self):
        if not self.begun:
            raise refusal("not_found")

    def _session(self):
        seal = parse_stored_seal(self.tail[LEAF * self.preamble.leaf_count :])
        examiner = ArrivalExaminer()
        examiner.update(self.head)
        fields = {
            "id": "ab" * 16,
            "dossier": seal.seal.dossier,
            "evidence_type": seal.seal.evidence_type,
            "seal_id": seal.seal_id.hex(),
            "state": UploadState.COMPLETED if self.published else UploadState.OPEN,
            "generation": examiner.envelope.envelope.generation,
            "payload_length": self.preamble.payload_length,
            "part_size": BLOCK,
            "parts": self.preamble.leaf_count,
            "received": tuple(sorted(self.parts)),
            "expires": 2_000_000_000,
        }
        return Upload.model_validate(fields | self.about)
