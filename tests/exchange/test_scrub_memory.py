"""A scrub holds a few MiB, whatever there is: the real command's peak, with and without something large."""

import asyncio
import io
import subprocess
import sys

from tests.exchange.scrubbed import MIB

SIZE = 96 * MIB
ALLOWED = 16 * MIB

MEASURED = """
import sys
from client.cli.main import main
code = main()
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(code, int(line.split()[1]) * 1024)
"""


async def peak(world) -> int:
    """Return how many bytes a run had resident at most."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", MEASURED, "scrub", "--data", str(world.folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    code, size = done.stdout.splitlines()[-1].split()
    assert code == "0", done.stdout
    return int(size)


async def test_a_large_object_takes_no_more_memory(world):
    organisation = await world.organisation(quota_bytes=10**12)
    portal = await world.person("portal", organisation=organisation)
    admin = await world.person("admin")
    dossier = await world.dossier(portal, [admin.identity], organisation=organisation)
    editor = await world.depositor(portal, dossier)
    session = await world.session(editor)
    await world.kept(session, dossier, world.seal(editor.signing, dossier))
    small = await peak(world)
    large = world.seal(editor.signing, dossier, content=bytes(SIZE), evidence_type="cgu")
    assert len(large) > SIZE
    await world.kept(session, dossier, io.BytesIO(large))
    assert await peak(world) < small + ALLOWED
