"""The documents of sections 8, 9, 10 and 13 of docs/FORMAT.md."""

from __future__ import annotations

from tests.docs.by_the_book import canonical
from tests.docs.by_the_book.canonical import array, either, integer, octets, one_of, record, text

PAYLOAD = 4398046511104


def recipient_slot(*roles):
    return record(
        type=one_of("recipient"),
        id=octets(8),
        role=one_of(*roles),
        key=octets(32),
        generation=integer(),
        wrapped=octets(1713),
    )


PASSWORD_SLOT = record(
    type=one_of("password"),
    id=octets(8),
    commitment=octets(32),
    wrapped=octets(48),
    identity=octets(48, or_none=True),
)
ENVELOPE = record(
    commitment=octets(32),
    generation=integer(1),
    kdf=record(salt=octets(16), memory_kib=integer(), passes=integer(), lanes=integer()),
    slots=array(
        either(password=PASSWORD_SLOT, recipient=recipient_slot("dossier", "reader")), least=1, most=64
    ),
    writer=octets(1984),
)
SEAL = record(
    format=one_of("scelle/1"),
    container=octets(16),
    dossier=text(65536, "[A-Za-z0-9._-]{1,64}"),
    evidence_type=text(65536, "[a-z0-9._-]{1,64}"),
    supersedes=octets(32, or_none=True),
    payload_length=integer(1, PAYLOAD),
    root=octets(32),
    content=octets(32),
    commitment=octets(32),
    sealed_at=integer(),
    signer=octets(1984),
    writers=array(octets(32), most=8),
    recovery=array(recipient_slot("recovery"), most=8),
)
MANIFEST = record(
    created=integer(),
    files=array(
        record(
            path=text(16777216),
            size=integer(0, PAYLOAD),
            sha256=octets(32),
            media_type=text(127),
            modified=integer(),
            id=octets(16),
            offset=integer(0, PAYLOAD),
            length=integer(0, PAYLOAD),
        ),
        most=20000,
    ),
    recipients=array(
        record(role=one_of("dossier", "reader", "recovery"), generation=integer(), public=octets(1665)),
        most=64,
    ),
    note=text(4096),
)

FIELD_ORDERS = {
    frozenset(names): names
    for names in (
        ["type", "id", "commitment", "wrapped", "identity"],
        ["type", "id", "role", "key", "generation", "wrapped"],
        ["salt", "memory_kib", "passes", "lanes"],
        ["commitment", "generation", "kdf", "slots", "writer"],
        [
            "format",
            "container",
            "dossier",
            "evidence_type",
            "supersedes",
            "payload_length",
            "root",
            "content",
            "commitment",
            "sealed_at",
            "signer",
            "writers",
            "recovery",
        ],
        ["path", "size", "sha256", "media_type", "modified", "id", "offset", "length"],
        ["role", "generation", "public"],
        ["created", "files", "recipients", "note"],
    )
}


def decode(data, of, most):
    return canonical.decode(data, of, most, FIELD_ORDERS)
