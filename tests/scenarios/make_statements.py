"""Makes a grant on the dossier's key and a receipt: what the service hands out."""

import sys
from pathlib import Path

from client.keyfiles import load_key, read_public_key
from keys.grants import make_grant
from keys.kinds import Receipt
from keys.statements import encode_signed, lasting, momentary, sign_statement

admin_file, dossier_file, grantee_file, seal_id = sys.argv[1:]
admin, dossier = load_key(admin_file, str).signing, load_key(dossier_file, str)
NOW = 1_800_000_000
grant = make_grant(
    dossier.seed,
    dossier="D-42",
    generation=3,
    grantee=read_public_key(grantee_file).kem,
    issuer=admin,
    period=lasting(NOW, 0),
)
Path("D-42.grant").write_bytes(encode_signed(grant))
receipt = Receipt(
    issuer=admin.public_key,
    **momentary(NOW),
    proof="P-1",
    organisation="O-1",
    dossier="D-42",
    evidence_type="aipd",
    seal_id=bytes.fromhex(seal_id),
    envelope_digest=bytes(32),
    generation=1,
    size=1,
    signer=bytes(32),
    actor="editor",
    supersedes=b"",
    journal_position=0,
    journal_leaf=bytes(32),
)
Path("receipt").write_bytes(encode_signed(sign_statement(receipt, admin)))
