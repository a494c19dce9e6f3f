"""What this person's ``scelle`` remembers of services: whom to trust, the session, what was fetched.

One folder (mode 0700) below the user's data folder, or where ``SCELLE_HOME`` says; canonical JSON files of
mode 0600, each replaced in one step. Light on purpose: ``open`` looks here, and imports no HTTP for it.
"""

# pathlib would cost start-up time.
# ruff: noqa: PTH100, PTH102, PTH108, PTH112, PTH118, PTH120, PTH123, PTH208
from __future__ import annotations

import contextlib
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from client.errors import N_, ClientError, UsageProblem
from client.exchange.targets import AtomicFile
from client.records import (
    CHECKPOINTS,
    CURRENT,
    DOSSIER,
    GROUPS,
    PASSWORDS,
    PIN,
    PROOF,
    SESSION,
    Checkpoints,
    Current,
    Dossier,
    Group,
    Groups,
    Passwords,
    Pin,
    Proof,
    Session,
)
from keys.canonical import Record, decode, encode
from keys.errors import KeyMaterialError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME_VARIABLE: Final = "SCELLE_HOME"
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
MAX_FILE: Final = 8 * 1024 * 1024

T = TypeVar("T", bound=tuple[object, ...])


class Profile:
    """All services that this person knows."""

    def __init__(self, home: str) -> None:
        self.home: Final = home

    @classmethod
    def default(cls) -> Profile:
        """Return the profile of whoever runs this process."""
        home = os.environ.get(HOME_VARIABLE)
        if not home:
            from platformdirs import user_data_dir  # noqa: PLC0415 - only where nothing else is said

            home = user_data_dir("scelle", appauthor=False)
        return cls(os.path.abspath(home))

    def service(self, url: str) -> ServiceProfile:
        """Return what is remembered of the service at ``url``, which may be nothing yet."""
        return ServiceProfile(os.path.join(self.home, "services", sha256(url.encode()).hexdigest()[:32]), url)

    def services(self) -> Iterator[ServiceProfile]:
        """Yield every service that something is remembered of, the current one first."""
        current = self.current
        if current is not None:
            yield self.service(current)
        base = os.path.join(self.home, "services")
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(base)):
                pin = _read(os.path.join(base, name, "pin.json"), PIN)
                if pin is not None and pin.url != current:
                    yield self.service(pin.url)

    @property
    def current(self) -> str | None:
        """URL of the service that commands speak to, None before the first."""
        current = _read(os.path.join(self.home, "current.json"), CURRENT)
        return current.url if current else None

    def use(self, url: str) -> None:
        """Let commands speak to this service from now on."""
        _write(os.path.join(self.home, "current.json"), CURRENT, Current(url))

    def require_current(self) -> ServiceProfile:
        """Return the service that commands speak to.

        Raises:
            UsageProblem: there is none yet.
        """
        url = self.current
        if url is None:
            raise UsageProblem(
                N_("no service is known yet; begin with scelle login URL, or add --server URL")
            )
        return self.service(url)

    def find_proof(self, seal_id: bytes) -> tuple[ServiceProfile, Proof] | None:
        """Return what was kept with a fetched or deposited container, and of which service."""
        for service in self.services():
            if proof := service.proof(seal_id):
                return service, proof
        return None


