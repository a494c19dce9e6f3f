"""Who cleans up after a crash: the command that an operator would type."""

import json

from tests.crash.inspection import Leftovers
from tests.crash.pairs import Site
from tests.crash.processes import Nursery


async def clean(nursery: Nursery, site: Site, left: Leftovers) -> None:
    """Let ``scelle janitor`` remove what is left, the server being stopped; it has to remove just that."""
    done = await nursery.run(site.folder, ["janitor", "--offline", "--json", *site.words], site.variables)
    assert done.code == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["outcome"] == "done"
    removed = (counts["objects"], counts["staged"], counts["drafts"])
    assert removed == (len(left.objects), len(left.staged), len(left.drafts)), left
