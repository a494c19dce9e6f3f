"""Decision records: one number each, and the number is the one that the heading says."""

from __future__ import annotations

from collections import Counter

from tests.docs.format_text import ROOT

RECORDS = sorted((ROOT / "docs/decisions").glob("*.md"))


def test_numbers_are_unique():
    assert len(RECORDS) > 10
    numbers = Counter(path.name[:4] for path in RECORDS)
    assert [number for number, count in numbers.items() if count > 1 or not number.isdecimal()] == []


def test_headings_say_the_number():
    wrong = [path.name for path in RECORDS if not path.read_text().startswith(f"# {path.name[:4]} ")]
    assert wrong == []
