"""The reader made from docs/FORMAT.md refuses forged containers with the same outcome as the project."""

from __future__ import annotations

import pytest

from tests.docs.by_the_book.canonical import Refused
from tests.docs.by_the_book.documents import ENVELOPE, MANIFEST, SEAL, decode
from tests.docs.by_the_book.reader import Container
from tests.docs.judging import CODE_POINTS, kem_seed, outcome_by_the_book, outcome_of_project
from tests.vault.container.forge import (
    AUTHORITY,
    DOSSIER,
    FILES,
    MEL,
    READER,
    RECOVERY,
    STRANGER,
    File,
    For,
    forge,
)
from tests.vault.container.spec import b64
from tests.vault.container.spoil import spoilt

FULL = {
    "recipients": (For(READER), For(DOSSIER, "dossier", 3)),
    "recovery": (RECOVERY,),
    "carried": (For(DOSSIER, "dossier", 3), For(RECOVERY, "recovery")),
    "passwords": (MEL,),
}


@pytest.fixture(scope="module")
def right():
    return forge(**FULL)


def test_forged_container_with_nothing_broken_opens(right):
    found = Container(right.data)
    assert found.open(found.unlock_with_seed(kem_seed(READER.seed)), CODE_POINTS) == right.true_files
    assert found.seal_id == right.seal_id


@pytest.mark.parametrize(
    ("part", "of", "most"),
    [("envelope", ENVELOPE, 258771), ("seal", SEAL, 65536), ("manifest", MANIFEST, 2**24)],
)
def test_every_other_spelling_is_malformed(right, part, of, most):
    document = getattr(right, part)
    taken = []
    for what, data in spoilt(document):
        try:
            decode(data, of, most)
        except Refused as refused:
            if str(refused) != "malformed":
                taken.append((what, str(refused)))
        else:
            taken.append((what, "taken"))
    assert not taken


def edit(part, **values):
    """Return a hook that sets fields of the seal, the envelope or the manifest."""

    def hook(forged):
        getattr(forged, part).update(values)

    return {f"at_{part}": hook}


def edit_file(number, **values):
    def hook(forged):
        forged.manifest["files"][number].update(values)

    return {"at_manifest": hook}


def swap_files(forged):
    forged.manifest["files"].reverse()


def same_ids(forged):
    forged.manifest["files"][1]["id"] = forged.manifest["files"][0]["id"]


def same_slot_ids(forged):
    slots = forged.envelope["slots"]
    slots[1]["id"] = slots[0]["id"]


def rubbish_in_slots(forged):
    for slot in forged.envelope["slots"]:
        slot["wrapped"] = b64(bytes(1713))


def index_of(offset, length):
    def hook(forged):
        forged.index = offset.to_bytes(8, "big") + length.to_bytes(8, "big")

    return {"at_index": hook}


def padding_of_ones(forged):
    forged.padding_wire = forged.message("scelle/1 padding", b"\1" * (len(forged.padding_wire) - 72))


def padding_of_another_message(forged):
    forged.padding_wire = forged.message("scelle/1 file", bytes(len(forged.padding_wire) - 72))


def padding_of_no_length(forged):
    forged.padding_wire = bytes(56)


def paths(*names):
    return {"files": [File(name) for name in names]}


