"""Keys and containers for the tests of the client, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client.exchange.opening import Access
from client.exchange.sealing import gather, seal_files
from keys.keyfile import Use
from keys.keyring import Identity
from tests.keys.people import CHEAP
from vault.container.manifest import CarriedRecipient
from vault.container.sealing import SealRequest
from vault.container.slots import PasswordAccess

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def person() -> Identity:
    return Identity.generate(Use.PERSON)


@pytest.fixture(scope="session")
def stranger() -> Identity:
    return Identity.generate(Use.PERSON)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with three files, one of them in a folder of its own."""
    folder = tmp_path / "source"
    (folder / "annexes").mkdir(parents=True)
    (folder / "report.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 300)
    (folder / "annexes" / "notes.txt").write_text("some words\n")
    (folder / "empty.txt").touch()
    return folder


def request_for(*identities: Identity, **changes: object) -> SealRequest:
    recipients = tuple(CarriedRecipient("reader", 0, identity.public.kem) for identity in identities)
    request = SealRequest("D-1", "other", 1_800_000_000, recipients=recipients, cost=CHEAP)
    return request._replace(**changes)


def access_of(*identities: Identity, password: PasswordAccess | None = None) -> Access:
    keys = [identity.decapsulation for identity in identities]
    return Access(lambda: keys, (lambda: password) if password else None)


@pytest.fixture
def sealed(tree: Path, tmp_path: Path, person: Identity) -> Path:
    """A container of the tree, sealed by the person to itself and to a password."""
    output = tmp_path / "report.scelle"
    password = PasswordAccess("alice", "correct horse", identity=person.seed)
    seal_files(
        gather([str(tree)], "other"), str(output), request_for(person, passwords=[password]), person.signing
    )
    return output
