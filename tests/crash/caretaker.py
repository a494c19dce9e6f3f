"""Who cleans up after a crash: the command that an operator would type."""

import json

from tests.crash.pairs import Site
from tests.crash.processes import Nursery


async def clean(nursery: Nursery, site: Site) -> tuple[int, int, int]:
    """Let ``scelle janitor`` clean up, the server being stopped; return objects, staged, drafts removed."""
    done = await nursery.run(site.folder, ["janitor", "--offline", "--json", *site.words], site.variables)
    assert done.code == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["outcome"] == "done"
    return counts["objects"], counts["staged"], counts["drafts"]
