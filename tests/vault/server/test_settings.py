import os
from pathlib import Path

import pytest

from vault.server.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SCELLE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "scelle.toml"

    def write(text: str) -> Path:
        path.write_text(text)
        return path

    return write


def test_a_folder_is_all_that_a_server_needs(tmp_path) -> None:
    settings = load_settings({"data": tmp_path})
    assert settings.host == "127.0.0.1"
    assert settings.records_url == f"sqlite+aiosqlite:///{tmp_path}/records.db"
    assert settings.store_folder == tmp_path / "store"
    assert settings.server_key_path == tmp_path / "server.key"
    assert settings.origin_at(8440) == "http://127.0.0.1:8440"
    assert isinstance(settings, Settings)


def test_the_key_may_stand_elsewhere(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SCELLE_SERVER_KEY_FILE", str(tmp_path / "secret" / "key"))
    assert load_settings({"data": tmp_path}).server_key_path == tmp_path / "secret" / "key"


def test_flags_stand_above_environment_above_file_above_defaults(config, monkeypatch) -> None:
    file = config('data = "/file"\nport = 1\nhost = "file"\nlog_level = "error"\n')
    monkeypatch.setenv("SCELLE_PORT", "2")
    monkeypatch.setenv("SCELLE_HOST", "environment")
    settings = load_settings({"port": 3, "host": None}, file)
    assert (settings.port, settings.host, settings.log_level) == (3, "environment", "error")
    assert (settings.data, settings.session_seconds) == (Path("/file"), 3600)


def test_the_environment_may_name_the_file_a_flag_rules(config, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SCELLE_CONFIG", str(config('data = "/named"\n')))
    assert load_settings({}).data == Path("/named")
    other = tmp_path / "other.toml"
    other.write_text('data = "/flag"\n')
    assert load_settings({}, other).data == Path("/flag")


@pytest.mark.parametrize("text", ["erase", "erase,authority", " reencrypt , erase ", "erase,erase", ""])
def test_what_is_approved_is_named(monkeypatch, text) -> None:
    monkeypatch.setenv("SCELLE_DATA", "/data")
    monkeypatch.setenv("SCELLE_APPROVALS", text)
    assert load_settings({}).approvals == text


@pytest.mark.parametrize("text", ["all", "erase,", "erase;authority", "Erase", "erase,secret", ","])
def test_nothing_else_is_approved(monkeypatch, text) -> None:
    monkeypatch.setenv("SCELLE_DATA", "/data")
    monkeypatch.setenv("SCELLE_APPROVALS", text)
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    assert str(caught.value) == "approvals: name some of erase, authority, reencrypt, with commas between"


def test_an_empty_variable_is_not_set(monkeypatch) -> None:
    monkeypatch.setenv("SCELLE_PORT", "")
    monkeypatch.setenv("SCELLE_DATABASE_URL_FILE", "")
    assert load_settings({"data": "/d"}).port == 8440


def test_a_secret_may_rest_in_a_file(monkeypatch, tmp_path, config) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql+asyncpg://u:hunter2@db/scelle\n")
    monkeypatch.setenv("SCELLE_DATABASE_URL_FILE", str(secret))
    settings = load_settings({"data": "/d"}, config('database_url = "sqlite+aiosqlite:///file"\n'))
    assert settings.records_url == "postgresql+asyncpg://u:hunter2@db/scelle"
    assert "hunter2" not in repr(settings) + str(settings)
    monkeypatch.setenv("SCELLE_DATABASE_URL", "sqlite+aiosqlite:///x")
    with pytest.raises(SettingsError, match="both set"):
        load_settings({"data": "/d"})


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_read_is_named_by_its_variable(monkeypatch, tmp_path, content) -> None:
    secret = tmp_path / "url"
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.setenv("SCELLE_DATABASE_URL_FILE", str(secret))
    with pytest.raises(SettingsError, match="SCELLE_DATABASE_URL_FILE"):
        load_settings({"data": "/d"})


def test_what_is_not_ours_in_the_environment_is_passed_over(monkeypatch) -> None:
    monkeypatch.setenv("SCELLE_PASSWORD_FILE", "/the/clients")
    monkeypatch.setenv("PORT", "9")
    assert load_settings({"data": "/d"}).port == 8440


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('colour = "red-secret"', "colour"),
        ("port = 70000", "port"),
        ('port = "red-secret"', "port"),
        ("quota_bytes = 0", "quota_bytes"),
        ('origin = "red-secret"', "origin"),
        ('origin = "https://host/path"', "origin"),
        ("session_seconds = 0", "session_seconds"),
        ('trusted_proxies = "red-secret"', "trusted_proxies"),
        ("metrics_port = 65536", "metrics_port"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(config, text, names) -> None:
    with pytest.raises(SettingsError, match=names) as caught:
        load_settings({"data": "/d"}, config(text))
    assert "red-secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_missing_folder_a_missing_file_and_a_file_of_rubbish_are_said(config, tmp_path) -> None:
    with pytest.raises(SettingsError, match="data"):
        load_settings({})
    with pytest.raises(SettingsError, match="not there"):
        load_settings({"data": "/d"}, tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load_settings({"data": "/d"}, config("secret = = ="))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"host": "::1"}, "http://[::1]:5"),
        ({"host": "vault.example"}, "http://vault.example:5"),
        ({"origin": "https://vault.example"}, "https://vault.example"),
    ],
)
def test_the_origin_is_host_and_port_unless_it_is_set(flags, expected) -> None:
    assert load_settings({"data": "/d"} | flags).origin_at(5) == expected


