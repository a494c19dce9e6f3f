"""A reader made from docs/FORMAT.md alone reads what the project writes, and refuses it alike."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

from keys.derivation import PasswordCost
from keys.keyring import Identity, Use
from tests.docs.by_the_book.canonical import Refused
from tests.docs.by_the_book.reader import Body, Container
from tests.docs.judging import CODE_POINTS, kem_seed, outcome_by_the_book, outcome_of_project
from vault.container.examine import Expectations
from vault.container.manifest import CarriedRecipient
from vault.container.plan import DeclaredFile
from vault.container.sealing import Sealer, SealRequest
from vault.container.slots import PasswordAccess

FILES = {
    "AIPD/aipd é.pdf": b"%PDF-" + bytes(40_000),
    "empty.txt": b"",
    "registre/r-1.csv": b"a;b\n" * 3000,
    "whole chunks.bin": bytes(2 * 16_384),
}
COST = PasswordCost(19_456, 2, 1)
READER, RECOVERY, DEPOSITOR = (Identity.from_seed(bytes([n]) * 32, Use.PERSON) for n in (1, 2, 3))
PASSWORD = PasswordAccess("Editor", "pa\u0308ssword", identity=DEPOSITOR.seed)


def seal(files):
    request = SealRequest(
        dossier="D-2801",
        evidence_type="aipd",
        sealed_at=1_800_000_000,
        recipients=(
            CarriedRecipient("dossier", 1, READER.public.kem),
            CarriedRecipient("recovery", 0, RECOVERY.public.kem),
        ),
        passwords=(PASSWORD,),
        note='for the "reviewers" \\ é',
        cost=COST,
    )
    declared = [DeclaredFile(path, len(content)) for path, content in files.items()]
    with Sealer(request, declared, DEPOSITOR.signing) as sealer:
        written = [sealer.header]
        for file in sealer.files:
            written += [sealer.update(files[file.path]), sealer.end_file()]
        written += sealer.finalize()
    return b"".join(written)


@pytest.fixture(scope="module")
def container():
    return seal(FILES)


def test_stranger_imports_nothing_of_the_project():
    sources = sorted((Path(__file__).parent / "by_the_book").glob("*.py"))
    assert len(sources) == 4
    names = {
        alias.name if isinstance(node, ast.Import) else node.module
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    ours = {name for name in names if name.split(".")[0] in {"keys", "vault", "client", "tests"}}
    assert {name for name in ours if not name.startswith("tests.docs.by_the_book")} == set()


def test_stranger_opens_with_a_private_key(container):
    found = Container(container, dossier="D-2801", signers=[DEPOSITOR.public.signing_key_id])
    container_key = found.unlock_with_seed(kem_seed(READER.seed))
    assert found.open(container_key, CODE_POINTS) == FILES


def test_stranger_opens_with_the_recovery_key(container):
    found = Container(container)
    assert found.open(found.unlock_with_seed(kem_seed(RECOVERY.seed)), CODE_POINTS) == FILES


@pytest.mark.parametrize("before", [None, b"", bytes(500)])
def test_stranger_recovers_from_the_body_alone(container, before):
    start = 22 + int.from_bytes(container[10:14], "big")
    data = container if before is None else before + container[start:]
    found = Body(data, dossier=Container(container).seal["dossier"])
    assert found.open(found.unlock_with_seed(kem_seed(RECOVERY.seed)), CODE_POINTS) == FILES
    with pytest.raises(Refused, match="no_access"):
        found.unlock_with_seed(kem_seed(READER.seed))
    with pytest.raises(Refused, match="malformed"):
        Body(container[start + 1 :])


def test_stranger_opens_with_a_password(container):
    found = Container(container)
    container_key, seed = found.unlock_with_password("eDITOR", "p\u00e4ssword")
    assert found.open(container_key, CODE_POINTS) == FILES
    assert seed == DEPOSITOR.seed


def test_stranger_opens_more_than_one_block():
    files = {"a": random.Random(1).randbytes(1_500_000), "b": bytes(1_000_000)}  # noqa: S311 - filler
    found = Container(seal(files))
    assert found.open(found.unlock_with_seed(kem_seed(READER.seed)), CODE_POINTS) == files


def test_stranger_opens_a_container_without_files():
    found = Container(seal({}))
    assert found.open(found.unlock_with_seed(kem_seed(READER.seed)), CODE_POINTS) == {}


@pytest.mark.parametrize(
    ("username", "password"), [("editor", "wrong"), ("another", "p\u00e4ssword"), ("", "x"), ("editor", "")]
)
def test_both_give_no_access(container, username, password):
    with pytest.raises(Refused, match="no_access"):
        Container(container).unlock_with_password(username, password)
    assert outcome_of_project(container, PasswordAccess(username, password)) == "no_access"


@pytest.mark.parametrize(
    "expected",
    [
        Expectations(dossier="D-2802"),
        Expectations(signers=[bytes(32)]),
        Expectations(generation=2),
        Expectations(dossier="D-2802", signers=[bytes(32)], generation=2),
    ],
)
def test_both_judge_expectations_alike(container, expected):
    ours = outcome_of_project(container, READER.decapsulation, expected)
    assert ours is not None
    with pytest.raises(Refused, match=f"^{ours}$"):
        Container(
            container, dossier=expected.dossier, signers=expected.signers, generation=expected.generation
        )


def test_both_refuse_damage_alike(container):
    rng = random.Random(2801)  # noqa: S311 - which bytes are damaged is no secret
    differing = []
    for damage in damages(container, rng):
        theirs, ours = (
            outcome_by_the_book(damage, READER.seed),
            outcome_of_project(damage, READER.decapsulation),
        )
        if theirs != ours or ours is None:
            differing.append((theirs, ours))
    assert not differing


def damages(container, rng):
    """Yield damaged containers: bits flipped everywhere, most in the documents, ends cut, numbers changed."""
    envelope_end = 22 + int.from_bytes(container[10:14], "big")
    payload_end = envelope_end + int.from_bytes(container[14:22], "big")
    places = (
        list(range(22))
        + [rng.randrange(22, envelope_end) for _ in range(150)]
        + [rng.randrange(envelope_end, payload_end) for _ in range(20)]
        + [rng.randrange(payload_end, len(container)) for _ in range(150)]
    )
    for place in places:
        damaged = bytearray(container)
        damaged[place] ^= 1 << rng.randrange(8)
        yield bytes(damaged)
    for length in (0, 1, 8, 21, 22, 23, envelope_end, payload_end, len(container) - 1):
        yield container[:length]
    yield container + b"\0"
    for name in (b'"generation":1,', b'"passes":2,', b'"memory_kib":19456,'):
        yield container.replace(name, name.replace(b":", b":9"), 1)
