"""Reads what the service is deployed with: compose file, the proxy's configuration in it, Dockerfile."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
_TOKEN = re.compile(r"""("[^"]*"|'[^']*')|([{};])|([^\s{};"']+)""")


@cache
def compose():
    """The compose file with its anchors merged."""
    return YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def services():
    return compose()["services"]


def one_shot(service):
    return str(service["restart"]).startswith("on-failure")


class Directive(NamedTuple):
    """One directive of nginx, within the blocks that it stands in."""

    within: tuple[str, ...]
    name: str
    values: tuple[str, ...]


@cache
def proxy():
    """Every directive of the proxy's configuration, as nginx gets it."""
    text = compose()["configs"]["proxy"]["content"].replace("$$", "$")
    found, words, within = [], [], []
    for quoted, mark, word in _TOKEN.findall(re.sub(r"(?m)^\s*#.*$", "", text)):
        if mark == "{":
            within.append(" ".join(words))
        elif mark == "}":
            within.pop()
        elif mark == ";":
            found.append(Directive(tuple(within), words[0], tuple(words[1:])))
        else:
            words.append(quoted[1:-1] or word)
            continue
        words = []
    assert within == []
    return tuple(found)


def directive(name, *within):
    """The values of a directive that stands once directly in that block."""
    (found,) = [one for one in proxy() if one.name == name and one.within == within]
    return found.values


class Instruction(NamedTuple):
    """One line of the Dockerfile: the stage that it belongs to, its word, and the rest."""

    stage: str
    word: str
    rest: str


@cache
def dockerfile():
    """Every instruction, with lines put together, comments left out and build arguments filled in."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"(?m)^\s*#.*\n", "", text).replace("\\\n", " ").splitlines()
    found, stage, arguments = [], "", {}
    for line in filter(None, (line.strip() for line in lines)):
        word, _, rest = line.partition(" ")
        assert word == word.upper(), line
        if word == "ARG" and not stage:
            name, _, value = rest.partition("=")
            arguments[name] = value
        if word == "FROM":
            rest = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], rest)
            stage = rest.split(" AS ")[1]
        found.append(Instruction(stage, word, " ".join(rest.split())))
    return tuple(found)


def instructions(word, stage="runtime"):
    return [one.rest for one in dockerfile() if one.word == word and one.stage == stage]
