"""Certificates of rotations as a person holds them: one line that is not as signed, and nothing is proven."""

import pytest

from client.certificates import CertificateForged, checked, verify_file, write_file
from client.distrust import Distrusted
from keys.statements import Rotation, momentary, sign_statement
from tests.client import sayings as s
from vault.certificates import ROTATED_CONTAINER, LineTree, RotatedContainer

RECOVERY = b"r" * 32
ENDED = (bytes([2]) * 32, bytes([1]) * 32)


def container(number, **changes):
    made = RotatedContainer(
        seal_id=bytes([number]) * 32,
        proof=f"p-{number}",
        evidence_type="aipd",
        envelope=bytes([number + 100]) * 32,
        generation=2,
        key=3,
        recovery=(RECOVERY,),
    )
    return made._replace(**changes)


def rotation(containers, *, by=s.SERVER, **changes):
    """Return the statement and the lines of a certificate about such containers."""
    tree = LineTree(ROTATED_CONTAINER)
    lines = [tree.write(one) for one in containers]
    fields = {
        "organisation": "org",
        "dossier": "D-1",
        "actor": "account:ada",
        "ended": 2,
        "keys": ENDED,
        "generation": 3,
        "key": bytes([3]) * 32,
        "containers": tree.count,
        "root": tree.root,
        "journal_position": 7,
        "journal_leaf": bytes(32),
    }
    said = Rotation(by.signing.public_key, **momentary(s.NOW), **fields | changes)
    return sign_statement(said, by.signing), lines


FIVE = [container(number) for number in range(1, 6)]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "D-1.certificate")


def judge(path, signed, lines):
    """Judge a file with such a statement and such lines; return the statement and what was taken."""
    write_file(path, signed, lines, force=True)
    taken = []
    return verify_file(path, s.anchor(), taken.append), taken


def test_what_was_written_is_proven(path):
    signed, lines = rotation(FIVE)
    said, taken = judge(path, signed, checked(signed, lines, s.anchor()))
    assert (said.dossier, said.containers, said.keys) == ("D-1", 5, ENDED)
    assert taken == FIVE


def test_a_dossier_that_held_nothing_has_a_certificate_too(path):
    said, taken = judge(path, *rotation([]))
    assert (said.containers, taken) == (0, [])


FORGERIES = {
    "one missing": lambda lines: lines[:2] + lines[3:],
    "the first missing": lambda lines: lines[1:],
    "the last missing": lambda lines: lines[:-1],
    "all missing": lambda _lines: [],
    "one doubled": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "one in the place of another": lambda lines: [*lines[:2], lines[1], *lines[3:]],
    "two in other places": lambda lines: [lines[1], lines[0], *lines[2:]],
    "one added": lambda lines: [*lines, LineTree(ROTATED_CONTAINER).write(container(6))],
    "another envelope": lambda lines: [
        *lines[:4],
        LineTree(ROTATED_CONTAINER).write(container(5, envelope=bytes(32))),
    ],
    "another seal": lambda lines: [
        *lines[:4],
        LineTree(ROTATED_CONTAINER).write(container(5, seal_id=b"z" * 32)),
    ],
    "another recovery key": lambda lines: [
        LineTree(ROTATED_CONTAINER).write(container(1, recovery=())),
        *lines[1:],
    ],
    "a space": lambda lines: [lines[0] + b" ", *lines[1:]],
    "an empty line": lambda lines: [*lines, b""],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_one_line_that_is_not_as_signed_and_nothing_is_proven(path, forgery):
    signed, lines = rotation(FIVE)
    forged = FORGERIES[forgery](lines)
    assert forged != lines
    with pytest.raises(CertificateForged, match="forged"):
        judge(path, signed, forged)
    with pytest.raises(CertificateForged, match="forged"):
        list(checked(signed, forged, s.anchor()))


def test_every_byte_of_every_line_counts(path):
    signed, lines = rotation(FIVE[:2])
    for number, line in enumerate(lines):
        for at in range(len(line)):
            forged = [*lines]
            forged[number] = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
            with pytest.raises(CertificateForged):
                judge(path, signed, forged)


@pytest.mark.parametrize(
    ("containers", "reason"),
    [
        ([container(1), container(1)], "ascend"),
        ([container(2), container(1)], "ascend"),
        ([container(1, key=2)], "sealed to key 2"),
        ([container(1, key=4)], "sealed to key 4"),
        ([container(1, recovery=(RECOVERY, ENDED[1]))], "a key that has ended"),
    ],
)
def test_a_service_that_signs_what_contradicts_itself_proves_nothing(path, containers, reason):
    with pytest.raises(CertificateForged, match=reason):
        judge(path, *rotation(containers))


@pytest.mark.parametrize("by", [s.STRANGER, s.AUTHORITY])
def test_nobody_but_the_service_says_what_it_holds(path, by):
    with pytest.raises(Distrusted, match="not_entitled"):
        judge(path, *rotation(FIVE, by=by))


def test_the_lines_of_an_erasure_are_none_of_a_rotation(path):
    signed, _ = rotation(FIVE)
    with pytest.raises(CertificateForged, match="line 2"):
        judge(path, signed, [b'{"proof":"p"}'])
