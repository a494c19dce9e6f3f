"""The judge of passwords: what it says is in our catalogue, and nothing of a password is in what it says."""

import ast
import inspect
import subprocess
import sys

import pytest
from zxcvbn import feedback

from client.strength import ADVICE, STRONGEST, judge


def test_all_that_the_judge_may_say_is_to_be_translated():
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(feedback))) if isinstance(node, ast.Call)]
    texts = {node.args[0].value for node in calls if isinstance(node.func, ast.Name) and node.func.id == "_"}
    assert len(texts) > 20
    assert texts == set(ADVICE)


@pytest.mark.parametrize("weak", ["password", "azerty", "aaaaaaaa", "1987", "a.martin"])
def test_weak_ones_get_advice(weak):
    verdict = judge(weak, "a.martin")
    assert verdict.score < 2
    assert verdict.advice


def test_strong_ones_and_those_of_any_length_are_judged():
    assert judge("correct horse battery staple").score == STRONGEST
    assert judge("badokilu-nemavoti-zurepiga-tolemidu").score == STRONGEST
    assert judge("x7#Lq" * 200, "a.martin").advice


def test_a_user_name_is_no_password():
    assert judge("gwenaelle.kerguelen", "gwenaelle.kerguelen").score < judge("gwenaelle.kerguelen").score


def test_nobody_pays_for_its_word_lists_who_chooses_no_password():
    code = "import sys, client.policies, client.strength; print('zxcvbn' in sys.modules)"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert run.stdout.strip() == "False"
