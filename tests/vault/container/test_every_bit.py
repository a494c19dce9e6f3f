"""Every bit flip and every truncation of a small container.

Covered, always and in full: each bit of each byte of one container (preamble, envelope with a password and a
reader slot, payload with two files and padding, leaves, seal with a recovery slot), flipped alone, and each
length from none to all but the last byte:

- read to the end with a private key, blocks when they are needed: a named outcome, no file more finished
  than its true bytes allow, every released byte a true one in its place;
- read to the end with a password: one bit of each byte of preamble and envelope, another bit from byte to
  byte (all that is judged before slots are tried does not depend on the kind of access), and every length;
- read to the end with the recovery key: each bit of payload, leaves and the seal's length;
- examined front to back without a key, as a server does on a deposit: all of it is refused, because every
  byte is under a signature or a leaf or decides where these stand.

Pure functions of bytes (parsing an envelope or seal, a signature that verified, a key that was unwrapped, a
derived password) are computed once for the same bytes: all that a flip touches is computed anew.
"""

import functools
from collections import Counter, defaultdict

import pytest

import vault.container.examine
import vault.container.intake
from keys.signing import VerifyingKey
from keys.unwrapping import DecapsulationKey
from tests.vault.container.forge import EDITOR, READER, RECOVERY, File, For, Password, forge
from tests.vault.container.reading import Trail, arrive, outcome_of, read_all
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess

FILES = (File("plan.txt", b"un texte " * 40), File("vide", b""))
FORGED = forge(
    files=FILES,
    passwords=[Password("mel", "secret", EDITOR.seed)],
    recipients=[For(READER)],
    recovery=[RECOVERY],
)
DATA = FORGED.data
PASSWORD = PasswordAccess("mel", "secret")

PARTS = {
    "preamble": FORGED.preamble,
    "envelope JSON": FORGED.envelope_json,
    "envelope signature": FORGED.envelope_signature,
    "payload": FORGED.payload,
    "leaves": b"".join(FORGED.leaves),
    "seal length": FORGED.seal_bytes[:4],
    "seal JSON": FORGED.seal_json,
    "seal signature": FORGED.seal_signature,
}

FORM = {Outcome.MALFORMED, Outcome.LIMIT_EXCEEDED}
EXPECTED = {
    "preamble": {*FORM, Outcome.UNSUPPORTED_VERSION},
    "envelope JSON": {*FORM, Outcome.ENVELOPE_TAMPERED},
    "envelope signature": {Outcome.ENVELOPE_TAMPERED},
    "payload": {Outcome.PAYLOAD_DAMAGED},
    "leaves": {Outcome.PAYLOAD_DAMAGED},
    "seal length": FORM,
    "seal JSON": {*FORM, Outcome.SEAL_INVALID},
    "seal signature": {Outcome.SEAL_INVALID},
}


def remember(patch, owner, name, identify):
    """Compute ``owner.name`` once for the same input; what raises is never remembered."""
    real, known = getattr(owner, name), {}

    @functools.wraps(real)
    def remembering(*arguments, **options):
        key = identify(*arguments, **options)
        if key not in known:
            result = real(*arguments, **options)
            if len(known) > 100:
                known.clear()
            known[key] = result
        return known[key]

    patch.setattr(owner, name, remembering)


@pytest.fixture(scope="module", autouse=True)
def _pure_functions_remembered():
    with pytest.MonkeyPatch.context() as patch:
        for module in (vault.container.intake, vault.container.examine):
            for name in ("parse_envelope", "parse_seal"):
                remember(patch, module, name, lambda *data: data)
        remember(patch, VerifyingKey, "verify", lambda key, *data, context: (key.encoded, *data, context))
        remember(patch, DecapsulationKey, "unwrap", lambda key, *data: (key.public_key, *data))
        yield


ALL = range(8)


def flips(names, bits=ALL):
    """Yield (part, container with one bit flipped) for these parts; without ``bits`` one of each byte."""
    data, start = bytearray(DATA), 0
    for name, part in PARTS.items():
        for position in range(start, start + len(part)) if name in names else ():
            for bit in bits or (position * 5 % 8,):
                data[position] ^= 1 << bit
                yield name, bytes(data)
                data[position] ^= 1 << bit
        start += len(part)
    assert start == len(DATA)


def read_and_judge(access, names, bits=ALL):
    outcomes = defaultdict(Counter)
    for name, data in flips(names, bits):
        trail = Trail()
        outcomes[name][outcome_of(read_all, data, access, trail=trail)] += 1
        if trail.released:
            trail.assert_authentic(FORGED.true_files)
    for name in names:
        assert set(outcomes[name]) <= EXPECTED[name], name
        assert outcomes[name].total() == (len(bits) or 1) * len(PARTS[name])


def test_the_container_is_good_and_small():
    assert b"".join(PARTS.values()) == DATA
    assert len(DATA) < 30_000
    assert arrive(DATA)
    for access in (READER.kem, RECOVERY.kem, PASSWORD):
        assert read_all(DATA, access).released == FORGED.true_files


def test_every_bit_read_with_a_key():
    read_and_judge(READER.kem, PARTS)


def test_every_byte_of_the_envelope_read_with_a_password():
    read_and_judge(PASSWORD, ["preamble", "envelope JSON", "envelope signature"], bits=())


def test_every_bit_of_what_the_recovery_key_reads():
    read_and_judge(RECOVERY.kem, ["payload", "leaves", "seal length"])


def test_every_bit_on_arrival():
    outcomes = defaultdict(Counter)
    for name, data in flips(PARTS):
        outcomes[name][outcome_of(arrive, data)] += 1
    for name, found in outcomes.items():
        # Lengths that lie move what follows: then it is the first thing out of place that is named.
        moved = FORM if name in {"preamble", "seal length"} else set()
        assert set(found) <= EXPECTED[name] | moved, name
        assert found.total() == 8 * len(PARTS[name])


@pytest.mark.parametrize("access", [READER.kem, PASSWORD], ids=["key", "password"])
def test_every_truncation_read(access):
    for length in range(len(DATA)):
        trail = Trail()
        assert outcome_of(read_all, DATA[:length], access, trail=trail) is Outcome.MALFORMED
        assert trail.released == {}


def test_every_truncation_on_arrival():
    for length in range(len(DATA)):
        assert outcome_of(arrive, DATA[:length]) is Outcome.MALFORMED


def test_every_byte_appended_is_refused():
    for byte in range(256):
        for act in (arrive, lambda data: read_all(data, READER.kem)):
            assert outcome_of(act, DATA + bytes([byte])) is Outcome.MALFORMED


@pytest.mark.parametrize("count", [1, 2, 16, 100])
def test_bytes_missing_or_doubled_inside(count):
    """Cut out or repeated at each 7th place: lengths no longer add up."""
    for start in range(0, len(DATA) - count, 7):
        for data in (DATA[:start] + DATA[start + count :], DATA[: start + count] + DATA[start:]):
            for act in (arrive, lambda data: read_all(data, READER.kem)):
                assert outcome_of(act, data) in {*FORM, Outcome.SEAL_INVALID, Outcome.UNSUPPORTED_VERSION}
