"""Shares of a recovery key: what is made is tried, and files hold one share each."""

import pytest

from client import shares
from client.errors import AccessProblem, ClientError
from client.shares import put_together, read_file, share_out, write_file
from keys.keyfile import Use
from keys.keyring import Identity
from keys.slip39.phrase import read_share
from keys.slip39.sharing import split

KEY = Identity.from_seed(b"r" * 32, Use.RECOVERY)


def test_what_is_shared_out_is_put_together():
    phrases = share_out(KEY, 2, 3)
    found = put_together([read_share(phrase) for phrase in phrases[1:]], ["one", "two"])
    assert (found.seed, found.public) == (KEY.seed, KEY.public)


def test_shares_that_would_not_open_are_never_handed_out(monkeypatch):
    monkeypatch.setattr(shares, "split", lambda _seed, *plan: split(b"x" * 32, *plan))
    with pytest.raises(ClientError, match="nothing was kept"):
        share_out(KEY, 2, 3)


def test_shares_of_something_else_are_no_recovery_key():
    phrases = split(bytes(16), 2, 2)
    with pytest.raises(ClientError, match="one: this is not a share of a recovery key"):
        put_together([read_share(phrase) for phrase in phrases], ["one", "two"])


def test_a_share_that_was_made_up_gives_no_key():
    first, second = (read_share(phrase) for phrase in share_out(KEY, 2, 2))
    forged = second._replace(value=bytes(32))
    with pytest.raises(AccessProblem, match="one of them is forged"):
        put_together([first, forged], ["one", "two"])


def test_a_file_holds_one_share_on_any_lines(tmp_path):
    phrase = share_out(KEY, 2, 2)[0]
    path = tmp_path / "share"
    write_file(path, phrase, number=1, threshold=2, count=2, fingerprint=KEY.public.fingerprint)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KEY.public.fingerprint in path.read_text()
    assert read_file(str(path)) == read_share(phrase)
    path.write_text("# mine\r\n\r\n" + "\r\n".join(phrase.upper().split()))
    assert read_file(str(path)) == read_share(phrase)
    with pytest.raises(ClientError, match="exists already"):
        write_file(path, phrase, number=1, threshold=2, count=2, fingerprint="")


def test_no_word_is_repeated_in_an_error(tmp_path):
    words = share_out(KEY, 2, 2)[0].split()
    path = tmp_path / "share"
    for damaged in ([*words[:-1], "zebra"], words[:-1], [words[1], words[0], *words[2:]]):
        path.write_text(" ".join(damaged))
        path.chmod(0o600)
        with pytest.raises(ClientError) as caught:
            read_file(str(path))
        shown = str(caught.value).removeprefix(str(path)).split()
        assert not set(shown) & set(damaged)
