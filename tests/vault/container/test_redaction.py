"""No key, password or plaintext in what is shown: repr, str, error texts, tracebacks with their locals."""

import io
import logging
import traceback

import pytest

from keys.derivation import derive_key, password_root
from tests.vault.container.forge import DOSSIER, EDITOR, READER, File, For, Password, forge
from tests.vault.container.reading import examine_bytes, open_bytes, reader_of
from tests.vault.container.spec import b64, canonical
from vault.container.arrival import ArrivalExaminer
from vault.container.cobblestone import MessageReader
from vault.container.manifest import CarriedRecipient
from vault.container.opening import open_container
from vault.container.outcomes import ContainerError, MisuseError
from vault.container.plan import DeclaredFile
from vault.container.rewrap import rewrap
from vault.container.sealing import Sealer, SealRequest
from vault.container.slots import PasswordAccess
from vault.container.steps import run
from vault.container.unlocking import unlock

SECRET_WORDS = "azure-heron-9416"
SECRET_TEXT = b"the plaintext of the evidence"
ACCESS = PasswordAccess("mel", SECRET_WORDS, identity=EDITOR.seed)
FORGED = forge(
    files=[File("plan.txt", SECRET_TEXT)],
    passwords=[Password("mel", SECRET_WORDS, EDITOR.seed)],
    recipients=[For(READER), For(DOSSIER, "dossier", 1)],
)
ROOT = password_root("mel", SECRET_WORDS, FORGED.salt, examine_bytes(FORGED.data).envelope.envelope.kdf.cost)
PAYLOAD_KEY = derive_key(FORGED.key, "scelle/1 payload", FORGED.ctx)
SECRET_BYTES = [FORGED.key, ROOT, PAYLOAD_KEY, EDITOR.seed, READER.seed, SECRET_TEXT]


def assert_silent(text):
    """None of the secrets stands in the text, whole or in part, in any spelling that Python prints."""
    assert SECRET_WORDS not in text
    for secret in SECRET_BYTES:
        # A tell-tale part is enough.
        part = secret[4:16]
        for spelling in (part.hex(), b64(secret)[:16], repr(part)[2:-1], str(list(part))[1:-1]):
            assert spelling not in text


def test_the_check_itself_finds_secrets():
    for text in (SECRET_WORDS, repr(FORGED.key), FORGED.key.hex(), b64(EDITOR.seed), str(list(ROOT))):
        with pytest.raises(AssertionError):
            assert_silent(f"before {text} after")


def shown(thing):
    stream = io.StringIO()
    logger = logging.getLogger("redaction")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.error("%s %r", thing, thing)
    logger.removeHandler(handler)
    return f"{thing!r} {thing} {thing:} {[thing]} {stream.getvalue()}"


def things():
    examined = examine_bytes(FORGED.data)
    unlocked = unlock(examined, ACCESS)
    request = SealRequest("DOS-1", "other", 0, [CarriedRecipient("reader", 0, READER.public)], [ACCESS])
    file_context = b"scelle/1 file\x00" + FORGED.ctx + FORGED.file_id(0)
    sealer = Sealer(request, [DeclaredFile("a", 4)], EDITOR.signing)
    return {
        "examined": examined,
        "unlocked": unlocked,
        "access": ACCESS,
        "request": request,
        "sealer": sealer,
        "opened": open_bytes(FORGED.data, READER.kem),
        "envelope": rewrap(examined, unlocked, EDITOR.signing, passwords=[ACCESS]),
        "examiner": ArrivalExaminer(),
        "reader": MessageReader(PAYLOAD_KEY, file_context, FORGED.wires[0][:56]),
        "private key": READER.kem,
        "signing key": EDITOR.signing,
    }


@pytest.mark.parametrize("name", sorted(things()))
def test_what_is_printed_or_logged(name):
    assert_silent(shown(things()[name]))


