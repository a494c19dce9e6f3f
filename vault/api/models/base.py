"""What every message is made of: strict models and the spelling of keys, times and signed statements.

Byte strings that name something (key ids, seal ids, digests) are lower-case hexadecimal, because they also
stand in paths and headers. All other byte strings are base64url without padding. Times are UTC seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_LIST: Final = 200
"""The largest page of a list."""

MAX_JSON_BYTES: Final = 1024 * 1024
"""The largest JSON body: a dossier opened with a grant for each of sixty reviewers fits."""

Hex16 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A name that the server gave: 16 random bytes."""

Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A key id, a seal id or a digest: 32 bytes."""

Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=65_536)]
"""Bytes in base64url without padding."""

DossierId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""The dossier's name, as it stands in seals."""

EvidenceType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]{1,64}$")]
"""The type of a proof, as it stands in seals."""

# No control character: what is shown on a terminal or written to a log must not steer it.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")
]
"""A name for people."""

PasswordPolicy = Annotated[str, StringConstraints(pattern=r"^(generated|strength:[1-4]|forbidden)$")]
"""What an organisation asks of new passwords: made by the client; or chosen, with at least this score of
zxcvbn (1 to 4); or none at all."""

Time = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""UTC seconds."""

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]

T = TypeVar("T")


class Request(BaseModel):
    """What a client sends. An unknown field is refused, a wrong type is not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """What the server answers. A client passes over fields that it does not know yet."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Query(BaseModel):
    """The parameters of a query. They are text, so numbers are converted; an unknown name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Stored = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=400_000)]
"""Bytes in base64url without padding: an envelope of the largest size, and more than a seal, fit."""


class SignedStatement(BaseModel):
    """A statement and its signature, as the key tools write them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    statement: Base64
    signature: Base64


class Paging(Query):
    """Where a page begins and how much it holds."""

    cursor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIST)] = 50


class Page(Answer, Generic[T]):
    """Part of a list; ``next`` is the cursor of the following part, absent on the last."""

    items: tuple[T, ...]
    next: str | None = None


class Problem(Answer):
    """RFC 9457. ``code`` is stable, ``field`` names the field at fault, ``extra`` what the code promises."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    request_id: str | None = None
    extra: dict[str, Any] | None = None
