"""Our own rules for what the service is deployed with. Nothing of it is run here: there may be no engine."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.deployment import (
    ROOT,
    compose,
    directive,
    dockerfile,
    instructions,
    one_shot,
    proxy,
    services,
)
from vault.api.problems import KINDS, Code
from vault.server.settings import PREFIX, Settings

SERVICES = sorted(services())
OURS = sorted(name for name, service in services().items() if service["image"].startswith("scelle:"))
SERVERS = ("server-1", "server-2")
TAG = re.compile(r"(?:[a-z0-9.-]+/)*[a-z0-9-]+:[0-9]+(?:\.[0-9]+)+(?:-[a-z0-9.]+)*")
SECRET = re.compile(r"pass|secret|key|token|credential|database_url", re.IGNORECASE)


# --- the compose file ------------------------------------------------------------------------------------


def test_the_compose_file_is_one_by_the_specification():
    """By the schema that the checker brings along: nothing is fetched."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(  # noqa: S603 - the checker of the development environment
        [checker, "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_two_servers_and_all_that_they_need():
    assert {*SERVERS, "proxy", "database", "objects", "migrate", "bucket", "fsync"} <= set(SERVICES)
    assert set(SERVERS) < set(OURS)


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_process_may_do_is_taken_from_it(name):
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    for dangerous in ("privileged", "pid", "ipc", "network_mode", "devices", "userns_mode"):
        assert dangerous not in service
    assert all("noexec" in place and "size=" in place for place in service["tmpfs"])
    assert all(re.fullmatch(r"[a-z-]+:/[a-z/]+", volume) for volume in service.get("volumes", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_looked_after(name):
    service = services()[name]
    if one_shot(service):
        assert service["healthcheck"] == {"disable": True}
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["healthcheck"].keys() >= {"interval", "timeout", "retries", "start_period"}
    assert service["mem_limit"]
    assert service["stop_grace_period"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_it_needs(name):
    for needed, how in services()[name].get("depends_on", {}).items():
        finished = "service_completed_successfully" if one_shot(services()[needed]) else "service_healthy"
        assert how == {"condition": finished}


def test_the_order_of_the_start():
    def needs(name):
        direct = set(services()[name].get("depends_on", {}))
        return direct.union(*(needs(one) for one in direct))

    assert needs("proxy") == set(SERVICES) - {"proxy"} - upkeep()
    for server in SERVERS:
        assert needs(server) >= {"migrate", "database", "bucket", "fsync", "objects"}


def upkeep():
    """Services that run beside all others, which nothing waits for."""
    needed = {one for service in services().values() for one in service.get("depends_on", {})}
    return set(SERVICES) - needed - {"proxy"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_have_a_version(name):
    assert TAG.fullmatch(services()[name]["image"]), services()[name]["image"]


def test_our_image_is_that_of_this_version_built_here():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    for name in OURS:
        assert services()[name]["image"] == f"scelle:{version}"
        assert services()[name]["build"] == {"context": ".", "target": "runtime"}
        assert services()[name]["user"] == instructions("USER")[0]
    assert f'org.opencontainers.image.version="{version}"' in instructions("LABEL")[0]


def test_the_proxy_alone_is_reached_from_outside():
    assert [name for name in SERVICES if "ports" in services()[name]] == ["proxy"]
    networks = compose()["networks"]
    open_ones = {name for name, network in networks.items() if not network.get("internal")}
    assert open_ones == {"edge"}
    assert [name for name in SERVICES if "edge" in services()[name]["networks"]] == ["proxy"]
    for store in ("database", "objects"):
        assert not set(services()["proxy"]["networks"]) & set(services()[store]["networks"])
    assert not set(services()["database"]["networks"]) & set(services()["objects"]["networks"])


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_files(name):
    service = services()[name]
    given = set(service.get("secrets", ()))
    assert given <= compose()["secrets"].keys()
    named = set(re.findall(r"/run/secrets/(\w+)", json.dumps(service)))
    if name == "proxy":
        named |= set(re.findall(r"/run/secrets/(\w+)", compose()["configs"]["proxy"]["content"]))
    assert named == given if name not in OURS else named <= given
    for variable, value in service.get("environment", {}).items():
        if SECRET.search(variable):
            assert variable.endswith("_FILE")
            assert value.startswith("/run/secrets/")
        else:
            assert not SECRET.search(value)
            assert "@" not in value


def test_every_secret_is_a_file_that_git_and_docker_pass_over():
    for name, secret in compose()["secrets"].items():
        assert secret == {"file": f"secrets/{name}"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", OURS)
def test_what_is_set_is_a_setting_that_can_be_used(name):
    given = services()[name]["environment"]
    fields = {variable.removeprefix(PREFIX).removesuffix("_FILE").lower() for variable in given}
    assert fields <= Settings.model_fields.keys()
    plain = {
        variable.removeprefix(PREFIX).lower(): value.replace("${", "vault.example.org${").partition("${")[0]
        for variable, value in given.items()
        if not variable.endswith("_FILE")
    }
    secrets = {
        variable.removeprefix(PREFIX).removesuffix("_FILE").lower(): "x" * 20
        for variable in given
        if variable.endswith("_FILE")
    }
    Settings(data="/data", **plain, **secrets)


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_there(name):
    known = {entry.name for entry in entry_points(group="scelle.commands")}
    assert services()[name]["command"][0] in known


def test_both_servers_are_the_same_server():
    first, second = (services()[name] for name in SERVERS)
    different = {key for key in first.keys() | second.keys() if first.get(key) != second.get(key)}
    assert different == {"depends_on"}


def test_a_transfer_may_end_before_its_server_is_killed():
    for name in SERVERS:
        seconds = int(services()[name]["environment"]["SCELLE_SHUTDOWN_SECONDS"])
        assert int(services()[name]["stop_grace_period"].removesuffix("s")) > seconds


# --- the store -------------------------------------------------------------------------------------------


def test_the_store_is_closed_to_strangers_tells_nobody_and_writes_through():
    flags = services()["objects"]["command"]
    assert flags[0] == "server"
    assert {"-master.telemetry=false", "-s3.config=/run/secrets/s3_config", "-s3.autoCreateBucket=false"} <= {
        *flags
    }
    assert any(flag.startswith("-s3.concurrentUploadLimitMB=") for flag in flags)
    (step,) = services()["fsync"]["command"]
    assert "fs.configure -locationPrefix=/buckets/ -fsync -apply" in step


# --- the proxy -------------------------------------------------------------------------------------------

SERVER = ("http", "server")
LOCATION = ("http", "server", "location /")


def test_the_proxy_has_time_outs_and_limits():
    for name, longest in (
        ("client_header_timeout", 15),
        ("client_body_timeout", 60),
        ("send_timeout", 60),
        ("keepalive_timeout", 75),
    ):
        (value,) = directive(name, "http")
        assert 0 < int(value.removesuffix("s")) <= longest
    assert directive("large_client_header_buffers", "http") == ("4", "8k")
    assert directive("limit_conn", *SERVER)
    assert directive("limit_req", *SERVER)
    assert directive("reset_timedout_connection", "http") == ("on",)


def test_the_proxy_takes_what_the_servers_take():
    (value,) = directive("client_max_body_size", "http")
    assert int(value.removesuffix("g")) * 1024**3 == Settings(data="/d").max_container_bytes


def test_the_proxy_keeps_nothing_and_passes_every_piece_on_at_once():
    assert directive("proxy_request_buffering", *LOCATION) == ("off",)
    assert directive("proxy_buffering", *LOCATION) == ("off",)
    assert directive("proxy_max_temp_file_size", *LOCATION) == ("0",)
    assert directive("access_log", "http") == ("off",)
    assert directive("error_log") == ("/dev/stderr", "crit")


def test_the_proxy_repeats_nothing_and_says_who_asked():
    assert directive("proxy_next_upstream", *LOCATION) == ("off",)
    headers = {one.values for one in proxy() if one.name == "proxy_set_header"}
    # Replaced, not added to: what whoever asks wrote there is not passed on.
    assert ("X-Forwarded-For", "$remote_addr") in headers
    assert ("Host", "$host") in headers
    (subnet,) = [entry["subnet"] for entry in compose()["networks"]["front"]["ipam"]["config"]]
    for name in SERVERS:
        assert services()[name]["environment"]["SCELLE_TRUSTED_PROXIES"] == subnet


def test_the_proxy_speaks_tls_and_knows_both_servers():
    assert directive("ssl_protocols", *SERVER) == ("TLSv1.2", "TLSv1.3")
    listens = [one.values for one in proxy() if one.name == "listen"]
    assert listens == [("8443", "ssl"), ("127.0.0.1:8081",)]
    known = [
        one.values[0]
        for one in proxy()
        if one.within == ("http", "upstream servers") and one.name == "server"
    ]
    assert known == [f"{name}:8440" for name in SERVERS]


def test_what_the_proxy_says_itself_is_said_as_the_servers_say_it():
    said = [one for one in proxy() if one.name == "return" and one.within[-1].startswith("location @")]
    assert len(said) == 3
    for one in said:
        problem = json.loads(one.values[1])
        kind = KINDS[Code(problem["code"])]
        assert (problem["status"], problem["title"]) == (kind.status, kind.title)
        assert one.values[0] == str(kind.status)
        assert problem["type"] == f"urn:scelle:problem:{problem['code']}"


# --- the image -------------------------------------------------------------------------------------------


def test_the_image_is_built_in_two_stages_and_takes_the_result_only():
    stages = [one.stage for one in dockerfile() if one.word == "FROM"]
    assert stages == ["build", "runtime"]
    for copied in instructions("COPY"):
        assert copied.startswith("--from=build ")
    assert instructions("RUN") == []


def test_the_base_has_a_version():
    for one in dockerfile():
        if one.word == "FROM":
            image = one.rest.split(" ")[0]
            assert TAG.fullmatch(image), image


def test_what_is_installed_is_what_is_locked():
    assert "pyproject.toml uv.lock ./" in instructions("COPY", "build")
    (sync,) = [run for run in instructions("RUN", "build") if '"sync"' in run]
    words = json.loads(sync)
    assert words[:2] == ["uv", "sync"]
    assert {"--frozen", "--no-dev", "--no-install-project", "--extra", "server"} <= {*words}
    for run in map(json.loads, instructions("RUN", "build")):
        if "pip" in run and run[0] == "uv":
            assert {"--no-deps", "--no-index"} <= {*run}
        elif "pip" in run:
            pinned = run[run.index("install") + 1 :]
            assert all(re.fullmatch(r"[a-z]+==[0-9.]+", word) for word in pinned)


def test_nothing_comes_from_elsewhere_and_no_shell_runs_it():
    words = {one.word for one in dockerfile()}
    assert "ADD" not in words
    assert "SHELL" not in words
    for run in instructions("RUN", "build"):
        # The exec form: no shell, so no pipe into one.
        assert isinstance(json.loads(run), list)
        assert not re.search(r"curl|wget|https?://", run)


def test_the_image_runs_as_nobody_in_particular():
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9][0-9]{3,}:[1-9][0-9]{3,}", user)
    order = [one.word for one in dockerfile() if one.stage == "runtime"]
    assert order.index("USER") < order.index("HEALTHCHECK") < order.index("ENTRYPOINT")
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert json.loads(entry) == ["/opt/scelle/bin/scelle"]
    assert json.loads(command) == ["serve"]
    assert isinstance(json.loads(instructions("HEALTHCHECK")[0].partition(" CMD ")[2]), list)
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(instructions("VOLUME")[0]) == ["/data"]


def test_the_image_holds_no_secret_and_names_where_it_comes_from():
    for one in dockerfile():
        if one.word in {"ENV", "ARG"}:
            assert not SECRET.search(one.rest)
    (labels,) = instructions("LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_only_what_the_image_is_made_of_is_sent_to_the_engine():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_through = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = set()
    for one in instructions("COPY", "build"):
        copied |= set(one.split(" ")[:-1])
    assert let_through == copied
