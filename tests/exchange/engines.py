"""On which engines a module's worlds run: on SQLite and a folder, unless it imports `engine` from here."""

from contextlib import contextmanager
from itertools import count

import pytest

from vault.container.layout import BLOCK

NUMBERS = count(1)
PART = {"embedded": BLOCK, "institution": 5 * BLOCK}
"""How long the parts of uploads are. S3 takes no smaller ones."""


@pytest.fixture(scope="session")
def bucket(seaweed):
    """One for all worlds; each has a prefix of its own."""
    return seaweed.new_bucket()


@pytest.fixture(scope="module", params=["embedded", "institution"])
def engine(request):
    """Both: every test of the module runs twice."""
    return request.param


@contextmanager
def settings_of(request, engine):
    """Give the settings of a service without anything stored: embedded, or on PostgreSQL and S3."""
    if engine == "embedded":
        yield {"upload_part_bytes": PART[engine]}
        return
    postgres, seaweed = request.getfixturevalue("postgres"), request.getfixturevalue("seaweed")
    bucket = request.getfixturevalue("bucket")
    with postgres.lent() as name:
        yield {
            **seaweed.settings(bucket),
            "s3_prefix": f"world-{next(NUMBERS)}",
            "database_url": postgres.url(name),
            "upload_part_bytes": PART[engine],
        }
