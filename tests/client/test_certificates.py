"""Certificates as a person holds them: judged by the authority, proven line by line."""

import pytest

from client.certificates import ABOUT, CertificateForged, checked, verify_file, write_file
from client.distrust import Distrusted
from client.errors import ConflictProblem
from keys.statements import Erasure, momentary, sign_statement
from tests.client import sayings as s
from vault.certificates import ERASED_VERSION, LINES, ErasedVersion, LineTree


def line(number):
    return ErasedVersion("p" * 32, number, "aipd", bytes([number]) * 32, bytes(32), bytes(32), 1000, 0)


def erasure(count=2, *, by=s.SERVER, at=s.NOW, **changes):
    """Return the statement and the lines of a certificate."""
    tree = LineTree(ERASED_VERSION)
    lines = [tree.write(line(number)) for number in range(1, count + 1)]
    fields = {
        "organisation": "org",
        "dossier": "D-1",
        "actor": "account:ada",
        "closed": at - 9,
        "versions": tree.count,
        "root": tree.root,
        "grants": 1,
        "templates": 0,
        "journal_position": 7,
        "journal_leaf": bytes(32),
    }
    said = Erasure(by.signing.public_key, **momentary(at), **fields | changes)
    return sign_statement(said, by.signing), lines


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "D-1.certificate")


def test_what_was_written_is_proven(path):
    signed, lines = erasure()
    write_file(path, signed, checked(signed, lines, s.anchor()), force=False)
    taken = []
    said = verify_file(path, s.anchor(), taken.append)
    assert (said.dossier, said.versions) == ("D-1", 2)
    assert taken == [line(1), line(2)]


def test_it_stays_good_when_the_services_habilitation_has_ended(path):
    signed, lines = erasure()
    write_file(path, signed, lines, force=False)
    short = s.habilitation(s.SERVER, "server", at=s.NOW - s.DAY, seconds=2 * s.DAY)
    verify_file(path, s.anchor(at=s.NOW + 9 * s.DAY, habilitation=short), lambda _line: None)
    late, lines = erasure(at=s.NOW + 8 * s.DAY)
    write_file(path, late, lines, force=True)
    with pytest.raises(Distrusted, match="expired"):
        verify_file(path, s.anchor(at=s.NOW + 9 * s.DAY, habilitation=short), lambda _line: None)


@pytest.mark.parametrize("by", [s.STRANGER, s.AUTHORITY])
def test_nobody_but_the_service_says_what_was_erased(path, by):
    signed, lines = erasure(by=by)
    write_file(path, signed, lines, force=False)
    with pytest.raises(Distrusted, match="not_entitled"):
        verify_file(path, s.anchor(), lambda _line: None)


def test_a_statement_that_was_altered_is_forged(path):
    signed, lines = erasure()
    forged = signed._replace(statement=signed.statement.replace(b'"grants":1', b'"grants":2'))
    write_file(path, forged, lines, force=False)
    with pytest.raises(Distrusted, match="forged"):
        verify_file(path, s.anchor(), lambda _line: None)


@pytest.mark.parametrize(
    "change", [lambda lines: lines[:1], lambda lines: [*lines, lines[0]], lambda lines: [lines[1], lines[0]]]
)
def test_what_a_service_gives_beside_its_own_word_is_not_kept(path, tmp_path, change):
    signed, lines = erasure()
    with pytest.raises(CertificateForged, match="forged"):
        write_file(path, signed, checked(signed, change(lines), s.anchor()), force=False)
    assert list(tmp_path.iterdir()) == []


def test_a_statement_of_another_kind_is_no_certificate(path):
    write_file(path, s.mandate(), [], force=False)
    with pytest.raises(Distrusted, match="wrong_kind"):
        verify_file(path, s.anchor(), lambda _line: None)


def test_nothing_is_overwritten_unless_asked_for(path):
    signed, lines = erasure()
    write_file(path, signed, lines, force=False)
    with pytest.raises(ConflictProblem):
        write_file(path, signed, lines, force=False)
    write_file(path, signed, lines, force=True)


def test_every_kind_has_lines():
    assert ABOUT.keys() == LINES.keys()
    for name, about in ABOUT.items():
        assert about.kind._field_defaults["kind"] == name