def wrong_password():
    unlock(examine_bytes(FORGED.data), PasswordAccess("mel", SECRET_WORDS + "x"))


def form_of_a_password():
    unlock(examine_bytes(FORGED.data), PasswordAccess("mel", SECRET_WORDS + "\ud800"))


def form_of_a_user_name():
    unlock(examine_bytes(FORGED.data), PasswordAccess("not a name", SECRET_WORDS))


def unfit_password():
    access = PasswordAccess("mel", SECRET_WORDS + "x" * 2000)
    Sealer(SealRequest("DOS-1", "other", 0, passwords=[access]), [], EDITOR.signing)


def unfit_identity():
    access = PasswordAccess("mel", SECRET_WORDS, identity=EDITOR.seed + b"x")
    Sealer(SealRequest("DOS-1", "other", 0, passwords=[access]), [], EDITOR.signing)


def spoilt_slot():
    spoilt = forge(
        passwords=[Password("mel", SECRET_WORDS)],
        at_envelope=lambda f: f.envelope["slots"][0].update(wrapped="A" * 64),
    )
    unlock(examine_bytes(spoilt.data), ACCESS)


def other_key():
    def hook(forged):
        forged.envelope["slots"] = [forged.recipient_slot(For(READER), key=FORGED.key[::-1])]

    unlock(examine_bytes(forge(at_envelope=hook).data), READER.kem)


def spoilt_manifest():
    forged = forge(at_manifest=lambda f: f.manifest.update(note=SECRET_WORDS + "x" * 5000))
    open_bytes(forged.data, READER.kem)


def manifest_with_secrets_in_field_names():
    forged = forge(at_manifest=lambda f: f.manifest.update({SECRET_WORDS: SECRET_WORDS}))
    open_bytes(forged.data, READER.kem)


def manifest_that_is_no_json():
    def hook(forged):
        forged.manifest = canonical(forged.manifest) + SECRET_WORDS.encode()

    open_bytes(forge(at_manifest=hook).data, READER.kem)


def unsafe_path():
    open_bytes(forge(files=[File(f"../{SECRET_WORDS}", b"")]).data, READER.kem)


def spoilt_file():
    def hook(forged):
        forged.wires[0] = forged.message("scelle/1 file", SECRET_TEXT[::-1], forged.file_id(0))

    forged = forge(files=[File("a", SECRET_TEXT)], at_wires=hook)
    run(open_bytes(forged.data, READER.kem).read_files(), reader_of(forged.data))


def foreign_key_rewrapped():
    other = examine_bytes(forge(name="other").data)
    rewrap(other, unlock(examine_bytes(FORGED.data), ACCESS), EDITOR.signing)


def opened_with_another_key():
    other = examine_bytes(forge(name="other").data)
    run(open_container(other, unlock(examine_bytes(FORGED.data), ACCESS)), reader_of(FORGED.data))


def too_many_bytes():
    request = SealRequest("DOS-1", "other", 0, [CarriedRecipient("reader", 0, READER.public)])
    Sealer(request, [DeclaredFile("a", 1)], EDITOR.signing).update(SECRET_TEXT)


FAILURES = [
    wrong_password,
    form_of_a_password,
    form_of_a_user_name,
    unfit_password,
    unfit_identity,
    spoilt_slot,
    other_key,
    spoilt_manifest,
    manifest_with_secrets_in_field_names,
    manifest_that_is_no_json,
    unsafe_path,
    spoilt_file,
    foreign_key_rewrapped,
    opened_with_another_key,
    too_many_bytes,
]


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_what_an_error_says(fail):
    """Neither its text nor its traceback."""
    with pytest.raises((ContainerError, MisuseError)) as caught:
        fail()
    # As Python and loggers print it: with the chain, but without what `from None` cuts off.
    lines = traceback.format_exception(caught.value)
    assert len(lines) > 2
    assert_silent("".join(lines))
    assert_silent(f"{caught.value!r} {caught.value.args}")
