"""Cobblestone-256 by Wycheproof's vectors, by cryptography's own class, and range by range."""

import hashlib
import json
import zlib
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.container.reading import outcome_of
from tests.vault.container.spec import cobblestone, named
from vault.container.cobblestone import (
    CHUNK,
    HEAD,
    WIRE_CHUNK,
    MessageReader,
    message_context,
    message_length,
    open_message,
    plaintext_length,
    wire_range,
)
from vault.container.outcomes import ContainerError, MisuseError, Outcome

SOURCE = Path(__file__).parents[2] / "vectors/wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json"
GROUPS = json.loads(SOURCE.read_text())["testGroups"]
VECTORS = [vector for group in GROUPS for vector in group["tests"]]
KEY, CONTEXT = named("key", 32), b"a context"


def inputs(vector):
    key, context, packed = (bytes.fromhex(vector[name]) for name in ("key", "ctx", "ct"))
    return key, context, zlib.decompress(packed)


def vectors(result):
    return pytest.mark.parametrize(
        "vector",
        [vector for vector in VECTORS if vector["result"] == result],
        ids=lambda vector: f"{vector['tcId']} {vector['comment']}",
    )


def read_range(key, context, message, start, stop):
    """Plaintext bytes of a range, opening only the chunks that it touches."""
    reader = MessageReader(key, context, message[:HEAD])
    first, last = wire_range(plaintext_length(len(message)), start, stop)
    chunk = (first - HEAD) // WIRE_CHUNK
    skip = start - chunk * CHUNK
    return reader.open(memoryview(message)[first:last], chunk)[skip : skip + stop - start]


def test_vectors_are_all_there():
    assert len(VECTORS) == 35
    assert {vector["result"] for vector in VECTORS} == {"valid", "invalid"}


@vectors("valid")
def test_valid_vector(vector):
    key, context, message = inputs(vector)
    plaintext = open_message(key, context, message)
    assert len(plaintext) == plaintext_length(len(message)) == vector["msgLength"]
    assert hashlib.sha512(plaintext).hexdigest() == vector["msgSha512"]
    decryptor = Cobblestone256Decryptor(key, context)
    assert decryptor.update(message) + decryptor.finalize() == plaintext
    edges = {
        edge
        for near in (0, CHUNK, 2 * CHUNK, 256 * CHUNK, len(plaintext))
        for edge in (near - 1, near, near + 1)
    }
    edges = sorted(edge for edge in edges if 0 <= edge <= len(plaintext))
    for start in edges:
        for stop in edges:
            # The largest messages: short ranges only.
            if start <= stop and (stop - start <= 2 * CHUNK or len(plaintext) < 3 * CHUNK):
                assert read_range(key, context, message, start, stop) == plaintext[start:stop]


@vectors("invalid")
def test_invalid_vector(vector):
    key, context, message = inputs(vector)
    with pytest.raises((InvalidTag, ValueError)):
        _consume(Cobblestone256Decryptor(key, context), message)
    if "InvalidKeySize" in vector["flags"]:
        # No container's keys have another length: that would be the caller's doing.
        with pytest.raises(MisuseError):
            open_message(key, context, message)
        return
    expected = {Outcome.PAYLOAD_DAMAGED}
    if "Truncation" in vector["flags"] or "TrailingData" in vector["flags"]:
        # Some lengths are no message's; then nothing is opened at all.
        expected.add(Outcome.MALFORMED)
    assert outcome_of(open_message, key, context, message) in expected


def _consume(decryptor, message):
    decryptor.update(message)
    decryptor.finalize()


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if "PartialPlaintext" in vector["flags"]],
    ids=lambda vector: str(vector["tcId"]),
)
def test_partial_vector_gives_its_authentic_chunks_and_nothing_else(vector):
    key, context, message = inputs(vector)
    reader = MessageReader(key, context, message[:HEAD])
    prefix = b""
    for index, start in enumerate(range(HEAD, len(message), WIRE_CHUNK)):
        try:
            piece = reader.open(message[start : start + WIRE_CHUNK], index)
        except (ContainerError, ValueError):
            break
        prefix += piece
        if len(piece) < CHUNK:
            break
    assert len(prefix) >= vector["msgLength"]
    assert hashlib.sha512(prefix[: vector["msgLength"]]).hexdigest() == vector["msgSha512"]


@pytest.mark.parametrize("vector", VECTORS[:10], ids=lambda vector: str(vector["tcId"]))
def test_another_key_or_context_is_seen_at_the_head(vector):
    key, context, message = inputs(vector)
    for wrong_key, wrong_context in ((bytes(32), context), (key, context + b"\x00"), (key, b"x" + context)):
        damaged = outcome_of(MessageReader, wrong_key, wrong_context, message[:HEAD], match="belong here")
        assert damaged is Outcome.PAYLOAD_DAMAGED


