"""The tables of docs/FORMAT.md say what the code does: fields and their order, limits, outcomes, labels."""

from __future__ import annotations

import ast
import re

import pytest

from keys import derivation, keyfile, possession, recipients, rules, signing, statements
from keys.keyfile import Use
from tests.docs import format_text
from tests.docs.format_text import ROOT, plain, table
from vault import certificates, journal
from vault.container import cobblestone, envelope, layout, limits, manifest, seal
from vault.container.outcomes import Outcome
from vault.container.paths import FORBIDDEN_RANGES


def sources(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def strings(path):
    """Yield every string literal of a module that is no docstring, f-strings by their fixed parts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def test_outcomes():
    assert [plain(cell) for cell in table("Outcomes", "outcome").column("outcome")] == [
        outcome.value for outcome in Outcome
    ]


def test_every_outcome_of_the_reading_order_is_one():
    names = {outcome.value for outcome in Outcome}
    told = set()
    for heading in ("Keyless reading", "Opening"):
        for cell in table(heading, "step").column("outcome"):
            told |= set(re.findall(r"\w+", plain(cell)))
    assert told <= names
    # These two come from unlocking and from rules for paths.
    assert names - told == {"no_access"}


def test_steps_are_numbered_through():
    numbers = table("Keyless reading", "step").column("step") + table("Opening", "step").column("step")
    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))


def test_limits():
    told = {plain(row[0]): int(row[1]) for row in table("Limits", "limit").rows}
    assert told == {
        name.lower(): value
        for name, value in vars(limits).items()
        if name.isupper() and isinstance(value, int) and name not in {"KIB", "MIB"}
    }


def test_bounds_of_argon2id():
    told = {plain(row[0]): [int(cell) for cell in row[1:]] for row in table("Keys", "cost").rows}
    default = derivation.DEFAULT_COST
    assert told == {
        "memory_kib": [derivation.MIN_MEMORY_KIB, derivation.MAX_MEMORY_KIB, default.memory_kib],
        "passes": [derivation.MIN_PASSES, derivation.MAX_PASSES, default.passes],
        "lanes": [derivation.MIN_LANES, derivation.MAX_LANES, default.lanes],
    }


def test_code_points():
    told = [
        tuple(int(point.removeprefix("U+"), 16) for point in line.split("–"))
        for line in format_text.fence("text code-points")
    ]
    assert told == list(FORBIDDEN_RANGES)


@pytest.mark.parametrize(
    ("heading", "first", "kind"),
    [
        ("Envelope", "commitment", envelope.Envelope),
        ("Envelope", "salt", envelope.Kdf),
        ("Password slot", "type", envelope.PasswordSlot),
        ("Recipient slot", "type", envelope.RecipientSlot),
        ("Manifest", "created", manifest.Manifest),
        ("Manifest", "path", manifest.FileEntry),
        ("Manifest", "role", manifest.CarriedRecipient),
        ("Seal", "format", seal.Seal),
        ("Form", "statement", statements.Signed),
        ("Signing in", "origin", possession._SignIn),
        ("Possession", "purpose", possession._Possession),
        ("Journal entries", "position", journal.Entry),
        ("Certificates", "proof", certificates.ErasedVersion),
        ("Certificates", "seal_id", certificates.RotatedContainer),
    ],
)
def test_fields_and_their_order(heading, first, kind):
    (found,) = (
        each.column("field")
        for each in format_text.tables()
        if each.heading == heading and each.columns[0] == "field" and plain(each.rows[0][0]) == first
    )
    assert tuple(map(plain, found)) == kind._fields


def test_fields_of_a_secret_key_file():
    assert [plain(cell) for cell in table("Text blocks", "field").column("field")] == list(
        keyfile._SECRET_BLOCK._fields
    )


def test_uses():
    assert [int(cell) for cell in table("Identities", "use").column("use")] == [use.value for use in Use]


def test_lengths_in_the_text():
    for length in (
        signing.SIGNATURE_LENGTH,
        signing.PUBLIC_KEY_LENGTH,
        recipients.PUBLIC_KEY_LENGTH,
        recipients.WRAPPED_LENGTH,
        keyfile.PUBLIC_PART_LENGTH,
        layout.PREAMBLE_LENGTH,
        layout.BLOCK,
        manifest.INDEX_LENGTH,
        cobblestone.CHUNK,
        cobblestone.WIRE_CHUNK,
        cobblestone.HEAD,
        cobblestone.MIN_LENGTH,
        statements.MAX_STATEMENT,
        statements.MAX_CARRIED,
        keyfile.MAX_TEXT,
    ):
        assert re.search(rf"\b{length}\b", format_text.text()), length


def test_names_in_the_text():
    for name in (
        layout.MEDIA_TYPE,
        layout.SUFFIX,
        seal.TEMPLATE,
        seal.DOSSIER_PATTERN,
        seal.EVIDENCE_TYPE_PATTERN,
        layout.MAGIC.hex(" "),
    ):
        assert name in format_text.text(), name


@pytest.mark.parametrize("kind", sorted(statements.KINDS))
def test_fields_of_a_statement(kind):
    common = tuple(
        plain(cell)
        for each in format_text.tables()
        if each.heading == "Form" and plain(each.rows[0][0]) == "kind"
        for cell in each.column("field")
    )
    own = tuple(plain(cell) for cell in table(kind, "field").column("field"))
    assert common + own == tuple(statements.CODECS[statements.KINDS[kind]]._fields)


def test_who_may_say_what():
    told = {plain(row[0]): row[1] for row in table("Who may say what", "kind").rows}
    # A key hands over by itself; no role is needed for it.
    assert told.pop("succession") == "the key that hands over"
    assert told.keys() == {statements_kind(kind) for kind in rules.RULES}
    for kind, rule in rules.RULES.items():
        cell = told[statements_kind(kind)]
        assert ("the authority" in cell) == rule.authority
        roles = set(re.findall(r"habilitated (\w+)", cell))
        assert roles == {*rule.roles, *(["portal"] if rule.portal else [])}


def statements_kind(kind):
    return kind._field_defaults["kind"]


def test_clock_tolerance():
    assert f"at most {statements.CLOCK_TOLERANCE} seconds after" in format_text.text()


def test_longest_journal_entry():
    assert f"canonical JSON of at most {journal.MAX_ENTRY_BYTES} bytes" in format_text.text()


def test_longest_line_of_a_certificate():
    assert f"each of at most\n{certificates.MAX_LINE} bytes" in format_text.text()


def labels_in_code():
    """Return every label and context in the code; a statement's context is made of its kind."""
    found = {f"scelle/1 {kind}" for kind in statements.KINDS}
    for path in sources("keys", "vault", "client"):
        spoken = set(docstrings(path))
        for string in strings(path):
            if string not in spoken and string.startswith("scelle/1"):
                found.add(string.rstrip("\0"))
    return found - {"scelle/1 "}


def test_every_label_of_the_code_is_in_the_table():
    told = {
        plain(cell).strip('"')
        for cell in table("Labels and contexts", "label or context").rows
        for cell in cell[:1]
    }
    assert labels_in_code() == told


def test_code_refers_to_headings_that_exist():
    headings = set(format_text.headings())
    referred = {
        name
        for path in sources("keys", "vault", "client")
        for passage in re.findall(
            r'docs/FORMAT\.md,\s+((?:"[^"]+"(?: and )?)+)', path.read_text(encoding="utf-8")
        )
        for name in re.findall(r'"([^"]+)"', passage)
    }
    assert len(referred) > 10
    assert referred <= headings
