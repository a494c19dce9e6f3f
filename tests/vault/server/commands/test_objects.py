"""A server whose objects are in a bucket of a real SeaweedFS."""

from contextlib import aclosing

import pytest

from vault.server.commands.objects import open_store, place
from vault.server.commands.style import SettingsProblem, UnavailableProblem
from vault.server.settings import load_settings
from vault.server.stores.local import LocalStore
from vault.server.stores.s3 import S3Store


async def test_the_settings_say_where_objects_are(seaweed, tmp_path):
    async with open_store(load_settings({"data": tmp_path})) as store:
        assert isinstance(store, LocalStore)
    settings = load_settings({"data": tmp_path, **seaweed.settings(seaweed.new_bucket())})
    async with open_store(settings) as store:
        assert isinstance(store, S3Store)
        async with aclosing(store.list()) as listed:
            assert [entry async for entry in listed] == []


@pytest.mark.parametrize(("style", "virtual"), [("auto", None), ("path", False), ("virtual-host", True)])
def test_the_place_is_what_was_set(tmp_path, style, virtual):
    settings = load_settings(
        {
            "data": tmp_path,
            "s3_endpoint": "https://s3.example.org:9000",
            "s3_bucket": "evidence",
            "s3_access_key": "who",
            "s3_secret_key": "hunter2",
            "s3_style": style,
            "s3_ca_file": "/ca.pem",
        }
    )
    found = place(settings)
    assert (found.host, found.secure, found.bucket, found.region) == (
        "s3.example.org:9000",
        True,
        "evidence",
        "us-east-1",
    )
    assert (found.access_key, found.secret_key, found.ca_file, found.virtual_host) == (
        "who",
        "hunter2",
        "/ca.pem",
        virtual,
    )
    assert "hunter2" not in repr(found)


async def test_a_bucket_is_not_made_in_silence(seaweed, tmp_path):
    settings = load_settings({"data": tmp_path, **seaweed.settings("never-made")})
    with pytest.raises(UnavailableProblem, match="store check --create-bucket"):
        async with open_store(settings):
            pytest.fail("it was opened")
    assert "never-made" not in [bucket.name for bucket in seaweed.client().list_buckets()]


@pytest.mark.parametrize("wrong", ["s3_access_key", "s3_secret_key"])
async def test_a_wrong_key_is_said_and_not_shown(seaweed, tmp_path, wrong):
    bucket = seaweed.new_bucket()
    settings = load_settings({"data": tmp_path, **seaweed.settings(bucket), wrong: "hunter2"})
    with pytest.raises(UnavailableProblem, match="refused") as caught:
        async with open_store(settings):
            pytest.fail("it was opened")
    assert "hunter2" not in caught.value.message
    assert seaweed.secret_key not in caught.value.message


async def test_a_file_of_certificates_that_is_none(seaweed, tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    settings = {"data": tmp_path, **seaweed.settings("any"), "s3_endpoint": "https://127.0.0.1:1"}
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(SettingsProblem, match="s3_ca_file"):
            async with open_store(load_settings(settings | {"s3_ca_file": tmp_path / name})):
                pytest.fail("it was opened")


def test_a_server_runs_on_a_bucket(host, seaweed):
    variables = seaweed.environment(seaweed.new_bucket())
    server = host.serve(SCELLE_DATA=str(host.data), **variables)
    assert server.get("/readyz")["status"] == "ok"
    assert server.stop() == 0
    assert not (host.data / "store").exists()
    refused = host.run(
        "serve", "--data", host.data, "--port", "0", **variables | {"SCELLE_S3_BUCKET": "none"}
    )
    assert refused.returncode == 7
    assert refused.stderr.endswith(
        "the object store has no bucket none; make it with scelle store check --create-bucket\n"
    )