OBJECTS = {
    "data": "/d",
    "s3_endpoint": "https://s3.example.org",
    "s3_bucket": "evidence",
    "s3_access_key": "who",
    "s3_secret_key": "hunter2",
}


def test_objects_may_be_elsewhere_than_in_the_folder(monkeypatch, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    monkeypatch.setenv("SCELLE_S3_SECRET_KEY_FILE", str(secret))
    settings = load_settings({name: value for name, value in OBJECTS.items() if name != "s3_secret_key"})
    assert settings.s3_secret_key is not None
    assert settings.s3_secret_key.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings) + str(settings)
    assert (settings.s3_style, settings.object_lock, settings.s3_prefix) == ("auto", "off", "")
    assert settings.lock_seconds is None
    days = {"object_lock": "governance", "archive_retention_days": 3}
    assert load_settings({"s3_secret_key": "hunter2", **OBJECTS, **days}).lock_seconds == 3 * 86_400


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"s3_bucket": None}, "s3_bucket is missing"),
        ({"s3_access_key": None}, "s3_access_key is missing"),
        ({"s3_secret_key": None}, "s3_secret_key is missing"),
        ({"s3_endpoint": None}, "s3_endpoint is missing"),
        ({"s3_endpoint": "http://s3.example.org"}, "https://"),
        ({"s3_endpoint": "http://10.0.0.1:8333"}, "https://"),
        ({"s3_endpoint": "https://who:hunter2@s3.example.org"}, "s3_endpoint"),
        ({"s3_endpoint": "https://s3.example.org/path"}, "s3_endpoint"),
        ({"s3_bucket": "Not/A/Bucket"}, "s3_bucket"),
        ({"s3_prefix": "a/../b"}, "s3_prefix"),
        ({"s3_prefix": "a/"}, "s3_prefix"),
        ({"upload_part_bytes": 4 * 1024**2}, "upload_part_bytes"),
        ({"s3_style": "virtual"}, "s3_style"),
        ({"object_lock": "forever"}, "object_lock"),
        ({"s3_endpoint": None, "s3_bucket": None, "object_lock": "governance"}, "object_lock needs"),
        ({"archive_retention_days": 0}, "archive_retention_days"),
    ],
)
def test_a_store_that_cannot_be_meant_is_refused(changed, said) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings(OBJECTS | changed)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        {"s3_endpoint": "http://127.0.0.1:8333"},
        {"s3_endpoint": "http://localhost:8333"},
        {"s3_endpoint": "http://[::1]:8333"},
        {"s3_endpoint": "http://store:8333", "s3_insecure": True},
    ],
)
def test_without_tls_it_is_on_this_machine_or_meant_so(more) -> None:
    assert load_settings(OBJECTS | more).s3_endpoint == more["s3_endpoint"]


@pytest.mark.parametrize("value", [0, 1024, 1024**2 + 1, 2 * 1024**3, -(1024**2)])
def test_parts_of_uploads_are_whole_mib(tmp_path, value) -> None:
    with pytest.raises(SettingsError, match="upload_part_bytes"):
        load_settings({"data": tmp_path, "upload_part_bytes": value})
    assert (
        load_settings({"data": tmp_path, "upload_part_bytes": 5 * 1024**2}).upload_part_bytes == 5 * 1024**2
    )
