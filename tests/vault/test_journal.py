import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import LimitError, MalformedError
from vault.journal import (
    MAX_ENTRY_BYTES,
    Action,
    Actor,
    Checkpoint,
    Detail,
    Entry,
    Fact,
    JournalError,
    JournalVerifier,
    Subject,
    decode_entry,
    details_of,
    encode_entry,
    verify_entries,
)
from vault.merkle import EMPTY_ROOT, leaf_hash, root_of


def entry(position=0, **changes) -> Entry:
    fields = {
        "position": position,
        "time": 1_800_000_000,
        "actor": Actor("account", "a1"),
        "action": Action.EVIDENCE_DEPOSITED.value,
        "subjects": (Subject("dossier", "MES-1"), Subject("evidence", "e1")),
        "details": details_of({Fact.SIZE: 10, Fact.SEAL: bytes(32), Fact.EVIDENCE_TYPE: "aipd"}),
        "request": "r1",
    }
    return Entry(**fields | changes)


def journal(size: int) -> list[bytes]:
    return [encode_entry(entry(position)) for position in range(size)]


def checkpoint(entries: list[bytes]) -> Checkpoint:
    return Checkpoint(len(entries), root_of(leaf_hash(data) for data in entries))


def test_an_entry_is_one_line_of_canonical_json() -> None:
    assert encode_entry(entry()).decode() == (
        '{"position":0,"time":1800000000,"actor":{"kind":"account","id":"a1"},"action":"evidence.deposited",'
        '"subjects":[{"kind":"dossier","id":"MES-1"},{"kind":"evidence","id":"e1"}],'
        '"details":[{"name":"evidence_type","value":"aipd"},'
        '{"name":"seal","value":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},'
        '{"name":"size","value":"10"}],"request":"r1"}'
    )
    assert decode_entry(encode_entry(entry())) == entry()


def test_code_words_of_a_later_version_are_read() -> None:
    later = entry(action="planet.colonised", details=(Detail("altitude", "7"),))
    assert decode_entry(encode_entry(later)) == later


@pytest.mark.parametrize("text", ["plan secret.pdf", "dir/file", "é", "a\tb", "a\\b", '"', "x" * 129])
@pytest.mark.parametrize("place", ["actor", "subject", "detail", "request"])
def test_free_text_has_no_place_in_an_entry(text, place) -> None:
    changes = {
        "actor": {"actor": Actor("account", text)},
        "subject": {"subjects": (Subject("evidence", text),)},
        "detail": {"details": (Detail("reason", text),)},
        "request": {"request": text},
    }
    with pytest.raises((MalformedError, LimitError)):
        encode_entry(entry(**changes[place]))


@pytest.mark.parametrize(
    "details",
    [
        (Detail("size", "1"), Detail("seal", "2")),
        (Detail("size", "1"), Detail("size", "2")),
    ],
)
def test_details_are_sorted_and_named_once(details) -> None:
    with pytest.raises(MalformedError):
        encode_entry(entry(details=details))
    data = encode_entry(entry(details=())).replace(
        b'"details":[]',
        b'"details":' + json.dumps([d._asdict() for d in details], separators=(",", ":")).encode(),
    )
    with pytest.raises(MalformedError):
        decode_entry(data)


def test_every_code_word_that_is_written_can_be_written() -> None:
    for action in Action:
        encode_entry(entry(action=action.value))
    # No entry has all of them, nor room for that.
    for fact in Fact:
        encode_entry(entry(details=details_of({fact: 1})))


def test_the_largest_entry_is_below_the_limit() -> None:
    long = "x" * 128
    largest = entry(
        position=2**53 - 1,
        time=2**53 - 1,
        actor=Actor("x" * 64, long),
        action="x" * 64,
        subjects=(Subject("x" * 64, long),) * 64,
        details=tuple(Detail(f"{'x' * 62}{number:02}", long) for number in range(32)),
        request=long,
    )
    assert len(encode_entry(largest)) < MAX_ENTRY_BYTES
    assert decode_entry(encode_entry(largest)) == largest


@given(st.integers(0, 40), st.data())
def test_an_honest_journal_meets_every_checkpoint_ever_kept(size, data) -> None:
    entries = journal(size)
    kept = [checkpoint(entries[:cut]) for cut in data.draw(st.lists(st.integers(0, size)))]
    assert verify_entries(entries, kept) == checkpoint(entries)


def forgeries(entries: list[bytes]) -> dict[str, list[bytes]]:
    """Return what whoever holds the database may try: entries that are well formed and well numbered."""
    other = encode_entry(entry(3, request="another"))

    def renumbered(rows: list[bytes]) -> list[bytes]:
        return [
            encode_entry(decode_entry(data)._replace(position=position)) for position, data in enumerate(rows)
        ]

    return {
        "altered": [*entries[:3], other, *entries[4:]],
        "removed": renumbered([*entries[:3], *entries[4:]]),
        "removed at the end": entries[:-1],
        "emptied": [],
        "inserted": renumbered([*entries[:3], other, *entries[3:]]),
        "re-ordered": renumbered([*entries[:2], entries[3], entries[2], *entries[4:]]),
    }


KINDS = ["altered", "removed", "removed at the end", "emptied", "inserted", "re-ordered"]


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_holds_a_checkpoint_notices(kind) -> None:
    entries = [encode_entry(entry(position, request=f"r{position}")) for position in range(8)]
    assert list(forgeries(entries)) == KINDS
    assert verify_entries(entries, [checkpoint(entries)]).size == 8
    with pytest.raises(JournalError):
        verify_entries(forgeries(entries)[kind], [checkpoint(entries)])


def test_an_old_checkpoint_is_met_although_the_latest_was_forged_too() -> None:
    entries = [encode_entry(entry(position, request=f"r{position}")) for position in range(8)]
    old = checkpoint(entries[:5])
    forged = forgeries(entries)["altered"]
    with pytest.raises(JournalError, match="first 5 entries"):
        verify_entries(forged, [checkpoint(forged), old])


def test_two_checkpoints_of_one_size_with_two_roots_cannot_both_be_met() -> None:
    entries = journal(3)
    with pytest.raises(JournalError):
        verify_entries(entries, [checkpoint(entries), Checkpoint(3, bytes(32))])
    with pytest.raises(JournalError):
        verify_entries(entries, [Checkpoint(0, bytes(32))])
    assert verify_entries(entries, [Checkpoint(0, EMPTY_ROOT)]).size == 3


def test_gaps_and_rubbish_are_named_by_their_place() -> None:
    entries = journal(4)
    with pytest.raises(JournalError, match="entry 2 is missing"):
        verify_entries([*entries[:2], entries[3]], [])
    with pytest.raises(JournalError, match="entry 1: not JSON"):
        verify_entries([entries[0], b"rubbish"], [])
    with pytest.raises(JournalError, match="entry 1: 65537 bytes"):
        verify_entries([entries[0], bytes(MAX_ENTRY_BYTES + 1)], [])
    with pytest.raises(JournalError, match="entry 1: not in canonical form"):
        verify_entries([entries[0], entries[1].replace(b":", b": ", 1)], [])


def test_entries_may_come_one_by_one() -> None:
    entries = journal(5)
    verifier = JournalVerifier()
    for size, data in enumerate(entries, start=1):
        assert verifier.add(data).position == size - 1
        assert verifier.checkpoint == checkpoint(entries[:size])
