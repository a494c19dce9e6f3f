"""Asking until nothing is left that could be removed."""

from types import SimpleNamespace

import pytest

from client.remote.erasing import erase, fetch_certificate
from client.remote.problems import NotOurService
from keys.canonical import encode_binary
from tests.client import sayings as s
from vault.api.models.base import SignedStatement
from vault.api.models.erasure import CertificateLines

PLAN = SimpleNamespace(dossier="D-1", root="ab" * 32)


class Removing:
    """A service that removes as many bodies with each request as it is told."""

    def __init__(self, waiting):
        self.waiting = list(waiting)
        self.asked = []

    async def erase_dossier(self, dossier, *, if_match):
        self.asked.append((dossier, if_match))
        return SimpleNamespace(waiting=self.waiting.pop(0))


@pytest.mark.parametrize("waiting", [[0], [5, 3, 0], [5, 3, 3], [7, 7]])
async def test_it_goes_on_while_something_is_removed(waiting):
    service, told = Removing(waiting), []
    done = await erase(service, PLAN, tell=told.append)
    assert service.waiting == []
    assert [state.waiting for state in told] == waiting
    assert done is told[-1]
    assert set(service.asked) == {("D-1", "ab" * 32)}


class Listing:
    """A service that gives lines, two with each page."""

    def __init__(self, lines, following=lambda start: start + 2):
        self.lines = lines
        self.following = following

    async def list_erased(self, dossier, query):
        items = tuple(map(encode_binary, self.lines[query.start : query.start + 2]))
        more = query.start + 2 < len(self.lines)
        return CertificateLines(items=items, next=self.following(query.start) if more else None)


def erased(signed):
    certificate = signed and SignedStatement(
        statement=encode_binary(signed.statement), signature=encode_binary(signed.signature)
    )
    return SimpleNamespace(dossier="D-1", certificate=certificate)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
async def test_all_lines_are_fetched_in_their_order(count):
    lines, signed = [b"line %d" % number for number in range(count)], s.mandate()
    assert await fetch_certificate(Listing(lines), erased(signed)) == (signed, tuple(lines))


async def test_pages_that_lead_nowhere_are_not_followed():
    with pytest.raises(NotOurService):
        await fetch_certificate(Listing([b"x"] * 9, following=lambda start: start), erased(s.mandate()))
    with pytest.raises(NotOurService):
        await fetch_certificate(Listing([]), erased(None))
