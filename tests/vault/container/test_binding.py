"""Parts of one good container moved into another: same signer, same dossier, same people, nothing fits."""

import pytest

from tests.vault.container.forge import (
    AUTHORITY,
    DOSSIER,
    EDITOR,
    MEL,
    READER,
    RECOVERY,
    STRANGER,
    File,
    For,
    Password,
    forge,
    with_envelope,
)
from tests.vault.container.reading import (
    assert_refused,
    assert_refused_inside,
    examine_bytes,
    outcome_of,
    read_all,
)
from tests.vault.container.spec import BLOCK, b64, canonical, named, unb64
from vault.container.examine import Expectations
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess

PEOPLE = {
    "passwords": [Password(MEL.username, MEL.password, EDITOR.seed)],
    "recipients": [For(DOSSIER, "dossier", 3), For(READER)],
    "recovery": [RECOVERY],
}
ACCESSES = [READER.kem, DOSSIER.kem, RECOVERY.kem, PasswordAccess(MEL.username, MEL.password)]


def make(name, **changes):
    return forge(name=name, **(PEOPLE | changes))


@pytest.fixture(scope="module")
def here():
    return make("here")


@pytest.fixture(scope="module")
def there():
    """Another container of the same signer, dossier, people, files and kdf salt."""
    return make("there")


def test_all_accesses_open_both(here, there):
    for forged in (here, there):
        for access in ACCESSES:
            assert read_all(forged.data, access).released == forged.true_files


def test_envelope_moved(here, there):
    preamble = there.preamble[:10] + here.preamble[10:14] + there.preamble[14:]
    data = preamble + here.envelope_bytes + there.body
    assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="another container")


def test_envelope_moved_and_its_commitment_adapted(here, there):
    """By somebody who may write envelopes: the slots open, but to another container's key or not at all."""
    moved = here.envelope | {"commitment": there.envelope["commitment"]}
    for writer in (EDITOR, AUTHORITY):
        document = moved | {"writer": b64(writer.signing.public_key)}
        data = with_envelope(there, canonical(document), by=writer)
        for access in ACCESSES[:2] + ACCESSES[3:]:
            assert_refused_inside(Outcome.NO_ACCESS, data, access)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["password", "dossier", "reader"])
def test_slot_moved(here, there, number):
    slot = here.envelope["slots"][number]
    data = with_envelope(there, canonical(there.envelope | {"slots": [slot]}))
    access = (ACCESSES[3], ACCESSES[1], ACCESSES[0])[number]
    assert_refused_inside(Outcome.NO_ACCESS, data, access)


def test_recovery_slot_moved(here):
    data = make("there", at_seal=lambda f: f.seal.update(recovery=here.seal["recovery"])).data
    assert_refused_inside(Outcome.NO_ACCESS, data, RECOVERY.kem)


def test_recovery_slot_as_a_reader_slot_and_back(here):
    """A slot of the seal in the envelope, with the role that belongs there: the role is bound in."""
    slot = here.seal["recovery"][0] | {"role": "reader"}
    data = with_envelope(here, canonical(here.envelope | {"slots": [slot]}))
    # The recovery key still opens by the seal; take that away, and the moved slot does not.
    alone = make("here", recovery=(), at_envelope=lambda f: f.envelope.update(slots=[slot]))
    assert read_all(data, RECOVERY.kem).finished
    assert_refused_inside(Outcome.NO_ACCESS, alone.data, RECOVERY.kem)


def test_body_moved(here, there):
    data = here.preamble + here.envelope_bytes + there.body
    assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="another container")


def test_payload_moved(here, there):
    assert len(here.payload) == len(there.payload)
    leaves_and_seal = there.body[len(there.payload) :]
    data = there.preamble + there.envelope_bytes + here.payload + leaves_and_seal
    assert_refused(Outcome.PAYLOAD_DAMAGED, data)
    # With its leaves, too.
    data = there.preamble + there.envelope_bytes + here.payload + b"".join(here.leaves) + there.seal_bytes
    assert_refused(Outcome.PAYLOAD_DAMAGED, data)


def test_seal_moved(here, there):
    data = there.data[: -len(there.seal_bytes)] + here.seal_bytes
    assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="another container")


def test_signatures_moved(here, there):
    data = there.data[:-3373] + here.seal_signature
    assert_refused(Outcome.SEAL_INVALID, data)
    data = there.preamble + there.envelope_json + here.envelope_signature + there.body
    assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="signature")


# From here on the signer is of the party: payload, leaves and root are sealed as they are, rightly.


def test_payload_of_another_container_sealed_here(here):
    def hook(forged):
        forged.payload = here.payload

    assert_refused_inside(Outcome.PAYLOAD_DAMAGED, make("there", at_payload=hook).data, READER.kem)


