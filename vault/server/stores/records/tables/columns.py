"""The columns that the tables are made of, and the metadata that all of them belong to."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, MetaData, String

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

ID_LENGTH: Final = 32
DOSSIER_LENGTH: Final = 64


def id_(name: str = "id", *constraints: ForeignKey, **options: Any) -> Column[str]:
    """A name drawn by `vault.server.ports.new_id`."""
    return Column(name, String(ID_LENGTH), *constraints, **{"nullable": False} | options)


def digest(name: str, *constraints: ForeignKey, **options: Any) -> Column[bytes]:
    """32 bytes: a SHA-256, a seal id, a key id."""
    return Column(name, LargeBinary(32), *constraints, **{"nullable": False} | options)


def octets(name: str, **options: Any) -> Column[bytes]:
    """Bytes of any length."""
    return Column(name, LargeBinary, **{"nullable": False} | options)


def words(name: str, length: int, *constraints: ForeignKey, **options: Any) -> Column[str]:
    """Text of at most ``length`` characters."""
    return Column(name, String(length), *constraints, **{"nullable": False} | options)


def number(name: str, **options: Any) -> Column[int]:
    """A count, bytes, a position or UTC seconds."""
    return Column(name, BigInteger, **{"nullable": False} | options)


def dossier(*, nullable: bool = False) -> Column[str]:
    """The dossier that a row belongs to."""
    return Column("dossier_id", String(DOSSIER_LENGTH), ForeignKey("dossiers.id"), nullable=nullable)


def created() -> tuple[Column[int], Column[int]]:
    """Which journal entry a row came with, and when."""
    return number("position"), number("created_at")
