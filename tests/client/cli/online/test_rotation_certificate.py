"""The certificate that a rotation ends with: kept, fetched later, and verified offline, line by line."""

import pytest

from client.remote.calls.rotation import RotationCalls
from tests.client.home import Home


@pytest.fixture(scope="module")
def turned(town):
    """A dossier whose key was rotated, with a certificate about two proofs, one of them in two versions."""
    place = Home(town, "certified")
    place.done = place.rotate("-o", f"{place.id}.certificate")
    return place


def path_of(place):
    return f"{place.id}.certificate"


def test_it_is_verified_offline_by_whoever_trusts_the_authority(town, turned):
    assert turned.done["certificate"] == path_of(turned)
    town.give("admin", path_of(turned), "auditor")
    town.give("admin", "trust.json", "auditor")
    typed = ("certificate", "verify", path_of(turned), "--trust", "trust.json")
    found = town.ask("auditor", *typed)
    assert (found["valid"], found["kind"], found["dossier"]) == (True, "rotation", turned.id)
    seals = sorted(kept["seal_id"] for kept in (turned.first, turned.second, turned.better))
    assert [line["seal_id"] for line in found["containers"]] == seals, "archived ones are among them"
    assert {line["dossier_generation"] for line in found["containers"]} == {2}
    keys = {key["generation"]: key["key"] for key in town.ask("admin", "dossier", "keys", turned.id)}
    assert (found["ended_generation"], found["ended_keys"]) == (1, [keys[1]])
    assert (found["generation"], found["key"]) == (2, keys[2])
    assert len(found["recovery_keys"]) == 1
    shown = town.type("auditor", *typed, "--list")
    assert "3 of 3 containers" in shown.out
    assert all(seal_id in shown.out for seal_id in seals)
    assert f"{found['recovery_keys'][0]} (3 / 3)" in shown.out
    entry = town.ask("admin", "journal", "list", "--start", str(found["journal_position"]))[0]
    assert entry["action"] == "dossier.key_retired"


def test_it_is_fetched_later_and_is_the_same(town, turned):
    town.type("admin", "certificate", "fetch", turned.id, "-o", f"{turned.id}.again")
    named = town.ask("admin", "certificate", "fetch", turned.id, "--key", "1", "-o", f"{turned.id}.named")
    assert named["kind"] == "rotation"
    names = [f"{turned.id}.{end}" for end in ("certificate", "again", "named")]
    made = [town.file("admin", name).read_bytes() for name in names]
    assert made[0] == made[1] == made[2]
    taken = town.attempt("admin", "certificate", "fetch", turned.id, "-o", f"{turned.id}.again")
    assert taken.code == 6
    missing = town.attempt("admin", "certificate", "fetch", turned.id, "--key", "2", "-o", "no.certificate")
    assert (missing.code, "no certificate" in missing.err) == (4, True)
    for who in ("portal", "r1"):
        refused = town.attempt(who, "certificate", "fetch", turned.id, "-o", "no.certificate")
        assert refused.code in {3, 4}
        assert "no.certificate" not in town.names(who)


def test_without_a_file_it_says_how_to_have_it(town):
    place = Home(town, "certified")
    told = town.type("admin", "rotate", "dossier", place.id, "--identity", "my.key", "--yes")
    assert f"scelle certificate fetch {place.id} -o FILE" in told.err
    ended = place.rotate("--resume", "--yes", attempt=True)
    assert f"scelle certificate fetch {place.id} -o FILE" in ended.err
    town.file("admin", "there.certificate", b"mine")
    refused = place.rotate("--yes", "-o", "there.certificate", attempt=True)
    assert refused.code == 6
    assert town.ask("admin", "dossier", "show", place.id)["generation"] == 2, "nothing was rotated"
    assert place.rotate("-o", "there.certificate", "--force")["generation"] == 3
    found = town.ask("admin", "certificate", "verify", "there.certificate")
    assert (found["ended_generation"], len(found["ended_keys"])) == (2, 2)


FORGERIES = {
    "a line is missing": lambda lines: [lines[0], *lines[2:]],
    "the last line is missing": lambda lines: lines[:-1],
    "all lines are missing": lambda lines: lines[:1],
    "a line is twice there": lambda lines: [*lines, lines[-1]],
    "lines are moved": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "a number is forged": lambda lines: [
        *lines[:2],
        lines[2].replace(b'"generation":2', b'"generation":3'),
        *lines[3:],
    ],
    "a recovery key is forged": lambda lines: [
        *lines[:3],
        lines[3].replace(b'"recovery":["', b'"recovery":["A', 1)[:-4] + b'"]}\n',
    ],
    "a line is rubbish": lambda lines: [*lines[:2], b"{}\n", *lines[3:]],
    "there is no statement": lambda lines: lines[1:],
    "it was cut off": lambda lines: [*lines[:3], lines[3][:-1]],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_certificate_with_one_missing_or_forged_line_is_refused(town, turned, forgery):
    lines = town.file("admin", path_of(turned)).read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    forged = FORGERIES[forgery](lines)
    assert forged != lines
    town.file("admin", "forged.certificate", b"".join(forged))
    refused = town.attempt("admin", "certificate", "verify", "forged.certificate")
    assert (refused.code, refused.out) == (5, "")
    assert "[forged]" in refused.err


def test_what_a_service_gives_beside_its_own_word_is_not_kept(town, turned, monkeypatch):
    given = RotationCalls.list_retired

    async def fewer(calls, *path, **options):
        page = await given(calls, *path, **options)
        return page.model_copy(update={"items": page.items[1:]})

    monkeypatch.setattr(RotationCalls, "list_retired", fewer)
    refused = town.attempt("admin", "certificate", "fetch", turned.id, "-o", f"{turned.id}.less")
    assert (refused.code, "[forged]" in refused.err) == (5, True)
    assert f"{turned.id}.less" not in town.names("admin")


def test_the_certificate_of_another_dossier_is_not_taken_for_this_ones(town, turned, monkeypatch):
    other = Home(town, "certified")
    given, lines = RotationCalls.list_retirements, RotationCalls.list_retired

    async def its_lines(calls, _dossier, position, query=None):
        return await lines(calls, turned.id, position, query)

    async def others(calls, dossier, query=None):
        page = await given(calls, turned.id, query)
        items = tuple(item.model_copy(update={"dossier": dossier}) for item in page.items)
        return page.model_copy(update={"items": items})

    monkeypatch.setattr(RotationCalls, "list_retirements", others)
    monkeypatch.setattr(RotationCalls, "list_retired", its_lines)
    refused = town.attempt("admin", "certificate", "fetch", other.id, "-o", path_of(other))
    assert (refused.code, "mismatch" in refused.err) == (5, True)
    assert path_of(other) not in town.names("admin")
