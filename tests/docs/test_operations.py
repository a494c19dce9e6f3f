"""docs/operations.md: its tables are the code's, and its lines work."""

import json
import re
import shutil
import stat
import subprocess
from urllib.parse import urlsplit

import pytest

from client.cli.asking import PIN_VARIABLE
from client.tokens import LIBRARY_VARIABLE
from tests.deployment import ROOT, compose
from tests.docs.settings_table import described, table
from vault.server.metrics import Metrics
from vault.server.services.damage import Kind
from vault.server.settings import PREFIX, Settings

TEXT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def section(title):
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def code(language, title):
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


def test_every_setting_is_described_where_it_is_made():
    assert described().keys() == Settings.model_fields.keys()


def test_the_table_of_settings_is_that_of_the_code():
    """Otherwise: .venv/bin/python -m tests.docs.settings_table"""
    assert table() in section("Settings")
    assert section("Settings").count("| `SCELLE_") == len(Settings.model_fields)


def test_the_table_of_metrics_is_that_of_the_code():
    text = Metrics("0").render(missing=frozenset(), runs=()).decode()
    made = set(re.findall(r"(?m)^# TYPE (scelle_\w+) ", text))
    written = set(re.findall(r"(?m)^\| `(scelle_\w+)`", section("Metrics")))
    assert written == {name for name in made if not name.endswith("_created")}


def test_every_code_of_a_scrub_has_its_line():
    written = re.findall(r"(?m)^\| `([a-z_]+)` \|", section("Upkeep"))
    assert written
    assert sorted(written) == sorted(kind.value for kind in Kind)


def test_the_lines_that_draw_secrets_make_what_the_compose_file_asks_for(tmp_path):
    done = subprocess.run(  # noqa: S603 - our own lines
        [shutil.which("sh"), "-eu", "-c", code("sh", "Installing with Docker Compose")[0]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert made.keys() | {"tls_certificate", "tls_key"} == compose()["secrets"].keys()
    for path in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    url = urlsplit(made["database_url"])
    assert (url.scheme, url.username, url.hostname, url.path) == (
        "postgresql+asyncpg",
        "scelle",
        "database",
        "/scelle",
    )
    assert url.password == made["database_password"]
    assert re.fullmatch(r"[0-9a-f]{48}", url.password)
    (identity,) = json.loads(made["s3_config"])["identities"]
    assert identity["credentials"] == [
        {"accessKey": made["s3_access_key"], "secretKey": made["s3_secret_key"]}
    ]
    assert len(set(made.values())) == len(made)


def test_every_secret_is_given_to_whoever_reads_it():
    given = {
        name: user
        for user, names in re.findall(
            r"(?m)^chown (\d+) +(.*?) +#", code("sh", "Installing with Docker Compose")[1]
        )
        for name in names.split()
    }
    for service in compose()["services"].values():
        for secret in service.get("secrets", ()):
            assert given[f"secrets/{secret}"] == service["user"].partition(":")[0]


def test_the_unit_sets_what_can_be_set_and_takes_away_what_is_not_needed():
    (unit,) = code("ini", "Installing the wheel")
    variables = dict(re.findall(r"(?m)^Environment=(\w+)=(.*)$", unit))
    for variable in variables:
        assert variable.removeprefix(PREFIX).removesuffix("_FILE").lower() in Settings.model_fields
    assert int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]) > int(variables["SCELLE_SHUTDOWN_SECONDS"])
    assert {"DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet="} <= {
        *unit.splitlines()
    }


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`?(SCELLE_[A-Z0-9_]+)", TEXT))))
def test_every_variable_that_is_named_is_one(name):
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    known |= {f"{one}_FILE" for one in known} | {"SCELLE_CONFIG"}
    # What the compose file itself asks for, and the name of any setting.
    known |= set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    known |= {"SCELLE_NAME", "SCELLE_NAME_FILE"}
    # What the command itself asks for.
    known |= {LIBRARY_VARIABLE, PIN_VARIABLE}
    assert name in known
