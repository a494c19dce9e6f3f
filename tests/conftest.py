import gc
import os

import pytest

from keys import derivation
from tests.engines.postgres import postgres, postgres_database
from tests.engines.seaweed import seaweed
from tests.stretching import RememberingArgon2id

__all__ = ["postgres", "postgres_database", "seaweed"]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """Leave modules and thousands of tests out of the search for garbage: a fifth of the time went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Have one more than there are cores: part of the time is spent waiting for engines that hang."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True, scope="session")
def _passwords_stretched_once():
    """Derive what a password stretches to once: half of the time of the command's own tests went there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(derivation, "Argon2id", RememberingArgon2id)
        yield
