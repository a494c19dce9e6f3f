"""``scelle migrate``: shows the schema, brings it up, and takes it back only where somebody says so."""

import asyncio
import json

import pexpect
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from tests.vault.server.commands.host import SCELLE
from vault.server.commands.folder import locked
from vault.server.commands.migrate import migrate
from vault.server.commands.records import open_records
from vault.server.commands.style import UnavailableProblem
from vault.server.migrations.upgrade import expected_revision, revisions, upgrade
from vault.server.settings import Settings
from vault.server.stores.clock import SystemClock
from vault.server.stores.records.engine import open_engine, sqlite_url

RUN = "INSERT INTO runs VALUES ('scrub', 0, 0, 'done', 0, 0, 0, 1, 0)"


def reach(url, revision=None, statement=None):
    async def act():
        engine = open_engine(url)
        if revision is not None:
            await upgrade(engine, revision)
        if statement is not None:
            async with engine.begin() as connection:
                await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(act())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "records.db")
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.new_database(migrated=False)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def run(database, tmp_path):
    def run_it(*words, **options):
        words = ["--data", str(tmp_path), "--database-url", database, *words]
        return CliRunner().invoke(migrate, words, **options)

    return run_it


def test_it_shows_changes_and_shows_again(run, database):
    reach(database, revisions()[1])
    behind = run("--check")
    assert behind.exit_code == 1
    assert behind.stdout == f"schema:   {revisions()[1]}\nexpected: {expected_revision()}\n"
    assert "this version needs" in behind.stderr
    done = run("--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "before": revisions()[1],
        "current": expected_revision(),
        "expected": expected_revision(),
    }
    assert run("--check").exit_code == 0
    assert run().stdout.startswith("schema:   ")


def test_an_empty_database_is_brought_up_step_by_step(run, database):
    reach(database)
    assert json.loads(run("--check", "--json").stdout)["current"] is None
    for revision in revisions():
        assert json.loads(run("--to", revision, "--json").stdout)["current"] == revision


def test_nothing_is_lost_without_being_said(run, database):
    reach(database, "head", RUN)
    target = revisions()[2]
    for words, told in (
        (("--to", target), "--downgrade allows to go back"),
        (("--to", target, "--downgrade"), "nobody can be asked"),
        (("--to", "9999"), "there is no such revision"),
    ):
        refused = run(*words)
        assert refused.exit_code == 2, refused.output
        assert told in refused.stderr
    assert "table runs goes, with 1 rows" in run("--to", target, "--downgrade").stderr
    assert run("--check").exit_code == 0, "looking at what would be lost changes nothing"
    done = run("--to", target, "--downgrade", "--yes", "--json")
    assert json.loads(done.stdout)["current"] == target
    assert "table runs goes, with 1 rows" in done.stderr
    assert json.loads(run("--json").stdout)["current"] == expected_revision()


def test_a_schema_of_a_later_version_is_left_alone(run, database):
    reach(database, "head", "UPDATE alembic_version SET version_num = '9999'")
    for words in ((), ("--to", revisions()[0], "--downgrade", "--yes"), ("--check",)):
        refused = run(*words)
        assert refused.exit_code != 0
        assert "9999" in refused.stderr or "does not know" in refused.stderr


@pytest.mark.parametrize(("typed", "code"), [("0003", 0), ("yes", 1), ("", 1)])
def test_a_person_types_what_it_goes_back_to(tmp_path, typed, code):
    reach(sqlite_url(tmp_path / "records.db"), "head", RUN)
    words = ["migrate", "--data", str(tmp_path), "--to", "0003", "--downgrade"]
    terminal = pexpect.spawn(str(SCELLE), words, encoding="utf-8", env={"LC_ALL": "C.UTF-8"}, timeout=30)
    terminal.expect("table runs goes, with 1 rows")
    terminal.expect("Type 0003 to lose this")
    terminal.sendline(typed)
    terminal.expect("schema:" if code == 0 else "nothing was changed")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == code


def test_no_database_and_a_running_server_are_told_apart(tmp_path):
    words = ["--data", str(tmp_path)]
    absent = CliRunner().invoke(migrate, words)
    assert (absent.exit_code, "there is no database here" in absent.stderr) == (4, True)
    reach(sqlite_url(tmp_path / "records.db"), "0001")
    with locked(tmp_path):
        busy = CliRunner().invoke(migrate, words)
        assert (busy.exit_code, "stop it first" in busy.stderr) == (6, True)
        assert CliRunner().invoke(migrate, [*words, "--check"]).exit_code == 1


def test_an_unreachable_database_is_told_without_its_password(tmp_path):
    url = "postgresql://u:hunter2@127.0.0.1:1/d"
    refused = CliRunner().invoke(migrate, ["--data", str(tmp_path), "--database-url", url])
    assert refused.exit_code == 7
    assert "hunter2" not in refused.output


# --- a server that starts ---------------------------------------------------------------------------------


async def start(settings):
    async with open_records(settings, SystemClock(), upgrading=True) as records:
        await records.check()


@pytest.mark.parametrize("auto", [None, True, False])
def test_a_server_changes_an_old_schema_where_it_may(database, tmp_path, auto):
    reach(database, revisions()[0])
    settings = Settings(data=tmp_path, database_url=database, auto_migrate=auto)
    if auto or (auto is None and database.startswith("sqlite")):
        asyncio.run(start(settings))
        return
    with pytest.raises(UnavailableProblem, match=f"run scelle migrate --data {tmp_path}"):
        asyncio.run(start(settings))
    reach(database, "head")
    asyncio.run(start(settings))


def test_a_server_makes_the_schema_of_an_empty_database(database, tmp_path):
    asyncio.run(start(Settings(data=tmp_path, database_url=database, auto_migrate=False)))


def test_the_command_is_found(host):
    shown = host.run("migrate", "--help")
    assert shown.returncode == 0
    assert "scelle migrate --data /srv/scelle --check" in shown.stdout
