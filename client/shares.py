"""Shares of a recovery key: made, put together, kept in files, and what is wrong with one said in words."""

from __future__ import annotations

from contextlib import contextmanager
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client.errors import N_, AccessProblem, ClientError
from client.keyfiles import naming
from keys.errors import ShareError, ShareFlaw
from keys.files import SECRET_MODE, read_secret_text, write_text
from keys.keyfile import Use
from keys.keyring import Identity
from keys.slip39.phrase import read_share, words_for
from keys.slip39.sharing import combine_shares, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keys.slip39.phrase import Share

SEED_LENGTH: Final = 32
WORDS: Final = words_for(SEED_LENGTH)
"""Words of one share: 33."""

_COMMENT: Final = "#"
_FLAWS: Final = {
    ShareFlaw.WORD: N_("{share}: word {word} is not in the list of SLIP-39; compare it letter by letter"),
    ShareFlaw.LENGTH: N_(
        "{share}: the share of a recovery key has {count} words; some are missing, or too many"
    ),
    ShareFlaw.CHECKSUM: N_("{share}: a word is wrong or out of place; compare them one by one"),
    ShareFlaw.CONTENT: N_("{share}: this is not a share of a recovery key"),
    ShareFlaw.MIXED: N_(
        "{share}: this share is not of the same set as the first; find one that was made with it"
    ),
    ShareFlaw.REPEATED: N_("{share}: this share was given before; another one is needed"),
    ShareFlaw.TOO_FEW: N_("{needed} shares are needed, {given} given; with fewer nothing opens"),
    ShareFlaw.FORGED: N_("the shares give no key: one of them is forged; try with another one in its place"),
}
_NOT_ENOUGH: Final = {ShareFlaw.MIXED, ShareFlaw.TOO_FEW, ShareFlaw.FORGED}


def share_out(identity: Identity, threshold: int, count: int) -> list[str]:
    """Return ``count`` phrases, any ``threshold`` of which give the identity's seed again.

    Tried before anybody relies on it: with the first ones and with the last ones.

    Raises:
        MalformedError: numbers that make no sense.
    """
    phrases = split(identity.seed, threshold, count)
    for chosen in (phrases[:threshold], phrases[-threshold:]):
        if combine_shares([read_share(phrase) for phrase in chosen]) != identity.seed:
            raise ClientError(N_("the shares do not give the key; nothing was kept, report this"))
    return phrases


def put_together(shares: Sequence[Share], names: Sequence[str]) -> Identity:
    """Return the recovery key that shares give.

    Raises:
        ClientError: they do not make a whole; the texts use ``names``, one for each share.
    """
    with explaining(names):
        seed = combine_shares(shares)
        if len(seed) != SEED_LENGTH:
            raise ShareError(ShareFlaw.CONTENT, "of another length", share=0)
    return Identity.from_seed(seed, Use.RECOVERY)


@contextmanager
def explaining(names: Sequence[str]) -> Iterator[None]:
    """Turn what is wrong with shares into what a person is told.

    Raises:
        AccessProblem: they are shares, and do not open.
        ClientError: one is no share.
    """
    try:
        yield
    except ShareError as error:
        kind = AccessProblem if error.flaw in _NOT_ENOUGH else ClientError
        raise kind(
            _FLAWS[error.flaw],
            share=names[error.share or 0] if names else "",
            word=(error.word or 0) + 1,
            count=WORDS,
            needed=error.needed,
            given=len(names),
        ) from None


def read_file(path: str) -> Share:
    """Return the share in a file: its words, on any number of lines; lines that begin with # are not read.

    Raises:
        ClientError: it is not there, others can read it, or it holds no share.
    """
    with naming(path):
        text = read_secret_text(Path(path))
    lines = (line for line in text.splitlines() if not line.startswith(_COMMENT))
    with explaining([path]):
        return read_share(" ".join(lines))


def write_file(path: Path, phrase: str, *, number: int, threshold: int, count: int, fingerprint: str) -> None:
    """Write one share (0600), under two lines that say what it is.

    Raises:
        ClientError: it is there already, or the system refuses.
    """
    title = _(
        "Scellé, recovery key: share {number} of {count}; any {threshold} of them open everything"
    ).format(number=number, count=count, threshold=threshold)
    label = _("fingerprint")
    text = f"{_COMMENT} {title}\n{_COMMENT} {label} {fingerprint}\n{phrase}\n"
    with naming(str(path)):
        write_text(path, text, mode=SECRET_MODE)
