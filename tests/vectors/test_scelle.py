"""Our own vectors: each ends as its index says, stored and made anew."""

import hashlib
import json
from collections import Counter

import pytest

from keys.derivation import expand_seed
from keys.unwrapping import DecapsulationKey
from tests.vault.container.reading import Trail, arrive, examine_bytes, outcome_of, read_all
from tests.vectors.scelle.generate import FOLDER, INDEX, index_of, vectors
from vault.container.examine import Expectations
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock

DOCUMENT = json.loads(INDEX.read_text(encoding="utf-8"))
ENTRIES = {entry["name"]: entry for entry in DOCUMENT["vectors"]}
STORED = {name: (FOLDER / entry["file"]).read_bytes() for name, entry in ENTRIES.items()}


@pytest.fixture(scope="module")
def made_anew():
    return {vector.name: vector.data for vector in vectors()}


def access_of(entry):
    access = entry["access"]
    if "identity" in access:
        seed = bytes.fromhex(DOCUMENT["identities"][access["identity"]]["seed"])
        return DecapsulationKey(expand_seed(seed, "scelle/1 identity kem")[:32])
    return PasswordAccess(access["username"], access["password"])


def expectations_of(entry):
    expected = entry["expected"]
    signers = expected.get("signers")
    return Expectations(
        dossier=expected.get("dossier"),
        signers=None if signers is None else [bytes.fromhex(signer) for signer in signers],
        generation=expected.get("generation", 0),
        successors=lambda _seal: {
            bytes.fromhex(old): bytes.fromhex(new) for old, new in expected.get("successors", [])
        },
    )


def check(entry, data):
    expected, access = expectations_of(entry), access_of(entry)
    for keyless in (examine_bytes, arrive):
        found = outcome_of(keyless, data, expected)
        assert (found or "accepted") == entry["without_key"], keyless.__name__
    trail = Trail()
    found = outcome_of(read_all, data, access, expected, trail=trail)
    assert (found or "opened") == entry["outcome"]
    files = {file["path"]: file for file in entry.get("files", [])}
    assert sorted(trail.finished, key=str.encode) == list(files)
    for path in trail.finished:
        released = trail.released[path]
        assert len(released) == files[path]["size"]
        assert hashlib.sha256(released).hexdigest() == files[path]["sha256"]
    if entry["outcome"] == "opened":
        examined = examine_bytes(data, expected)
        unlocked = unlock(examined, access)
        assert unlocked.identity.hex() == entry["identity"]
        assert unlocked.container_key.hex() == entry["derived"]["container_key"]
        assert examined.seal.seal.context.hex() == entry["derived"]["context"]


@pytest.mark.parametrize("name", ENTRIES)
def test_stored(name):
    assert hashlib.sha256(STORED[name]).hexdigest() == ENTRIES[name]["sha256"]
    check(ENTRIES[name], STORED[name])


@pytest.mark.parametrize("name", ENTRIES)
def test_made_anew(name, made_anew):
    """The generator still makes what it made: other bytes, the same structure and the same end."""
    check(ENTRIES[name], made_anew[name])
    assert len(made_anew[name]) == len(STORED[name])


def test_index_is_what_the_generator_writes():
    assert INDEX.read_text(encoding="utf-8") == index_of(STORED)


def test_every_outcome_and_every_way_to_open_has_its_vector():
    found = Counter(entry["outcome"] for entry in ENTRIES.values())
    assert set(found) == {"opened", *(outcome.value for outcome in Outcome)}
    assert {"password", "dossier", "reader", "recovery", "template", "superseding"} <= set(ENTRIES)


def test_nothing_else_lies_there_and_it_stays_small():
    files = {path.name for path in FOLDER.glob("*.scelle")}
    assert files == {entry["file"] for entry in ENTRIES.values()}
    assert sum(map(len, STORED.values())) < 2 * 2**20
