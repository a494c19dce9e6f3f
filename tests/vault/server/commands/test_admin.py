"""``scelle admin create``: on the server's host, whether the server runs or not."""

import base64
import json
import sqlite3
import time

import pytest

from vault.journal import decode_entry


def _journal(host):
    with sqlite3.connect(host.data / "records.db") as database:
        return [
            decode_entry(row) for (row,) in database.execute("SELECT entry FROM journal ORDER BY position")
        ]


def test_the_token_alone_is_on_stdout(started):
    done = started.run("admin", "create", "c.morel", "--data", started.data)
    assert done.returncode == 0
    (token,) = done.stdout.splitlines()
    assert token.startswith("scelle_token_")
    assert len(base64.urlsafe_b64decode(token.removeprefix("scelle_token_") + "=")) == 32
    told, code = done.stderr.splitlines()
    assert told.startswith("scelle: c.morel is an admin now; the token is shown this once and ends 20")
    assert code.startswith("scelle: enrolment code, until 20")
    assert token not in done.stderr


def test_the_token_signs_in_at_a_server_that_runs(host):
    server = host.serve()
    made = host.create_admin("c.morel", "--days", "2")
    me = server.get("/v1/me", token=made["token"])
    assert (me["role"], me["name"], me["account"]) == ("admin", "c.morel", made["account"])
    assert me["expires"] == made["expires"]
    assert abs(made["expires"] - time.time() - 2 * 86_400) < 60
    assert len(made["enrolment_code"]) == 22
    assert made["code_expires"] > time.time()


def test_the_journal_says_that_the_host_did_it(started):
    made = started.create_admin("c.morel")
    entry = _journal(started)[-1]
    assert (entry.actor.kind, entry.action, entry.request) == ("host", "account.created", "")
    assert entry.subjects[0] == ("account", made["account"])
    assert [subject.kind for subject in entry.subjects] == ["account", "token"]
    assert ("role", "admin") in entry.details


def test_the_database_keeps_no_secret(started):
    made = started.create_admin("c.morel")
    dump = b"".join(path.read_bytes() for path in started.data.glob("records.db*"))
    assert made["account"].encode() in dump
    assert made["token"].encode() not in dump
    assert made["enrolment_code"].encode() not in dump


def test_a_name_is_given_once(started):
    started.create_admin("c.morel")
    entries = len(_journal(started))
    again = started.run("admin", "create", "c.morel", "--data", started.data)
    assert again.returncode == 6
    assert again.stdout == ""
    assert again.stderr == "scelle: there is an admin called c.morel already; choose another name\n"
    assert len(_journal(started)) == entries
    started.create_admin("l.petit")


def test_without_a_server_there_is_nothing_to_make_an_admin_of(host):
    refused = host.run("admin", "create", "c.morel", "--data", host.data)
    assert refused.returncode == 4
    assert refused.stderr == (
        f"scelle: {host.data}: no server keeps its data here; start it once with scelle serve\n"
    )
    assert not host.data.exists()
    host.data.mkdir()
    assert host.run("admin", "create", "c.morel", "--data", host.data).returncode == 4
    assert list(host.data.iterdir()) == []


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[2J", "x" * 201])
def test_a_name_can_be_shown(started, name):
    refused = started.run("admin", "create", name, "--data", started.data)
    assert refused.returncode == 2
    assert "a name has 1 to 200 characters" in refused.stderr
    assert len(_journal(started)) == 1


@pytest.mark.parametrize("days", ["0", "367", "soon"])
def test_a_token_lasts_a_day_to_a_year(started, days):
    refused = started.run("admin", "create", "c.morel", "--data", started.data, "--days", days)
    assert refused.returncode == 2
    assert "--days" in refused.stderr


def test_a_schema_of_another_version_is_left_alone(started):
    with sqlite3.connect(started.data / "records.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'later'")
    refused = started.run("admin", "create", "c.morel", "--data", started.data)
    assert refused.returncode == 7
    assert "does not have the schema" in refused.stderr
    refused = started.run("serve", "--data", started.data, "--port", "0")
    assert refused.returncode == 7
    assert "has a schema that this version does not know" in refused.stderr


def test_an_admin_who_is_disabled_does_not_count(host):
    server = host.serve()
    host.create_admin("c.morel")
    server.stop()
    with sqlite3.connect(host.data / "records.db") as database:
        database.execute("UPDATE accounts SET disabled_at = 1")
    assert "admin create NAME" in host.serve().announced["first_admin"]


def test_the_folder_may_come_from_the_environment(started):
    done = started.run("admin", "create", "c.morel", "--json", SCELLE_DATA=str(started.data))
    assert json.loads(done.stdout)["name"] == "c.morel"


def test_help_shows_examples(host):
    shown = host.run("admin", "create", "--help")
    assert shown.returncode == 0
    assert "Examples:\n  scelle admin create c.morel --data /srv/scelle > c.morel.token\n" in shown.stdout
    assert "create" in host.run("admin", "--help").stdout