@pytest.mark.parametrize("part", ["manifest_wire", "padding_wire", "index_wire"])
def test_message_of_another_container_sealed_here(here, part):
    def hook(forged):
        setattr(forged, part, getattr(here, part))

    finished = 2 if part == "padding_wire" else 0
    forged = make("there", at_tail=hook)
    trail = assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem, finished=finished)
    trail.assert_authentic(forged.true_files)


def test_file_of_another_container_sealed_here(here):
    for number in (0, 1):

        def hook(forged, number=number):
            forged.wires[number] = here.wires[number]

        data = make("there", at_wires=hook).data
        assert_refused_inside(Outcome.PAYLOAD_DAMAGED, data, READER.kem, finished=number)


def test_payload_with_the_same_container_key(here):
    """Even one CK used twice, against the rules, opens nothing across: ctx differs."""

    def hook(forged):
        forged.payload = here.payload

    forged = make("there", key=here.key, at_payload=hook)
    assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem)


@pytest.mark.parametrize(
    "change", [{"container": named("x", 16)}, {"dossier": "DOS-9"}, {"signer": STRANGER, "writer": STRANGER}]
)
def test_everything_but_one_part_of_the_context(here, change):
    """Same CK, same ids, same files; another container id, dossier or signer: slots and payload of the
    first do not open in the second.
    """
    second = make("here", **change)
    assert second.key == here.key
    assert second.ctx != here.ctx
    for part in ("payload", "slots"):

        def hook(forged, part=part):
            if part == "payload":
                forged.payload = here.payload

        def envelope_hook(forged, part=part):
            if part == "slots":
                forged.envelope["slots"] = here.envelope["slots"]

        data = make("here", at_payload=hook, at_envelope=envelope_hook, **change).data
        outcome = Outcome.PAYLOAD_DAMAGED if part == "payload" else Outcome.NO_ACCESS
        assert_refused_inside(outcome, data, READER.kem)


def test_files_exchanged_with_their_entries_adapted(here):
    """The signer swaps two equal-sized messages and writes the manifest to fit: the file id is bound in."""
    files = [File("a", b"first"), File("b", b"other")]

    def swap(forged):
        forged.wires.reverse()

    def adapt(forged):
        first, second = forged.manifest["files"]
        first["sha256"], second["sha256"] = second["sha256"], first["sha256"]

    data = make("here", files=files, at_wires=swap, at_manifest=adapt).data
    assert_refused_inside(Outcome.PAYLOAD_DAMAGED, data, READER.kem)

    def adapt_ids(forged):
        adapt(forged)
        first, second = forged.manifest["files"]
        first["id"], second["id"] = second["id"], first["id"]

    # Only with its id does a message move: then it is the file of that name, sealed as such.
    data = make("here", files=files, at_wires=swap, at_manifest=adapt_ids).data
    assert read_all(data, READER.kem).released == {"a": b"other", "b": b"first"}


def test_blocks_exchanged_leaves_and_root_computed_and_sealed_by_somebody_else(here):
    """A thief who reorders whole blocks and signs a fitting seal is another signer: nothing opens."""
    files = [File("a", named("a", 3 * BLOCK))]

    def swap(forged):
        first, second = forged.payload[:BLOCK], forged.payload[BLOCK : 2 * BLOCK]
        forged.payload = second + first + forged.payload[2 * BLOCK :]

    def claim(forged):
        forged.seal["signer"] = b64(STRANGER.signing.public_key)

    writers = [EDITOR.signing_id]
    data = make(
        "here", files=files, at_payload=swap, at_seal=claim, seal_signer=STRANGER, writers=writers
    ).data
    for access in ACCESSES:
        assert_refused_inside(Outcome.NO_ACCESS, data, access)
    expected = Expectations(signers=[EDITOR.signing_id])
    assert outcome_of(examine_bytes, data, expected) is Outcome.UNKNOWN_SIGNER
    # The right signer doing so damages their own container.
    own = make("here", files=files, at_payload=swap).data
    assert_refused_inside(Outcome.PAYLOAD_DAMAGED, own, READER.kem)


def test_key_of_one_container_in_a_slot_of_another(here):
    """Sealed here by somebody who knows both keys: the commitment says that it is the wrong one."""
    there = make(
        "there", at_envelope=lambda f: f.envelope.update(slots=[f.recipient_slot(For(READER), key=here.key)])
    )
    assert_refused_inside(Outcome.ENVELOPE_TAMPERED, there.data, READER.kem, match="another container")
    assert unb64(there.envelope["commitment"]) != unb64(here.envelope["commitment"])
