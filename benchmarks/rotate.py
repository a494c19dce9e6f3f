"""Rotating a dossier's key against re-encrypting what it holds: time, bytes, and how it grows.

    python -m benchmarks.rotate [--containers N] [--pairs N] [--size KIB]

One service holds a tenth of the containers, another all of them, each with one dossier. A round gives each
dossier its next key, has the client wrap as many envelopes of each as the small one holds, through the
service as ``scelle rotate dossier`` does it, and re-encrypts as many containers: each is fetched, opened,
sealed anew with the same files and sent in the place of the one before. Rounds come after each other until
every container of the large dossier was wrapped, so each line is of interleaved pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import rig
from client.dossiers import KnownDossier
from client.remote.granting import fetch_grants
from client.remote.pages import every
from client.remote.rewrapping import AT_ONCE, Hands, rewrap_all
from client.remote.rotating import end, give_next_key, plan
from client.remote.service import Service
from client.remote.signin import sign_in
from client.remote.transport import Transport
from client.remote.trust import learn
from client.remote.uploading import upload_bytes
from client.trust import Anchor
from tests.exchange.acts_on_dossiers import COST
from vault.api.models.evidence import EvidenceQuery
from vault.container.examine import examine
from vault.container.manifest import CarriedRecipient
from vault.container.opening import open_container
from vault.container.plan import declare_again
from vault.container.sealing import Sealer, SealRequest
from vault.container.steps import Plaintext, Read, run
from vault.container.unlocking import unlock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Sequence

    from benchmarks.rig import Place, Server
    from keys.statements import DossierKey
    from keys.unwrapping import DecapsulationKey
    from vault.api.models.evidence import Version

KIB = 1024


class _EnoughError(Exception):
    """As many were wrapped as the round is about: a rotation may stop anywhere, and goes on."""


class _Counted(Service):
    """Counts what wrapping moves: envelopes with their seals one way, envelopes the other."""

    moved = 0

    async def list_outdated(self, *args: Any, **options: Any) -> Any:
        page = await super().list_outdated(*args, **options)
        self.moved += sum(len(item.head) + len(item.seal) for item in page.items)
        return page

    async def rewrite_envelope(self, evidence: str, number: int, upload: Any, **options: Any) -> Any:
        self.moved += upload.length
        return await super().rewrite_envelope(evidence, number, upload, **options)


class Held(NamedTuple):
    """A dossier with containers in it, at a service of its own.

    Attributes:
        server: the service.
        place: its people.
        service: the admin's connection.
        editor: the connection of whoever deposited.
        anchor: whom to trust there.
    """

    server: Server
    place: Place
    service: _Counted
    editor: Service
    anchor: Anchor


class Taken(NamedTuple):
    """Seconds and bytes for each container."""

    seconds: float
    moved: float


def main() -> None:
    """Print all findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--containers", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=10, help="rounds; the small dossier holds a share")
    parser.add_argument("--size", type=int, default=256, help="of each container, in KiB")
    asked = parser.parse_args()
    share = asked.containers // asked.pairs
    if share % AT_ONCE or share < AT_ONCE:
        parser.error(f"each round has to be about a multiple of {AT_ONCE} containers")
    folder = Path(tempfile.mkdtemp(prefix="scelle-bench-"))
    for name in ("a", "b"):
        (folder / name).mkdir()
    try:
        with (
            rig.serving(folder / "small", {}) as small,
            rig.serving(folder / "large", {}) as large,
        ):
            asyncio.run(_run(folder, (small, large), asked.size * KIB, share, asked.pairs))
    finally:
        shutil.rmtree(folder)


async def _run(folder: Path, servers: Sequence[Server], size: int, share: int, pairs: int) -> None:
    async with (
        _held(folder / "a", servers[0], size, share) as small,
        _held(folder / "b", servers[1], size, share * pairs) as large,
    ):
        await _compare(small, large, share, pairs)


async def _compare(small: Held, large: Held, share: int, pairs: int) -> None:
    rounds = []
    page = partial(large.editor.list_evidence, large.place.dossier.id)
    listed = [item async for item in every(page, EvidenceQuery(limit=200))]
    await _next_key(large)
    for number in range(pairs):
        await _next_key(small)
        some = listed[number * share : (number + 1) * share]
        rounds.append((await _wrap(small, share), await _wrap(large, share), await _reencrypt(large, some)))
        await _end(small)
        few, many, peer = rounds[-1]
        print(
            f"round {number + 1}: {share / many.seconds:.0f} envelopes a second of many, "
            f"{share / few.seconds:.0f} of few, {share / peer.seconds:.0f} containers re-encrypted",
            flush=True,
        )
    await _end(large)
    total = share * pairs
    _line(f"wrapping {total} against re-encrypting, time", [m.seconds / p.seconds for _, m, p in rounds])
    _line("the same, bytes over the line", [m.moved / p.moved for _, m, p in rounds])
    _line(f"an envelope of {total} against one of {share}", [m.seconds / f.seconds for f, m, _ in rounds])
    moved = statistics.median(many.moved for _, many, _ in rounds)
    print(f"{moved / share / KIB:.1f} KiB for each envelope, one way and back; contents untouched")


