"""A server whose bucket is to keep what was archived: it starts where that can be, and says so where not."""

import json


def lock(seaweed, **options) -> dict[str, str]:
    return {**seaweed.environment(seaweed.new_bucket(**options)), "SCELLE_OBJECT_LOCK": "governance"}


def test_a_bucket_that_cannot_lock_is_refused(host, seaweed):
    variables = lock(seaweed)
    assert host.run("store", "check", "--data", host.data, **variables).returncode == 1
    refused = host.run("serve", "--data", host.data, "--port", "0", **variables)
    assert refused.returncode == 2
    assert refused.stdout == ""
    said = refused.stderr.splitlines()[-1]
    assert said.startswith(
        f"scelle: object_lock is set and the bucket {variables['SCELLE_S3_BUCKET']} cannot"
    )
    assert "scelle store check --create-bucket" in said
    # Without the setting it is a bucket like any other.
    server = host.serve("--data", host.data, **variables | {"SCELLE_OBJECT_LOCK": "off"})
    assert server.stop() == 0
    assert host.run("janitor", "--data", host.data, **variables).returncode == 2


def test_a_bucket_that_was_made_for_it_is_taken(host, seaweed):
    variables = lock(seaweed, object_lock=True)
    server = host.serve("--data", host.data, **variables)
    assert server.stop() == 0
    done = host.run("janitor", "--data", host.data, "--lock-again", "--json", **variables)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert (counts["locks"], counts["locks_failed"], counts["failures"]) == (0, 0, [])


def test_locking_again_without_object_lock_makes_no_sense(started):
    refused = started.run("janitor", "--data", started.data, "--lock-again")
    assert refused.returncode == 2
    assert "--lock-again needs object_lock" in refused.stderr
