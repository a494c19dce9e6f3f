"""``scelle serve`` as it is typed: its first start, its second, and what it refuses to start with."""

import json
import os
import shlex
import socket
import stat
import time

import pytest

from keys.keyfile import decode_public
from keys.serverkey import create_server_key


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_all_that_a_server_needs_and_says_how_to_go_on(host):
    server = host.serve()
    said = server.announced
    assert server.get("/livez") == {"status": "ok"}
    assert said["origin"] == said["url"]
    assert said["version"] == server.get("/version")["version"]
    assert server.stop() == 0
    assert server.events()[-4:-2] == ["request", "request"]

    folder = host.data
    assert _mode(folder) == 0o700
    assert {path.name: _mode(path) for path in folder.iterdir() if path.is_file()} == {
        "records.db": 0o600,
        "server.key": 0o600,
        "server.key.pub": 0o644,
        "server.lock": 0o600,
    }
    public = decode_public((folder / "server.key.pub").read_text())
    assert (said["fingerprint"], said["key_id"]) == (public.fingerprint, public.signing_key_id.hex())

    # The line that it printed, typed as it stands but for the name.
    program, *words = shlex.split(said["first_admin"].replace("NAME", "c.morel"))
    assert program == "scelle"
    assert host.run(*words).stdout.startswith("scelle_token_")


def test_the_second_start_finds_it_all_and_asks_for_no_admin(host):
    first = host.serve()
    made = host.create_admin("c.morel")
    assert first.stop() == 0

    second = host.serve()
    assert second.announced["fingerprint"] == first.announced["fingerprint"]
    assert second.announced["first_admin"] is None
    entries = second.get("/v1/journal", token=made["token"])["items"]
    assert second.stop() == 0
    assert [line["new_key"] for line in first.log + second.log if line["event"] == "prepared"] == [
        True,
        False,
    ]
    assert len(entries) == 3, "two starts and an admin"


def test_people_are_told_the_same_in_words(started):
    with started.start_for_people() as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
    assert process.returncode == 0
    assert lines[0].startswith("listening on:         http://127.0.0.1:")
    assert lines[1].startswith("fingerprint:          ")
    assert lines[2] == f"make the first admin: scelle admin create NAME --data {started.data}\n"


def test_settings_come_from_flags_before_the_environment_before_a_file(host):
    config = host.folder / "scelle.toml"
    config.write_text(f'data = "{host.data}"\norigin = "https://file.example"\nlog_level = "error"\n')
    server = host.serve(SCELLE_CONFIG=str(config), SCELLE_ORIGIN="https://environment.example")
    assert server.announced["origin"] == "https://environment.example"
    assert server.stop() == 0
    assert server.log == [], "the file asks for errors alone"
    flag = host.serve("--config", config, "--origin", "https://flag.example", "--data", host.data)
    assert flag.announced["origin"] == "https://flag.example"
    assert shlex.split(flag.announced["first_admin"])[-2:] == ["--config", str(config)]


def test_a_server_that_was_killed_starts_again(host):
    server = host.serve()
    server.kill()
    incoming = host.data / "store" / "incoming"
    (incoming / ("a" * 40)).write_bytes(b"left behind")
    (incoming / ("b" * 40)).write_bytes(b"under way")
    before = time.time() - 2 * 86_400
    os.utime(incoming / ("a" * 40), (before, before))
    again = host.serve()
    assert [path.name for path in incoming.iterdir()] == ["b" * 40]
    assert again.stop() == 0


def test_no_secret_is_in_the_log(host):
    server = host.serve()
    made = host.create_admin("c.morel")
    assert server.get("/v1/me", token=made["token"])["role"] == "admin"
    server.stop()
    written = json.dumps(server.log)
    assert '"get_me"' in written
    assert made["token"] not in written
    assert made["enrolment_code"] not in written


def test_one_folder_has_one_server(host):
    server = host.serve()
    refused = host.run("serve", "--data", host.data, "--port", "0")
    assert refused.returncode == 6
    assert f"(process {server.process.pid}); stop it first" in refused.stderr
    assert server.get("/readyz")["status"] == "ok"


