import gc

import pytest

from tests.engines.postgres import postgres, postgres_database
from tests.engines.seaweed import seaweed

__all__ = ["postgres", "postgres_database", "seaweed"]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """Leave modules and thousands of tests out of the search for garbage: a fifth of the time went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