def _line(name: str, ratios: Sequence[float]) -> None:
    print(f"{name:48} {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})", flush=True)


@asynccontextmanager
async def _held(folder: Path, server: Server, size: int, number: int) -> AsyncIterator[Held]:
    """Have ``number`` containers deposited, each sealed in a file in ``folder`` that is then removed."""
    place = await rig.prepare(server)

    def seal_and_deposit(which: int) -> None:
        path = rig.seal(folder / f"{which}", size, place)
        rig.deposit(server, place, path)
        path.unlink()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _done in pool.map(seal_and_deposit, range(number)):
            pass
    print(f"{number} containers are there", flush=True)
    async with (
        Transport(server.url, token=place.admin.token) as admin,
        Transport(server.url) as editor,
    ):
        service, own = _Counted(admin), Service(editor)
        await sign_in(own, place.editor)
        yield Held(server, place, service, own, Anchor(await learn(service)))


# --- wrapping --------------------------------------------------------------------------------------------


async def _next_key(held: Held) -> None:
    dossier = held.place.dossier.id
    planned = await plan(held.service, held.anchor, dossier)
    await give_next_key(held.service, held.anchor, dossier, planned, held.place.admin.identity)


async def _wrap(held: Held, share: int) -> Taken:
    """Wrap ``share`` envelopes as the command does."""
    done, dossier, before = 0, held.place.dossier.id, held.service.moved

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if done >= share:
            raise _EnoughError

    hands = Hands(held.place.admin.identity, held.place.authority.signing)
    start = time.perf_counter()
    known = KnownDossier(held.anchor, await fetch_grants(held.service, dossier))
    with suppress(_EnoughError):
        await rewrap_all(held.service, known, dossier, hands, advance=advance)
    return Taken(time.perf_counter() - start, held.service.moved - before)


async def _end(held: Held) -> None:
    """End the older keys, which the service refuses while one envelope is sealed to them."""
    dossier = held.place.dossier.id
    await end(held.service, dossier, (await held.service.get_rotation(dossier)).generation)


# --- re-encrypting ---------------------------------------------------------------------------------------


async def _reencrypt(held: Held, versions: Sequence[Version]) -> Taken:
    """Fetch containers, seal them anew and send them, as many at a time as envelopes are wrapped."""
    await sign_in(held.editor, held.place.editor)
    known = KnownDossier(held.anchor, await fetch_grants(held.service, held.place.dossier.id))
    keys = [key.decapsulation for key in known.opened_by(held.place.admin.identity).values()]
    current = known.current_key()
    moved, waiting = 0, iter(versions)

    async def work() -> None:
        nonlocal moved
        for version in waiting:
            async with held.editor.fetch_container(version.evidence, version.number) as stream:
                container = b"".join([chunk async for chunk in stream.chunks()])
            sealed = await asyncio.to_thread(_seal_anew, container, keys, held.place, current)
            await held.editor.replace_evidence(
                version.evidence, upload_bytes(sealed), if_match=version.seal_id
            )
            moved += len(container) + len(sealed)

    start = time.perf_counter()
    await asyncio.gather(*(work() for _worker in range(AT_ONCE)))
    return Taken(time.perf_counter() - start, moved)


def _seal_anew(
    container: bytes, keys: Sequence[DecapsulationKey], place: Place, current: DossierKey
) -> bytes:
    """Return a new container with the same files, for the dossier's current key."""

    def read_at(offset: int, length: int) -> bytes:
        return container[offset : offset + length]

    examined = run(examine(len(container)), read_at)
    slots = {slot.key for slot in examined.envelope.envelope.recipient_slots}
    key = next(key for key in keys if key.key_id in slots)
    opened = run(open_container(examined, unlock(examined, key)), read_at)
    seal, out = examined.seal.seal, io.BytesIO()
    request = SealRequest(
        dossier=seal.dossier,
        evidence_type=seal.evidence_type,
        sealed_at=seal.sealed_at,
        recipients=(
            CarriedRecipient("dossier", current.generation, current.public_key),
            *(recipient for recipient in place.recipients if recipient.role == "recovery"),
        ),
        writers=seal.writers,
        supersedes=examined.seal.seal_id,
        cost=COST,
    )
    files = opened.manifest.files
    with Sealer(request, declare_again(files), place.editor.signing) as sealer:
        out.write(sealer.header)
        for entry, file in zip(sealer.files, files, strict=True):
            assert entry.id == file.id
            for piece in _plaintext(opened.read_files([file]), read_at):
                out.write(sealer.update(piece))
            out.write(sealer.end_file())
        for part in sealer.finalize():
            out.write(part)
        assert sealer.seal.seal.content == seal.content
    return out.getvalue()


def _plaintext(steps: Generator[Any, Any, None], read_at: Any) -> Generator[bytes, None, None]:
    answer: bytes | None = None
    with suppress(StopIteration):
        while True:
            event = steps.send(answer)
            answer = None
            if isinstance(event, Read):
                answer = read_at(event.offset, event.length)
            elif isinstance(event, Plaintext):
                yield bytes(event.data)


if __name__ == "__main__":
    main()
