import functools

import hypothesis
import pytest

import keys.derivation

# A machine under load is slow; that is no finding.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


@pytest.fixture(scope="session", autouse=True)
def cached_argon2():
    """Stretch each password once for each salt and cost: Argon2id itself is tested in tests/keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys.derivation, "stretch_password", functools.cache(keys.derivation.stretch_password))
        yield
