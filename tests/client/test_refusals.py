import pytest

from client.refusals import SENTENCES, RefusedContainer, refusing
from vault.container.outcomes import ContainerError, Outcome


def test_every_outcome_has_a_sentence_that_names_the_file_the_outcome_and_what_to_do():
    assert set(SENTENCES) == set(Outcome)
    for outcome, sentence in SENTENCES.items():
        assert sentence.startswith("{path}: ")
        assert sentence.endswith(f"[{outcome.value}]")
        assert not sentence.rstrip("]").endswith(".")
        assert sum(mark in sentence for mark in ("get ", "ask ", "update", "fetch", "check", "tell"))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_no_access_is_not_a_matter_of_integrity(outcome):
    with pytest.raises(RefusedContainer) as caught, refusing("x.scelle"):
        raise ContainerError(outcome, "a detail")
    error = caught.value
    assert error.exit_code == (3 if outcome is Outcome.NO_ACCESS else 5)
    assert (error.outcome, error.detail) == (outcome, "a detail")
    assert "x.scelle" in str(error)
    assert "a detail" not in str(error)
