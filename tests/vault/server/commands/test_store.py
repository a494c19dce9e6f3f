"""``scelle store check`` on a real SeaweedFS, on a folder, and on services that lie."""

import json

import pytest

from tests.engines.liar import lying


def check(host, variables, *words):
    done = host.run("store", "check", "--data", host.data, "--json", *words, **variables)
    return done, json.loads(done.stdout) if done.stdout else None


def test_a_real_store_can_be_trusted(host, seaweed):
    bucket = seaweed.new_bucket()
    done, found = check(host, seaweed.environment(bucket))
    assert done.returncode == 0, done.stderr
    assert found == {
        "store": "s3",
        "put": True,
        "read_after_write": True,
        "range": True,
        "list": True,
        "checksum": True,
        "conditional_put": True,
        "multipart": True,
        "private": True,
        "delete": True,
        "versioning": "off",
        "object_lock": False,
        "trusted": True,
        "problems": [],
    }
    assert list(seaweed.client().list_objects(bucket, recursive=True, include_version=True)) == []
    assert seaweed.client()._list_multipart_uploads(bucket).uploads == []


def test_people_are_told_the_same_in_words(host, seaweed):
    done = host.run("store", "check", "--data", host.data, **seaweed.environment(seaweed.new_bucket()))
    assert done.returncode == 0
    lines = [line.split(":") for line in done.stdout.splitlines()]
    shown = {label: value.strip() for label, value in lines}
    assert (shown["kind of store"], shown["answers to ranges"], shown["keeps versions"]) == (
        "S3",
        "yes",
        "no",
    )


def test_a_bucket_is_made_where_that_was_asked_for(host, seaweed):
    variables = seaweed.environment("made-on-request")
    done, _ = check(host, variables)
    assert done.returncode == 4
    assert done.stderr == "scelle: there is no bucket made-on-request; --create-bucket makes it\n"
    done, found = check(host, variables, "--create-bucket")
    assert (done.returncode, found["trusted"]) == (0, True)
    assert check(host, variables, "--create-bucket")[0].returncode == 0


def test_a_bucket_that_locks_is_made_and_trusted(host, seaweed):
    variables = seaweed.environment("made-to-lock") | {"SCELLE_OBJECT_LOCK": "governance"}
    done, found = check(host, variables, "--create-bucket")
    assert done.returncode == 0, done.stderr
    assert (found["object_lock"], found["versioning"], found["delete"]) == (True, "enabled", True)
    left = seaweed.client().list_objects("made-to-lock", recursive=True, include_version=True)
    assert list(left) == []
    done, found = check(
        host, seaweed.environment(seaweed.new_bucket()) | {"SCELLE_OBJECT_LOCK": "governance"}
    )
    assert done.returncode == 1
    assert "make a new bucket" in done.stderr


def test_a_folder_is_tried_too(host):
    done, found = check(host, {})
    assert done.returncode == 0, done.stderr
    assert found["free_bytes"] > 0
    assert {name: value for name, value in found.items() if name != "free_bytes"} == {
        "store": "folder",
        "put": True,
        "read_after_write": True,
        "range": True,
        "list": True,
        "delete": True,
        "one_file_system": True,
        "trusted": True,
        "problems": [],
    }
    assert not [path for path in (host.data / "store").rglob("*") if path.is_file()]
    assert host.run("store", "check", "--data", host.data, "--create-bucket").returncode == 2


def lying_place(server):
    return {
        "SCELLE_S3_ENDPOINT": f"http://{server.host}",
        "SCELLE_S3_BUCKET": "evidence",
        "SCELLE_S3_ACCESS_KEY": "who",
        "SCELLE_S3_SECRET_KEY": "hunter2",
    }


def test_a_small_service_that_does_not_lie_is_trusted(host):
    with lying() as server:
        done, found = check(host, lying_place(server))
    assert done.returncode == 0, done.stderr
    assert found["trusted"]
    assert server.objects == {}


@pytest.mark.parametrize(
    ("lie", "trait", "said"),
    [
        ("range", "range", "use another store"),
        ("multipart", "multipart", "allow multipart uploads"),
        ("checksum", "checksum", "damage would be kept"),
        ("private", "private", "close it to all but this key"),
        ("list", "list", "nothing could be cleaned up"),
        ("delete", "delete", "allow this key to delete"),
        ("read_after_write", "read_after_write", "cannot be read at once"),
        ("versioning", "versioning", "turn versioning off"),
    ],
)
def test_what_cannot_be_trusted_is_refused_and_said(host, lie, trait, said):
    with lying(lie) as server:
        done, found = check(host, lying_place(server))
    assert done.returncode == 1
    assert said in done.stderr
    assert any(said in problem for problem in found["problems"])
    assert (found["trusted"], found[trait] in {False, "enabled"}) == (False, True)


@pytest.mark.parametrize("lie", ["tag", "full", "rubbish"])
def test_a_service_that_cannot_be_worked_with_is_refused(host, lie):
    with lying(lie) as server:
        done, _ = check(host, lying_place(server))
    assert done.returncode == 7
    assert "the object store" in done.stderr
    for secret in ("hunter2", server.host, "a secret of its own"):
        assert secret not in done.stderr
