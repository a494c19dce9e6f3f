import pytest

from tests.scenarios.transcripts import FOLDER, agrees, environment, parse, run


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory):
    return tmp_path_factory.mktemp("scenarios")


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
def test_it_goes_as_written(name, bytecode, tmp_path):
    language, steps = parse((FOLDER / f"{name}.txt").read_text())
    home = bytecode / name
    home.mkdir()
    variables = environment(home, language)
    assert steps
    for step in steps:
        shown = run(step, tmp_path, variables)
        agreed = len(shown) == len(step.expected) and all(map(agrees, step.expected, shown))
        assert agreed, f"{name}.txt:{step.number}: $ {step.command}\n" + "\n".join(shown)