class ServiceProfile:
    """What is remembered of one service.

    Attributes:
        url: where it is.
    """

    def __init__(self, folder: str, url: str) -> None:
        self._folder = folder
        self.url: Final = url

    def __repr__(self) -> str:
        return f"ServiceProfile({self.url})"

    @property
    def pin(self) -> Pin | None:
        """Whom to trust here, None where nobody was ever confirmed."""
        return _read(self._path("pin.json"), PIN)

    def keep_pin(self, pin: Pin) -> None:
        """Trust these keys from now on."""
        _write(self._path("pin.json"), PIN, pin)

    @property
    def session(self) -> Session | None:
        """Who is signed in."""
        return _read(self._path("session.json"), SESSION)

    def keep_session(self, session: Session) -> None:
        """Remember who is signed in."""
        _write(self._path("session.json"), SESSION, session)

    def forget_session(self) -> None:
        """Forget who was signed in."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path("session.json"))

    def dossier(self, dossier: str) -> Dossier:
        """Return the statements kept of a dossier, none if there are none."""
        kept = _read(self._path("dossiers", f"{_file_name(dossier)}.json"), DOSSIER)
        return kept or Dossier(dossier)

    def keep_dossier(self, dossier: Dossier) -> None:
        """Add these statements to those kept of a dossier, each once, the older ones first.

        What is asked of passwords takes the place of what was asked before.
        """
        self.keep_policy(dossier.dossier, dossier.passwords)
        _write(self._path("dossiers", f"{_file_name(dossier.dossier)}.json"), DOSSIER, self.joined(dossier))

    def keep_policy(self, dossier: str, policy: str | None) -> None:
        """Remember what the service asks of new passwords for a dossier; None changes nothing."""
        if policy is not None and policy != self.policy(dossier):
            path = self._path("passwords", f"{_file_name(dossier)}.json")
            _write(path, PASSWORDS, Passwords(dossier, policy))

    def policy(self, dossier: str) -> str | None:
        """Return what the service asked of new passwords for a dossier, None if it never said."""
        kept = _read(self._path("passwords", f"{_file_name(dossier)}.json"), PASSWORDS)
        return kept.policy if kept else None

    def forget_grants(self, dossier: str) -> None:
        """Forget what opens a dossier for this person; what says whom to believe about it stays."""
        kept = self.dossier(dossier)
        if kept.grants:
            path = self._path("dossiers", f"{_file_name(dossier)}.json")
            _write(path, DOSSIER, kept._replace(grants=()))

    def joined(self, dossier: Dossier) -> Dossier:
        """Return what `keep_dossier` would keep."""
        old = self.dossier(dossier.dossier)
        return Dossier(
            dossier.dossier,
            tuple(dict.fromkeys(old.keys + dossier.keys)),
            tuple(dict.fromkeys(old.grants + dossier.grants)),
            tuple(dict.fromkeys(old.mandates + dossier.mandates)),
            tuple(dict.fromkeys(old.issuers + dossier.issuers)),
        )

    def proof(self, seal_id: bytes) -> Proof | None:
        """Return what was kept of the container with this seal id."""
        return _read(self._path("proofs", f"{seal_id.hex()}.json"), PROOF)

    def keep_proof(self, proof: Proof) -> None:
        """Remember a container; the generation seen never goes back."""
        old = self.proof(proof.seal_id)
        if old is not None:
            proof = proof._replace(
                generation=max(old.generation, proof.generation), receipt=proof.receipt or old.receipt
            )
        _write(self._path("proofs", f"{proof.seal_id.hex()}.json"), PROOF, proof)

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints of the journal that were ever verified, the oldest first."""
        return _read(self._path("checkpoints.json"), CHECKPOINTS) or Checkpoints(())

    def keep_checkpoints(self, checkpoints: Checkpoints) -> None:
        """Remember checkpoints in the place of those before."""
        _write(self._path("checkpoints.json"), CHECKPOINTS, checkpoints)

    @property
    def groups(self) -> dict[str, Group]:
        """The groups of people that were made for this service, by name."""
        kept = _read(self._path("groups.json"), GROUPS) or Groups()
        return {group.name: group for group in kept.items}

    def keep_groups(self, groups: dict[str, Group]) -> None:
        """Remember groups in the place of those before."""
        _write(self._path("groups.json"), GROUPS, Groups(tuple(groups[name] for name in sorted(groups))))

    def _path(self, *names: str) -> str:
        return os.path.join(self._folder, *names)


def _file_name(dossier: str) -> str:
    """Return a name that is none of "." and "..", and not another's where case is not told apart."""
    return sha256(dossier.encode()).hexdigest()[:32]


def _read(path: str, codec: Record[T]) -> T | None:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None
    try:
        return decode(codec, data, maximum=MAX_FILE)
    except KeyMaterialError as error:
        raise ClientError(
            N_("{path}: this file of your profile is damaged; remove it and sign in or fetch again"),
            path=path,
        ) from error


def _write(path: str, codec: Record[T], value: T) -> None:
    data = encode(codec, value)
    _make_folder(os.path.dirname(path))
    with AtomicFile(path, force=True, mode=FILE_MODE) as file:
        file.write(data)
        file.commit()


def _make_folder(path: str) -> None:
    """Make a folder and those above it, all of them for their owner alone."""
    if os.path.isdir(path):
        return
    _make_folder(os.path.dirname(path))
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, FOLDER_MODE)
