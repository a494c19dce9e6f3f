"""A container sealed anew with the files of another one, as whoever re-encrypts does it."""

from tests.exchange.acts_on_dossiers import COST, examine_whole, seal_files
from vault.container.opening import open_container
from vault.container.plan import declare_again
from vault.container.sealing import Sealer, SealRequest
from vault.container.steps import Plaintext, Read, run
from vault.container.unlocking import unlock


def seal_again(container, key, signer, recipients, *, writers=None, fresh=False, **options) -> bytes:
    """Return a container with the same files.

    Args:
        container: the one before.
        key: what opens it, a KEM private key.
        signer: the signing key of whoever seals.
        recipients: who may open it.
        writers: who may write its envelopes; those of the one before.
        fresh: whether the files get ids of their own, so that nobody can tell that they are the same.
        options: what the request says otherwise.
    """
    examined = examine_whole(container)
    old = examined.seal.seal

    def read_at(offset, length):
        return container[offset : offset + length]

    opened = run(open_container(examined, unlock(examined, key)), read_at)
    contents: dict[str, bytes] = {}
    for file in opened.manifest.files:
        contents[file.path] = b"".join(_plaintext(opened.read_files([file]), read_at))
    request = SealRequest(
        **{
            "dossier": old.dossier,
            "evidence_type": old.evidence_type,
            "sealed_at": old.sealed_at,
            "recipients": recipients,
            "writers": old.writers if writers is None else writers,
            "supersedes": examined.seal.seal_id,
            "cost": COST,
        }
        | options
    )
    if fresh:
        return seal_files(request, contents.items(), signer)
    parts = []
    with Sealer(request, declare_again(opened.manifest.files), signer) as sealer:
        parts.append(sealer.header)
        for entry in sealer.files:
            parts += [bytes(sealer.update(contents[entry.path])), sealer.end_file()]
        return b"".join((*parts, *map(bytes, sealer.finalize())))


def _plaintext(steps, read_at):
    answer = None
    try:
        while True:
            event = steps.send(answer)
            answer = read_at(event.offset, event.length) if isinstance(event, Read) else None
            if isinstance(event, Plaintext):
                yield bytes(event.data)
    except StopIteration:
        return
