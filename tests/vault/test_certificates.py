"""Certificates: every line counts, and no forged, missing, added or moved one passes."""

import json

import pytest

from keys.errors import KeyMaterialError, MalformedError
from keys.forms import KINDS
from keys.statements import MAX_CARRIED, Erasure
from tests.keys.people import say
from vault.certificates import (
    ERASED_VERSION,
    LINES,
    MAX_LINE,
    CertificateError,
    ErasedVersion,
    LineTree,
    read_statement,
    split_certificate,
    write_certificate,
)
from vault.merkle import leaf_hash, root_of


def line(number):
    return ErasedVersion(
        proof="p" * 32,
        number=number,
        evidence_type="aipd",
        seal_id=bytes([number]) * 32,
        root=bytes([number + 1]) * 32,
        envelope=bytes([number + 2]) * 32,
        size=number * 1000,
        held=0,
    )


def made(count):
    """Return the lines and the tree over them."""
    tree = LineTree(ERASED_VERSION)
    return [tree.write(line(number)) for number in range(1, count + 1)], tree


def judge(lines, tree):
    """Read lines as somebody who has only the statement about them."""
    again = LineTree(ERASED_VERSION)
    found = [again.read(each) for each in lines]
    again.require(count=tree.count, root=tree.root)
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_what_is_written_is_read(count):
    lines, tree = made(count)
    assert tree.count == count
    assert tree.root == root_of(map(leaf_hash, lines))
    assert judge(lines, tree) == [line(number) for number in range(1, count + 1)]


def test_the_fields_of_a_line():
    (data,), _ = made(1)
    assert list(json.loads(data)) == list(ErasedVersion._fields)


def test_a_lost_seal_has_no_root():
    tree = LineTree(ERASED_VERSION)
    data = tree.write(line(1)._replace(root=b""))
    assert judge([data], tree)[0].root == b""


FORGERIES = {
    "one missing": lambda lines: lines[:2] + lines[3:],
    "the last missing": lambda lines: lines[:-1],
    "all missing": lambda _lines: [],
    "one added": lambda lines: [*lines, made(6)[0][5]],
    "one twice": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "two moved": lambda lines: [lines[1], lines[0], *lines[2:]],
    "one forged": lambda lines: [*lines[:4], lines[4].replace(b'"size":5000', b'"size":5001')],
    "one held for longer": lambda lines: [lines[0].replace(b'"held":0', b'"held":9'), *lines[1:]],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_certificate_with_another_line_is_refused(forgery):
    lines, tree = made(5)
    forged = FORGERIES[forgery](lines)
    assert forged != lines
    with pytest.raises(CertificateError, match=r"lines about 5 things|not those that were signed"):
        judge(forged, tree)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        made(1)[0][0] + b" ",
        made(1)[0][0].replace(b'"number":1', b'"number":0'),
        made(1)[0][0].replace(b'"aipd"', b'"AIPD"'),
        b'{"proof":"' + b"p" * MAX_LINE + b'"}',
    ],
)
def test_what_is_no_line_is_named_by_its_place(data):
    lines, _ = made(2)
    tree = LineTree(ERASED_VERSION)
    tree.read(lines[0])
    with pytest.raises(CertificateError, match="line 3: "):
        tree.read(data)


@pytest.mark.parametrize(
    "changes", [{"proof": ""}, {"number": 0}, {"seal_id": b""}, {"size": 0}, {"held": -1}]
)
def test_what_may_not_stand_in_a_line_is_not_written(changes):
    with pytest.raises(MalformedError):
        LineTree(ERASED_VERSION).write(line(1)._replace(**changes))


@pytest.mark.parametrize("step", [1, 100, 10**6])
def test_a_certificate_is_split_wherever_it_is_cut(step):
    lines, _ = made(3)
    signed = say(Erasure, versions=3)
    text = b"".join(write_certificate(signed, lines))
    first, *others = split_certificate(text[at : at + step] for at in range(0, len(text), step))
    assert read_statement(first) == signed
    assert others == lines


def test_a_certificate_that_was_cut_off_is_refused():
    text = b"".join(write_certificate(say(Erasure), made(2)[0]))
    with pytest.raises(CertificateError, match="does not end"):
        list(split_certificate([text[:-1]]))


def test_a_line_without_end_takes_no_memory():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield b"x" * 10_000

    with pytest.raises(CertificateError, match="longer"):
        list(split_certificate(endless()))
    assert len(taken) == MAX_CARRIED // 10_000 + 1


@pytest.mark.parametrize("data", [b"", b"{}", b"no json", b'{"statement":"","signature":""}'])
def test_a_first_line_without_statement_is_refused(data):
    with pytest.raises(CertificateError, match="line 1: "):
        read_statement(data)


def test_every_kind_of_certificate_is_a_kind_of_statement():
    assert set(LINES) <= set(KINDS)
    with pytest.raises(KeyMaterialError):
        LineTree(LINES["erasure"]).write(line(1)._replace(root=b"x"))