def test_every_bit_of_the_head_counts():
    message = cobblestone(KEY, CONTEXT, b"text")
    for position in range(HEAD):
        for bit in range(8):
            wrong = bytearray(message)
            wrong[position] ^= 1 << bit
            assert outcome_of(MessageReader, KEY, CONTEXT, bytes(wrong[:HEAD])) is Outcome.PAYLOAD_DAMAGED


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK - 1, 3 * CHUNK + 5])
def test_every_range_around_the_edges(size):
    plaintext = named("plaintext", size)
    encryptor = Cobblestone256Encryptor(KEY, CONTEXT)
    message = encryptor.update(plaintext) + encryptor.finalize()
    assert len(message) == message_length(size)
    assert open_message(KEY, CONTEXT, message) == plaintext
    near = {edge + step for edge in (0, CHUNK, 2 * CHUNK, 3 * CHUNK, size) for step in (-2, -1, 0, 1, 2)}
    edges = sorted(edge for edge in near if 0 <= edge <= size)
    for start, stop in combinations_with_replacement(edges, 2):
        assert read_range(KEY, CONTEXT, message, start, stop) == plaintext[start:stop]


@given(st.integers(0, 5 * CHUNK), st.data())
def test_any_range(size, data):
    plaintext = named("plaintext", size)
    message = cobblestone(KEY, CONTEXT, plaintext)
    start = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(start, size))
    assert read_range(KEY, CONTEXT, message, start, stop) == plaintext[start:stop]
    first, last = wire_range(size, start, stop)
    assert HEAD <= first < last <= len(message)
    assert last - first <= (stop - start) + 2 * WIRE_CHUNK + 16 * ((stop - start) // CHUNK + 1)


def test_the_end_of_a_file_is_proven_by_its_last_chunk():
    """A range up to the end takes the short chunk in, even where that chunk is empty."""
    for size in (0, CHUNK, 2 * CHUNK):
        assert wire_range(size, size, size) == (message_length(size) - 16, message_length(size))
        assert wire_range(size, max(size - 1, 0), size)[1] == message_length(size)


@given(st.integers(0, 2**42))
def test_lengths(size):
    assert message_length(size) == 56 + size + 16 * (size // 16_384 + 1)
    assert plaintext_length(message_length(size)) == size


def test_lengths_that_no_message_has():
    for whole in (0, 1, 2, 1000):
        for rest in range(16):
            length = HEAD + whole * WIRE_CHUNK + rest
            assert outcome_of(plaintext_length, length) is Outcome.MALFORMED
        assert plaintext_length(HEAD + whole * WIRE_CHUNK + 16) == whole * CHUNK
    for length in (-1, 0, 1, HEAD - 1, -(2**64)):
        assert outcome_of(plaintext_length, length) is Outcome.MALFORMED
    reachable = {message_length(size) for size in range(2 * CHUNK)}
    for length in range(message_length(2 * CHUNK)):
        assert (outcome_of(plaintext_length, length) is None) == (length in reachable)


def test_context_of_a_message():
    assert message_context("scelle/1 file", b"ctx", b"id") == b"scelle/1 file\x00ctxid"
    assert message_context("scelle/1 index", b"ctx") == b"scelle/1 index\x00ctx"


@pytest.mark.parametrize(
    "rearranged", [(1, 0, 2), (0, 0, 2), (1, 1, 2), (0, 2), (0, 1), (1, 2), (0, 1, 2, 2), (2, 0, 1)]
)
def test_chunks_stay_where_they_were_written(rearranged):
    message = cobblestone(KEY, CONTEXT, named("three chunks", 2 * CHUNK + 100))
    chunks = [message[at : at + WIRE_CHUNK] for at in range(HEAD, len(message), WIRE_CHUNK)]
    wrong = message[:HEAD] + b"".join(chunks[number] for number in rearranged)
    assert outcome_of(open_message, KEY, CONTEXT, wrong) in {Outcome.PAYLOAD_DAMAGED, Outcome.MALFORMED}


def test_own_encryptor_agrees_with_the_library():
    """The forge writes what cryptography reads."""
    for size in (0, 5, CHUNK, CHUNK + 1):
        plaintext = named("plaintext", size)
        decryptor = Cobblestone256Decryptor(KEY, CONTEXT)
        message = cobblestone(KEY, CONTEXT, plaintext)
        assert decryptor.update(message) + decryptor.finalize() == plaintext
