"""Makes ``dossier.scelle``, the template of an editor: what a portal does when it opens a dossier."""

import sys
from pathlib import Path

from client.exchange.sealing import gather, seal_files
from client.keyfiles import read_public_key, read_recipient
from keys.keyfile import Use
from keys.keyring import Identity
from vault.container.sealing import SealRequest
from vault.container.slots import PasswordAccess

admin, dossier, recovery = sys.argv[1:]
editor = Identity.generate(Use.PERSON)
password = Path("password").read_text().strip()
request = SealRequest(
    dossier="D-42",
    evidence_type="template",
    sealed_at=1_800_000_000,
    recipients=(),
    carried=(read_recipient(dossier, generation=3), read_recipient(recovery)),
    passwords=(PasswordAccess("editor", password, identity=editor.seed),),
    writers=(read_public_key(admin).signing_key_id,),
)
seal_files(gather([], "other"), "dossier.scelle", request, editor.signing)
