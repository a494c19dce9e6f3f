import json

import pytest

from client.cli.output import print_json, print_pairs, print_table, show_size, show_time


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1023.9 KiB"),
        (1024**2, "1.0 MiB"),
        (5 * 1024**3 + 1024**3 // 2, "5.5 GiB"),
        (4 * 1024**4, "4.0 TiB"),
        (5000 * 1024**4, "5000.0 TiB"),
    ],
)
def test_sizes_are_cut_not_rounded_up(size, shown):
    assert show_size(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, ""), (1_800_000_000, "2027-01-15T08:00:00Z"), (2**53 - 1, "@9007199254740991")]
)
def test_times_are_utc(seconds, shown):
    assert show_time(seconds) == shown


def test_json_is_plain_ascii(capsys):
    print_json({"path": "é\u202e\x1b"})
    text = capsys.readouterr().out
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text) == {"path": "é\u202e\x1b"}


def test_pairs_stand_in_columns_and_empty_ones_are_left_out(capsys):
    print_pairs([("a", "1"), ("longer", "2\x1b"), ("empty", "")])
    assert capsys.readouterr().out == "a:      1\nlonger: 2\\u{1b}\n"


def test_tables_stand_in_columns_without_trailing_spaces(capsys):
    print_table([("1", "a", "x"), ("100", "bb", "")], right=0)
    assert capsys.readouterr().out == "  1  a   x\n100  bb\n"