def test_a_port_in_use_is_named(host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = host.run("serve", "--data", host.data, "--port", str(port))
    assert refused.returncode == 6
    assert refused.stderr.splitlines() == [
        f"scelle: port {port} of 127.0.0.1 is in use; choose another one, or --port 0 for a free one"
    ]


def test_a_folder_that_cannot_be_made(host):
    (host.folder / "file").write_text("")
    refused = host.run("serve", "--data", host.folder / "file" / "data")
    assert refused.returncode == 1
    assert refused.stderr == f"scelle: {host.folder}/file/data: a file stands where a folder is needed\n"
    assert host.run("serve", "--data", host.folder / "file").returncode == 6


def test_a_folder_that_may_not_be_written(host):
    # Not even root may make a folder there.
    refused = host.run("serve", "--data", "/proc/scelle")
    assert refused.returncode != 0
    assert refused.stderr.startswith("scelle: /proc/scelle: ")


@pytest.mark.parametrize(
    ("words", "variables", "named"),
    [
        ((), {}, "--data is missing"),
        (("--data", "d", "--port", "65536"), {}, "--port"),
        (("--data", "d", "--colour", "red"), {}, "--colour"),
        (("--data", "d", "--origin", "vault.example"), {}, "origin"),
        (("--data", "d"), {"SCELLE_SESSION_SECONDS": "soon-hunter2"}, "session_seconds"),
        (("--data", "d"), {"SCELLE_CONFIG": "unknown.toml"}, "colour"),
        (("--data", "d", "--config", "missing.toml"), {}, "not there"),
        (("--data", "d", "--host", "0.0.0.0"), {}, "--origin is missing"),  # noqa: S104 - refused
        (("--data", "d", "--host", "::"), {}, "--origin is missing"),
        (("--data", "d", "--host", "no such name"), {}, "this is no address"),
        (("--data", "d", "--database-url", "hunter2"), {}, "database_url"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_and_never_shown(host, words, variables, named):
    (host.folder / "unknown.toml").write_text('colour = "hunter2"\n')
    refused = host.run("serve", *words, **variables)
    assert refused.returncode == 2
    assert named in refused.stderr
    assert refused.stderr.startswith("scelle: ")
    assert "hunter2" not in refused.stderr.replace("--database-url", "")
    assert not (host.folder / "d").exists()


def test_a_database_that_needs_what_is_not_installed(host):
    refused = host.run("serve", "--data", host.data, "--database-url", "postgresql+pg8000://u:hunter2@h/d")
    assert refused.returncode == 7
    assert refused.stderr == "scelle: the database needs pg8000, which is not installed\n"


def test_a_key_that_others_can_read_is_not_used(started):
    (started.data / "server.key").chmod(0o640)
    refused = started.run("serve", "--data", started.data, "--port", "0")
    assert refused.returncode == 1
    assert "can be read by others; run chmod 600" in refused.stderr


def test_a_lost_key_is_not_replaced_in_silence(started):
    (started.data / "server.key").unlink()
    refused = started.run("serve", "--data", started.data, "--port", "0")
    assert refused.returncode == 1
    assert "put it back from a backup" in refused.stderr
    assert not (started.data / "server.key").exists()


def test_a_key_from_elsewhere_is_taken_before_anything_is_recorded(host):
    host.data.mkdir(mode=0o700)
    key = create_server_key(host.data / "server.key")
    server = host.serve()
    assert server.announced["key_id"] == key.key_id.hex()


def test_help_shows_examples(host):
    shown = host.run("serve", "--help")
    assert shown.returncode == 0
    assert "Examples:\n  scelle serve --data /srv/scelle\n" in shown.stdout


def test_a_person_is_spoken_to_in_french_where_the_locale_says_so(host):
    refused = host.run("serve", LC_ALL="fr_FR.UTF-8")
    assert refused.stderr == "scelle: --data manque\N{NO-BREAK SPACE}: indiquez le dossier de ce serveur\n"
