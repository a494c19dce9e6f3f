"""What an operator can set: by flags, else by environment, else in a file, else the defaults below.

A setting ``name`` is ``SCELLE_NAME`` in the environment and ``name`` in the TOML file. ``SCELLE_NAME_FILE``
names a file that holds the value, for what should not stand in an environment; it counts as the environment.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from vault.server.services.approvals import acts_of
from vault.server.services.sources import Sources
from vault.server.stores.records.engine import sqlite_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

PREFIX: Final = "SCELLE_"
MAX_SECRET_FILE: Final = 65_536

_MIB: Final = 1024**2
_GIB: Final = 1024**3
_DAY: Final = 86_400
_LEAST_S3_PART: Final = 5 * _MIB
"""S3 takes no shorter parts but the last one."""

Seconds = Annotated[int, Field(ge=1, le=366 * _DAY)]
Bytes = Annotated[int, Field(ge=1, le=2**53 - 1)]
Part = Annotated[int, Field(ge=_MIB, le=_GIB, multiple_of=_MIB)]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.:\[\]-]{1,255}$")]
Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$", max_length=200)]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _networks(text: str) -> str:
    Sources(text)
    return text


def _acts(text: str) -> str:
    acts_of(text)
    return text


class SettingsError(Exception):
    """A setting cannot be used; the text names it and never its value."""


class Settings(BaseSettings):
    """The settings of one server.

    Attributes:
        data: the folder that holds everything by default: records, objects, the server's key.
        host: address to listen on.
        port: TCP port to listen on; 0 takes a free one.
        origin: the service's name as clients reach it, signed into every sign-in; by default host and port.
        database_url: records elsewhere than in the folder.
        server_key_file: the server's signing key elsewhere than in the folder: all servers of one service
            sign with the same.
        auto_migrate: whether a server that starts brings an older schema up to date; by default with SQLite
            alone.
        s3_endpoint: URL of an S3 service for the objects, instead of the folder.
        s3_insecure: whether that URL may be http elsewhere than on this machine.
        s3_bucket: the bucket there, which is made beforehand.
        s3_prefix: before every name in the bucket.
        s3_region: what requests are signed for.
        s3_access_key: who asks.
        s3_secret_key: with it.
        s3_ca_file: certificates to trust there in the place of the system's.
        s3_style: whether the bucket's name stands in the path or in the host's name.
        object_lock: how the bucket keeps archived proofs from being removed: `off` not at all, `governance`
            until somebody lifts it who may, `compliance` whoever asks; it has to be made for that.
        archive_retention_days: for how long it does, from the day on which a proof is archived.
        max_container_bytes: size of one deposit, where an organisation has no limit of its own.
        quota_bytes: what an organisation may store, where it has no quota of its own.
        session_seconds: life of a session.
        challenge_seconds: life of a challenge.
        enrolment_seconds: life of an enrolment code.
        upload_seconds: how long an upload session waits for its next part.
        upload_part_bytes: length of an upload's parts, in whole MiB, on S3 5 or more; longer where need be.
        answer_seconds: how long an answer is remembered under its idempotency key.
        sign_in_failures: failures of one source within the window, before it has to wait.
        sign_in_window: seconds of that window.
        janitor_seconds: how often the server looks for what broken deposits left behind; 0 for never.
        shutdown_seconds: how long transfers in flight may go on after a signal to end.
        trusted_proxies: addresses and networks of the proxies in front, with commas between; whom they
            name in `X-Forwarded-For` is where a request comes from.
        approvals: what is done only where two admins approve it, with commas between: `erase` a dossier,
            rotate the `authority`, `reencrypt` what a dossier holds; the same on every server of one service.
        metrics_port: TCP port where `/metrics` is shown; 0 takes a free one; by default nowhere.
        metrics_host: address for it to listen on.
        log_level: the least that is logged.
        log_format: json lines, or text for people.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data: Path
    host: Annotated[str, StringConstraints(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8440
    origin: Origin | None = None
    database_url: SecretStr | None = None
    server_key_file: Path | None = None
    auto_migrate: bool | None = None
    s3_endpoint: Origin | None = None
    s3_insecure: bool = False
    s3_bucket: Bucket | None = None
    s3_prefix: Prefix = ""
    s3_region: Region = "us-east-1"
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None
    s3_ca_file: Path | None = None
    s3_style: Literal["auto", "path", "virtual-host"] = "auto"
    object_lock: Literal["off", "governance", "compliance"] = "off"
    archive_retention_days: Annotated[int, Field(ge=1, le=36_525)] = 3650
    max_container_bytes: Bytes = 16 * _GIB
    quota_bytes: Bytes = 256 * _GIB
    session_seconds: Seconds = 3600
    challenge_seconds: Seconds = 300
    enrolment_seconds: Seconds = 7 * _DAY
    upload_seconds: Seconds = 7 * _DAY
    upload_part_bytes: Part = 8 * _MIB
    answer_seconds: Seconds = _DAY
    sign_in_failures: Annotated[int, Field(ge=1, le=1000)] = 10
    sign_in_window: Seconds = 900
    janitor_seconds: Annotated[int, Field(ge=0, le=366 * _DAY)] = 3600
    shutdown_seconds: Seconds = 30
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = ""
    approvals: Annotated[str, AfterValidator(_acts)] = ""
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    metrics_host: Annotated[str, StringConstraints(min_length=1, max_length=255)] = "127.0.0.1"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the order: flags, environment, files named in the environment. No .env file is looked for."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _NamedFiles(settings_cls)

    @property
    def lock_seconds(self) -> int | None:
        """How long the bucket keeps a proof from being removed after it was archived; None: not at all."""
        return None if self.object_lock == "off" else self.archive_retention_days * _DAY

    @model_validator(mode="after")
    def _check_objects(self) -> Self:
        if self.s3_endpoint is None:
            if self.object_lock != "off":
                raise ValueError("object_lock needs an object store: set s3_endpoint")
            if self.s3_bucket is not None:
                raise ValueError("s3_endpoint is missing")
            return self
        for name in ("s3_bucket", "s3_access_key", "s3_secret_key"):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing")
        url = urlsplit(self.s3_endpoint)
        if url.scheme == "http" and not self.s3_insecure and not _is_this_machine(url.hostname or ""):
            raise ValueError("s3_endpoint has to begin with https://, unless s3_insecure is set")
        if self.upload_part_bytes < _LEAST_S3_PART:
            # Otherwise the store would say so when the last part has come.
            raise ValueError("upload_part_bytes has to be at least 5 MiB with s3_endpoint")
        return self

    @property
    def store_folder(self) -> Path:
        """Where objects are kept."""
        return self.data / "store"

    @property
    def server_key_path(self) -> Path:
        """Where the server's signing key is kept."""
        return self.server_key_file or self.data / "server.key"

    @property
    def records_url(self) -> str:
        """The database's URL; it may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return sqlite_url(self.data / "records.db")

    def origin_at(self, port: int) -> str:
        """Return the service's name, ``port`` being the one that it listens on."""
        if self.origin is not None:
            return self.origin
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}"


def load_settings(flags: Mapping[str, object], file: Path | None = None) -> Settings:
    """Return the settings of this process.

    Args:
        flags: by name, what was typed; None counts as not typed.
        file: the TOML file; None: the one that ``SCELLE_CONFIG`` names, or none.

    Raises:
        SettingsError: a setting is unknown, missing or of a wrong form, or a file cannot be read.
    """
    named = os.environ.get(f"{PREFIX}CONFIG")
    config = file if file is not None else (Path(named) if named else None)

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *sources: Any, **named_sources: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            above = super().settings_customise_sources(settings_cls, *sources, **named_sources)
            return (*above, *(() if config is None else (TomlConfigSettingsSource(settings_cls, config),)))

    if config is not None and not config.is_file():
        raise SettingsError("the configuration file is not there")
    typed: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Loaded(**typed)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name, reason = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: {reason}" if name else reason) from None
    except (OSError, ValueError) as error:
        # A parser's own words may quote the file.
        raise SettingsError(f"the configuration cannot be read: {type(error).__name__}") from None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _NamedFiles(PydanticBaseSettingsSource):
    """``SCELLE_NAME_FILE``: the value is what that file holds, without white space around it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value, the field's name, and that it is plain text."""
        del field
        variable = f"{PREFIX}{field_name.upper()}"
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            return None, field_name, False
        if os.environ.get(variable):
            raise SettingsError(f"{variable} and {variable}_FILE are both set")
        try:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(MAX_SECRET_FILE)
        except (OSError, ValueError):
            raise SettingsError(f"the file that {variable}_FILE names cannot be read") from None
        return text.strip(), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return every setting that a file was named for."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, _ = self.get_field_value(field, name)
            if value is not None:
                found[name] = value
        return found
