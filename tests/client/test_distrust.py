import pytest

from client import distrust
from client.distrust import SENTENCES, Distrusted, judging
from keys.errors import MalformedError, Refusal, SignatureError, StatementError


def test_there_is_a_sentence_for_every_refusal():
    assert set(SENTENCES) == set(Refusal)


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_is_named_and_counts_as_a_matter_of_integrity(refusal):
    with pytest.raises(Distrusted) as refused, judging(distrust.RECEIPT):
        raise StatementError(refusal, "because")
    assert refused.value.reason is refusal
    assert refused.value.exit_code == 5
    assert str(refused.value).startswith("the receipt ")
    assert str(refused.value).endswith(f"[{refusal.value}]")


@pytest.mark.parametrize("error", [SignatureError("x"), MalformedError("x")])
def test_what_is_no_statement_is_forged(error):
    with pytest.raises(Distrusted, match=r"\[forged\]") as refused, judging(distrust.GRANT):
        raise error
    assert refused.value.reason is None
