"""A container opened from its body alone, by the recovery key and nothing else."""

import pytest

from tests.vault.container.forge import DOSSIER, EDITOR, READER, RECOVERY, STRANGER, File, For, forge
from tests.vault.container.reading import outcome_of, reader_of
from tests.vault.container.spec import unb64
from vault.container.body import examine_body
from vault.container.examine import NOTHING_EXPECTED, Expectations
from vault.container.opening import open_container
from vault.container.outcomes import ContainerError, Outcome
from vault.container.seal import seals_at_end
from vault.container.steps import FileFinished, FileStarted, Plaintext, run
from vault.container.unlocking import unlock_body

MIB = 1 << 20


@pytest.fixture(scope="module")
def right():
    files = [File("a.txt", b"some words\n"), File("big.bin", bytes(range(256)) * 5000), File("empty", b"")]
    return forge(files=files, recipients=[For(READER), For(DOSSIER, "dossier", 2)], recovery=[RECOVERY])


@pytest.fixture(scope="module")
def body(right):
    return right.data[len(right.preamble) + len(right.envelope_bytes) :]


def examined(data, expected=NOTHING_EXPECTED):
    return run(examine_body(len(data), expected), reader_of(data))


def recovered(data, key=RECOVERY.kem, expected=NOTHING_EXPECTED):
    """Return all files of what ``data`` ends with."""
    body = examined(data, expected)
    opened = run(open_container(body, unlock_body(body.seal.seal, key)), reader_of(data))
    files, name, answer = {}, "", None
    events = opened.read_files()
    try:
        while True:
            step = events.send(answer)
            answer = None
            match step:
                case FileStarted(file):
                    name, files[file.path] = file.path, b""
                case Plaintext(piece):
                    files[name] += piece
                case FileFinished():
                    pass
                case request:
                    answer = data[request.offset : request.offset + request.length]
                    if request.into is not None:
                        request.into[:] = answer
                        answer = request.into
    except StopIteration:
        return files


def test_a_whole_container_and_its_body_give_the_same(right, body):
    assert recovered(right.data) == recovered(body) == right.true_files
    assert examined(body).offset == 0
    assert examined(right.data).offset == len(right.data) - len(body)


@pytest.mark.parametrize("before", [b"", b"\x00", b"\x89SCL\r\n\x1a\n", bytes(30_000)])
def test_whatever_stands_before_is_not_looked_at(right, body, before):
    assert recovered(before + body) == right.true_files


def test_no_bit_of_preamble_and_envelope_matters(right, body):
    before = bytes(byte ^ 0xFF for byte in right.data[: -len(body)])
    assert recovered(before + body) == right.true_files


@pytest.mark.parametrize("key", [READER.kem, DOSSIER.kem, STRANGER.kem, EDITOR.kem])
def test_no_other_key_opens_it(body, key):
    assert outcome_of(recovered, body, key) is Outcome.NO_ACCESS


def test_a_slot_with_the_key_of_another_container_is_seen(right):
    """Made by the signer itself: nobody else can."""
    forged = forge(
        recovery=[RECOVERY],
        at_seal=lambda f: f.seal.update(
            commitment=forge(recovery=[RECOVERY], container=bytes(range(16))).seal["commitment"]
        ),
    )
    assert outcome_of(recovered, forged.data) is Outcome.ENVELOPE_TAMPERED


def test_what_was_sealed_is_checked_as_ever(right, body):
    seal_start = len(body) - len(right.seal_bytes)
    payload_length = right.seal["payload_length"]
    for position, outcomes in (
        (10, {Outcome.PAYLOAD_DAMAGED}),
        (MIB + 5, {Outcome.PAYLOAD_DAMAGED}),
        (payload_length - 1, {Outcome.PAYLOAD_DAMAGED}),
        (payload_length, {Outcome.PAYLOAD_DAMAGED}),
        (seal_start - 1, {Outcome.PAYLOAD_DAMAGED}),
        (seal_start + 3, {Outcome.MALFORMED}),
        (seal_start + 40, {Outcome.MALFORMED, Outcome.SEAL_INVALID}),
        (len(body) - 1, {Outcome.SEAL_INVALID}),
    ):
        damaged = bytearray(body)
        damaged[position] ^= 1
        assert outcome_of(recovered, bytes(damaged)) in outcomes, position


def test_a_body_that_is_not_whole_is_refused(right, body):
    seal_start = len(body) - len(right.seal_bytes)
    for start in (1, 100, seal_start - 1, seal_start):
        assert outcome_of(recovered, body[start:]) is Outcome.MALFORMED
    for end in (0, 1, 3376, 3377, seal_start, len(body) - 1):
        assert outcome_of(recovered, body[:end]) is Outcome.MALFORMED
    assert outcome_of(recovered, body + b"\x00") is Outcome.MALFORMED


def test_what_the_caller_expects(body):
    here = Expectations(dossier="DOS-2026-001", signers={EDITOR.signing_id})
    assert recovered(body, expected=here)
    assert outcome_of(examined, body, here._replace(dossier="D-2")) is Outcome.WRONG_DOSSIER
    assert outcome_of(examined, body, here._replace(signers={STRANGER.signing_id})) is Outcome.UNKNOWN_SIGNER


def test_the_seal_is_the_one_at_the_very_end(right, body):
    (found,) = seals_at_end(body)
    assert found.json == right.seal_bytes[4:-3373]
    assert unb64(right.seal["container"]) == found.seal.container
    assert list(seals_at_end(body[:-1])) == []
    other = forge(recovery=[RECOVERY], files=[File("other", b"x")])
    assert recovered(right.data + other.data) == other.true_files
    with pytest.raises(ContainerError):
        examined(b"")
