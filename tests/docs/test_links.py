"""Relative links in the project's Markdown lead to files and headings that exist; so do named paths."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import pytest

from tests.docs.format_text import ROOT, _outside_fences

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:docs|tests|keys|vault|client|benchmarks|examples)/[\w./-]*)`")


def documents():
    """Return all Markdown files that belong to the project: tracked ones, or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],  # noqa: S607 - git by name
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        # No repository here: an unpacked source archive.
        return sorted(
            path for path in ROOT.rglob("*.md") if not path.relative_to(ROOT).parts[0].startswith(".")
        )
    return sorted(ROOT / name for name in listed.stdout.decode().split("\0") if name)


@cache
def anchors(path):
    """Return the anchors that a renderer gives to the headings."""
    found = set()
    for line in _outside_fences(path.read_text(encoding="utf-8")):
        if match := re.fullmatch(r"#+ (.+)", line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", "")
            found.add(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return found


DOCUMENTS = documents()


def test_there_are_documents():
    names = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS}
    assert {"docs/FORMAT.md", "docs/THREAT_MODEL.md", "SECURITY.md", "CONTRIBUTING.md"} <= names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document):
    wrong = []
    for line in _outside_fences(document.read_text(encoding="utf-8")):
        for link in _LINK.findall(line):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (document.parent / name).resolve() if name else document
            if not target.exists() or (anchor and anchor not in anchors(target)):
                wrong.append(link)
    assert not wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_named_paths_exist(document):
    named = _PATH.findall("\n".join(_outside_fences(document.read_text(encoding="utf-8"))))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_anchors_follow_the_headings(tmp_path):
    (tmp_path / "a.md").write_text("# 2. Canonical JSON\n## A.8 `Padding`, twice\n```\n# no\n```\n")
    assert anchors(tmp_path / "a.md") == {"2-canonical-json", "a8-padding-twice"}
