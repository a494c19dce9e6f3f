"""Changing who opens a container on disk: a new envelope, the sealed content byte for byte as it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from client.errors import N_, AccessProblem
from client.exchange.containers import ContainerFile
from client.exchange.targets import AtomicFile
from client.kept import writers
from keys.derivation import key_id
from vault.container.examine import Expectations
from vault.container.rewrap import replace_envelope, rewrap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from keys.signing import SigningKey
    from vault.container.envelope import SignedEnvelope
    from vault.container.examine import Examined
    from vault.container.manifest import CarriedRecipient
    from vault.container.slots import PasswordAccess
    from vault.container.unlocking import Unlocked

    Advance = Callable[[int], None]

_PIECE = 1024 * 1024


def change_accesses(
    container: ContainerFile,
    examined: Examined,
    unlocked: Unlocked,
    writer: SigningKey,
    *,
    remove: Collection[bytes] = (),
    passwords: Sequence[PasswordAccess] = (),
    recipients: Sequence[CarriedRecipient] = (),
    advance: Advance = lambda _count: None,
) -> SignedEnvelope:
    """Write the next envelope in front of the unchanged body, and put the result in the container's place.

    Args:
        container: the file.
        examined: what it is.
        unlocked: its key.
        writer: the seal's signer, or a key that the seal lists or that is known to have followed one.
        remove: ids of accesses that go.
        passwords: password accesses that come.
        recipients: public keys that come.
        advance: called with the number of bytes done since the last call.

    Raises:
        AccessProblem: this writer may not.
        MisuseError: an unknown access, or nobody could open it any more.
        ClientError: the file changed meanwhile.
        OSError: the system refuses.
    """
    seal = examined.seal.seal
    own = key_id(writer.public_key)
    if own not in {seal.signer_key_id, *seal.writers} and own not in writers(examined.seal):
        raise AccessProblem(
            N_(
                "{path}: this key may not change who opens it; only its signer and the keys that the seal "
                "lists may: give --identity or --template"
            ),
            path=container.path,
        )
    envelope = rewrap(
        examined,
        unlocked,
        writer,
        remove=remove,
        passwords=passwords,
        recipients=recipients,
        cost=examined.envelope.envelope.kdf.cost,
        successors=[own],
    )
    with AtomicFile(container.path, force=True, mode=container.mode) as target:
        target.write(replace_envelope(examined, envelope))
        position = examined.preamble.payload_offset
        while piece := container.read_at(position, _PIECE):
            target.write(piece)
            position += len(piece)
            advance(len(piece))
        with ContainerFile(container.path, os.dup(target.file.fileno())) as written:
            written.examine(Expectations(generation=envelope.envelope.generation))
        container.require_unchanged()
        target.commit()
    return envelope
