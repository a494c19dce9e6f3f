import io
import sys

import pytest

from client.errors import UsageProblem
from client.terminal import PROGRESS_FROM, ask_secret, escape, progress, say


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("Évaluation d’impact\u00a0: n°\u202f3", "Évaluation d’impact\u00a0: n°\u202f3"),
        ("日本語 עברית", "日本語 עברית"),
        ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
        ("a\nb\rc\td", "a\\u{a}b\\u{d}c\\u{9}d"),
        ("invoice\u202egpj.exe", "invoice\\u{202e}gpj.exe"),
        ("\u2066x\u2069", "\\u{2066}x\\u{2069}"),
        ("\x9b31m", "\\u{9b}31m"),
        ("zero\u200bwidth", "zero\\u{200b}width"),
        ("\u2028\u2029", "\\u{2028}\\u{2029}"),
        ("lone \ud800", "lone \\u{d800}"),
        ("private \ue000", "private \\u{e000}"),
        ("unassigned \u0378", "unassigned \\u{378}"),
    ],
)
def test_what_could_act_on_a_terminal_is_written_out(text, shown):
    assert escape(text) == shown


def test_a_message_is_one_line_under_the_program_s_name(capsys):
    say("no such thing")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "scelle: no such thing\n"


@pytest.mark.parametrize("total", [0, PROGRESS_FROM - 1, 10 * PROGRESS_FROM])
def test_no_bar_is_drawn_in_a_pipe(total, capsys):
    with progress("sealing", total) as advance:
        advance(total)
    assert capsys.readouterr() == ("", "")


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("total", "quiet", "drawn"),
    [(PROGRESS_FROM, False, True), (PROGRESS_FROM - 1, False, False), (2**40, True, False)],
)
def test_a_bar_is_drawn_on_a_terminal_for_what_takes_a_while(total, quiet, drawn, monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("[red]sealing[/red]", total, quiet=quiet) as advance:
        advance(total)
    assert bool(terminal.getvalue()) is drawn
    # A label is text, not markup.
    assert ("[red]sealing[/red]" in terminal.getvalue()) is drawn


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.setattr("client.terminal.can_ask", lambda: False)
    with pytest.raises(UsageProblem, match="--password-file"):
        ask_secret("password:")