FORGERIES = {
    "another signer's seal": {"seal_signer": STRANGER},
    "another writer": {"writer": STRANGER},
    "another writer's signature": {"envelope_signer": STRANGER},
    "a listed writer": {"writer": AUTHORITY},
    "another commitment in the envelope": edit("envelope", commitment=b64(bytes(32))),
    "another commitment in the seal": edit("seal", commitment=b64(bytes(32))),
    "another root": edit("seal", root=b64(bytes(32))),
    "another content": edit("seal", content=b64(bytes(32))),
    "another payload length": edit("seal", payload_length=1),
    "a writer twice": {"writers": (AUTHORITY.signing_id,) * 2},
    "nine writers": {"writers": [bytes([n]) * 32 for n in range(9)]},
    "a dossier too long": {"dossier": "d" * 65},
    "no evidence type": {"evidence_type": ""},
    "two slots of one id": {"recipients": (For(READER), For(STRANGER)), "at_envelope": same_slot_ids},
    "rubbish in the slots": {"at_envelope": rubbish_in_slots},
    "no slots": edit("envelope", slots=[]),
    "a reader with a generation": {"recipients": (For(READER, "reader", 1),)},
    "a dossier key without generation": {"recipients": (For(READER), For(DOSSIER, "dossier", 0))},
    "recovery in the envelope": {"recipients": (For(READER, "recovery"),)},
    "17 passwords": {"passwords": (MEL,) * 17},
    "little memory": {"kdf": (19_455, 2, 1)},
    "much memory": {"kdf": (524_289, 2, 1)},
    "one pass": {"kdf": (19_456, 1, 1)},
    "no lane": {"kdf": (19_456, 2, 0)},
    "no access": {"recipients": (For(STRANGER),)},
    "files not sorted": {"at_manifest": swap_files},
    "files stored in another order": {"storage_order": (1, 0)},
    "two files of one id": {"at_manifest": same_ids},
    "a gap before a file": {"gaps": {1: bytes(10)}},
    "a gap before the manifest": {"gaps": {2: bytes(10)}},
    "a wrong size": edit_file(0, size=1),
    "a wrong offset": edit_file(0, offset=1),
    "a wrong digest": edit_file(0, sha256=b64(bytes(32))),
    "a media type too long": edit_file(0, media_type="a" * 128),
    "a note too long": {"note": "n" * 4097},
    "65 carried recipients": {"carried": (For(DOSSIER, "dossier", 3),) * 65},
    "a carried role that is none": edit(
        "manifest", recipients=[{"role": "friend", "generation": 0, "public": ""}]
    ),
    "a manifest too long": index_of(0, 2**24 + 1),
    "a manifest of no length": index_of(0, 57),
    "a manifest behind the index": index_of(2**40, 100),
    "an index that overflows": index_of(2**64 - 72, 72),
    "padding of ones": {"at_tail": padding_of_ones},
    "padding of another message": {"at_tail": padding_of_another_message},
    "padding of no length": {"at_tail": padding_of_no_length},
    "a path upwards": paths("../a"),
    "an absolute path": paths("/a"),
    "a path with an empty component": paths("a//b"),
    "a path too long": paths("/".join(["a" * 200] * 6)),
    "a name too long": paths("a" * 256),
    "a path too deep": paths("/".join("a" * 33)),
    "a device": paths("con"),
    "a device with an extension": paths("a/LPT9.txt"),
    "a device with spaces": paths("COM\u00b9  .txt"),
    "no device": paths("console", "com10", "nul2"),
    "a dot at the end": paths("a."),
    "a space at the end of a folder": paths("a /b"),
    "a colon": paths("a:b"),
    "text turned round": paths("a\u202etxt.exe"),
    "a C1 control": paths("a\u0085b"),
    "a C0 control": paths("a\nb"),
    "a private character": paths("a\ue000"),
    "an unassigned character": paths("a\u0378"),
    "equal in NFC": paths("\u00e9", "e\u0301"),
    "a file that is a folder": paths("a", "a/b"),
    "a file that is a folder in NFC": paths("\u00e9", "e\u0301/b"),
    "case alone": paths("A", "a"),
    "much of everything": {**FULL, "files": [*FILES, File("long.bin", bytes(1_200_000))]},
}


@pytest.mark.parametrize("name", sorted(FORGERIES))
def test_both_judge_a_forgery_alike(name):
    data = forge(**FORGERIES[name]).data
    assert outcome_by_the_book(data, READER.seed) == outcome_of_project(data, READER.kem)


def test_forgeries_have_every_outcome_that_a_forger_can_reach():
    reached = {outcome_by_the_book(forge(**changes).data, READER.seed) for changes in FORGERIES.values()}
    assert reached == {
        None,
        "malformed",
        "limit_exceeded",
        "seal_invalid",
        "envelope_tampered",
        "payload_damaged",
        "no_access",
        "unsafe_path",
    }


def test_both_take_the_first_password_that_matches(right):
    found = Container(right.data)
    container_key, _ = found.unlock_with_password(MEL.username, MEL.password)
    assert container_key == right.key
