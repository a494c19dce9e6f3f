"""``scelle janitor``, and the same inside a server."""

import json
import os
import sqlite3
import time

from tests.vault.server.commands.host import PATIENCE

DAY = 86_400


def put(host, *, name="ab", age=0):
    """Put an object into the store that no row names."""
    path = host.data / "store" / "objects" / name / (name * 20)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(b"orphan")
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


def test_it_removes_what_is_old_and_says_so(started):
    old, young = put(started, age=2 * DAY), put(started, name="cd")
    looked = started.run("janitor", "--data", started.data, "--dry-run")
    assert (looked.returncode, looked.stderr) == (0, "")
    assert "objects that would be removed:" in looked.stdout
    assert "1, 6 bytes" in looked.stdout
    assert old.exists()
    done = started.run("janitor", "--data", started.data, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    counts = json.loads(done.stdout)
    assert (counts["outcome"], counts["objects"], counts["object_bytes"]) == ("done", 1, 6)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_grace_says_how_old(started):
    orphan = put(started, age=4000)
    assert started.run("janitor", "--data", started.data, "--grace", "5000").returncode == 0
    assert orphan.exists()
    assert started.run("janitor", "--data", started.data, "--grace", "3600").returncode == 0
    assert not orphan.exists()


def test_a_short_grace_is_refused(started):
    refused = started.run("janitor", "--data", started.data, "--grace", "3599")
    assert refused.returncode == 2
    assert "3600" in refused.stderr


def test_offline_leaves_nothing_and_needs_the_folder_to_itself(host):
    server = host.serve()
    orphan = put(host)
    refused = host.run("janitor", "--data", host.data, "--offline")
    assert refused.returncode == 6
    assert "another server works with this folder" in refused.stderr
    assert host.run("janitor", "--data", host.data).returncode == 0
    assert orphan.exists()
    assert server.stop() == 0
    assert host.run("janitor", "--data", host.data, "--offline").returncode == 0
    assert not orphan.exists()


def test_one_works_at_a_time(started):
    with sqlite3.connect(started.data / "records.db") as database:
        database.execute("INSERT INTO leases VALUES ('janitor', 'another', ?)", [int(time.time()) + 1000])
    orphan = put(started, age=2 * DAY)
    refused = started.run("janitor", "--data", started.data)
    assert refused.returncode == 6
    assert refused.stderr == "scelle: another janitor is at work; try again later\n"
    assert orphan.exists()


def test_without_a_server_there_is_nothing_to_do(host):
    assert host.run("janitor", "--data", host.data).returncode == 4


def test_a_folder_that_is_not_there_is_not_made(host):
    assert host.serve().stop() == 0
    objects = host.data / "store" / "objects"
    moved = objects.rename(objects.with_name("elsewhere"))
    refused = host.run("janitor", "--data", host.data)
    assert not objects.exists()
    assert refused.returncode != 0
    assert "the folder of the objects is not there; is its disk mounted?" in refused.stderr
    moved.rename(objects)
    assert host.run("janitor", "--data", host.data).returncode == 0


def test_a_server_does_it_by_itself(host):
    assert host.serve().stop() == 0
    orphan = put(host, age=2 * DAY)
    server = host.serve("--data", host.data, SCELLE_JANITOR_SECONDS="1")
    end = time.monotonic() + PATIENCE
    while not (said := [line for line in server.log if line["event"] == "janitor" and line["objects"]]):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert not orphan.exists()
    assert server.stop() == 0
    (said,) = said
    assert said["object_bytes"] == 6


def test_a_server_can_be_told_not_to(host):
    assert host.serve().stop() == 0
    with sqlite3.connect(host.data / "records.db") as database:
        assert database.execute("SELECT * FROM runs").fetchall() == []
    server = host.serve("--data", host.data, SCELLE_JANITOR_SECONDS="0")
    assert server.stop() == 0
    assert "janitor" not in server.events()
