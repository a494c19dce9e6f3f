"""Sealing a container anew with the same files: another id, another key, the same content.

Plaintext goes from the one to the other in memory only; what stands on disk is encrypted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.exchange.resealing import OldFiles
from client.exchange.sealing import Sealed, check_written
from client.exchange.targets import AtomicFile
from keys.derivation import key_id
from vault.container.plan import declare_again
from vault.container.sealing import Sealer, SealRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from client.exchange.opening import OpenContainer
    from keys.signing import SigningKey
    from vault.container.manifest import CarriedRecipient

    Advance = Callable[[int], None]


class Accesses(NamedTuple):
    """Who opened a container beside the holders of dossier and recovery key, and who can again.

    Attributes:
        kept: readers whose public keys the container carries.
        passwords: accesses by password; nobody else can make them anew.
        lost: readers that came later, or whose keys the container does not carry.
    """

    kept: tuple[CarriedRecipient, ...]
    passwords: int
    lost: int


def accesses_of(container: OpenContainer, removed: Collection[bytes]) -> Accesses:
    """Return who of a container's accesses can be carried over.

    Args:
        container: opened.
        removed: key ids of those who shall not have it any more.
    """
    envelope = container.examined.envelope.envelope
    there = {slot.key for slot in envelope.recipient_slots if slot.role == "reader"} - set(removed)
    kept = {
        key_id(reader.public): reader
        for reader in container.opened.manifest.recipients
        if reader.role == "reader" and key_id(reader.public) in there
    }
    return Accesses(tuple(kept.values()), len(envelope.password_slots), len(there - kept.keys()))


def seal_again(
    container: OpenContainer,
    output: str,
    signer: SigningKey,
    *,
    sealed_at: int,
    recipients: Sequence[CarriedRecipient],
    writers: Sequence[bytes],
    advance: Advance = lambda _count: None,
) -> Sealed:
    """Seal the files of a container into another one, which supersedes it.

    Args:
        container: the one before, opened; each file is proven whole as it is read.
        output: where the new one goes; it appears only when it is whole and checked.
        signer: who seals.
        sealed_at: UTC seconds.
        recipients: who may open it.
        writers: key ids that may write its envelopes.
        advance: called with the number of plaintext bytes done since the last call.

    Raises:
        RefusedContainer: the one before is damaged.
        ClientError: the disk gives back something else than what was sealed.
        MisuseError: no reader would accept such a container.
        OSError: the system refuses.
    """
    old, manifest = container.examined.seal, container.opened.manifest
    request = SealRequest(
        dossier=old.seal.dossier,
        evidence_type=old.seal.evidence_type,
        sealed_at=sealed_at,
        recipients=recipients,
        writers=writers,
        supersedes=old.seal_id,
        note=manifest.note,
    )
    files = list(manifest.files)
    by_path = {file.path: file for file in files}
    with (
        Sealer(request, declare_again(files), signer) as sealer,
        AtomicFile(output, force=True) as target,
        OldFiles(container, files) as contents,
    ):
        target.write(sealer.header)
        for entry in sealer.files:
            for piece in contents.read(by_path[entry.path]):
                target.write(sealer.update(bytes(piece)))
                advance(len(piece))
            target.write(sealer.end_file())
        for part in sealer.finalize():
            target.write(part)
        check_written(target, sealer)
        assert sealer.seal.seal.content == old.seal.content, "the same files have the same content"
        target.commit()
        return Sealed(sealer.seal, sealer.sealed_files, sealer.length)
