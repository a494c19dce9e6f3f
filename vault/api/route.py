"""What the route table is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from vault.api.problems import Code

if TYPE_CHECKING:
    from pydantic import BaseModel

JSON: Final = "application/json"
CONTAINER: Final = "application/vnd.scelle"
"""Media type of a whole container, of its envelope part and of its body."""
OCTETS: Final = "application/octet-stream"
"""Media type of a part of an upload."""
HTML: Final = "text/html"

ACTING_HEADER: Final = "Scelle-Acting-For"
"""A portal names here, by key id in hexadecimal, the editor that it acts for: it gets what both may do."""
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
REQUEST_ID_HEADER: Final = "X-Request-Id"
DIGEST_HEADER: Final = "Content-Digest"

_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class Tag(StrEnum):
    """The chapters of the documentation."""

    SIGN_IN = "sign-in"
    PEOPLE = "people"
    DOSSIERS = "dossiers"
    EVIDENCE = "evidence"
    UPLOADS = "uploads"
    JOURNAL = "journal"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path: everything that server, client and documentation need to agree on.

    Attributes:
        name: the operation id; handlers and client methods go by it.
        rule: name of the policy rule; a server does not start with one that is not written.
        request: model of the JSON body.
        sends: media type of a raw body, instead of ``request``.
        max_body: largest raw body in bytes, where no tenant's limit applies.
        answer: model of the JSON answer.
        gives: media type of a raw answer, instead of ``answer``.
        query: model of the query.
        idempotent: whether an Idempotency-Key is taken.
        if_match: whether If-Match is required.
        names: what If-Match names: ``seal id`` (the active one), ``generation`` (the envelope's) or ``root``
            (of what is erased).
        ranged: whether Range is taken.
        digested: whether Content-Digest is required.
        acting: whether a portal may name the editor that it acts for.
        problems: codes beside those that follow from the other attributes.
    """

    name: str
    method: str
    path: str
    summary: str
    rule: str
    tag: Tag
    status: int = 200
    request: type[BaseModel] | None = None
    sends: str | None = None
    max_body: int | None = None
    answer: type[BaseModel] | None = None
    gives: str | None = None
    query: type[BaseModel] | None = None
    idempotent: bool = False
    if_match: bool = False
    names: str = "seal id"
    ranged: bool = False
    digested: bool = False
    acting: bool = False
    problems: tuple[Code, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path's parameters, in order."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def public(self) -> bool:
        """Whether nobody has to be signed in."""
        return self.rule == "public"

    @property
    def codes(self) -> tuple[Code, ...]:
        """Every code that the route answers with, in the order of `Code`."""
        # A parameter, header or body that a route does not take is refused on every one of them.
        found = {*self.problems, Code.INVALID_REQUEST, Code.INTERNAL_ERROR, Code.UNAVAILABLE}
        if not self.public:
            found |= {
                Code.UNAUTHENTICATED,
                Code.CREDENTIAL_EXPIRED,
                Code.ACCOUNT_DISABLED,
                Code.FORBIDDEN,
                Code.NOT_HABILITATED,
            }
        if self.parameters:
            found.add(Code.NOT_FOUND)
        if self.request or self.sends:
            found |= {Code.BODY_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE}
        if self.idempotent:
            found.add(Code.IDEMPOTENCY_KEY_REUSED)
        if self.if_match:
            found |= {Code.PRECONDITION_REQUIRED, Code.PRECONDITION_FAILED}
        if self.digested:
            found.add(Code.DIGEST_MISMATCH)
        if self.ranged:
            found.add(Code.RANGE_NOT_SATISFIABLE)
        return tuple(code for code in Code if code in found)

    def url(self, **values: Any) -> str:
        """Return the path with its parameters filled in; the values are checked by whoever has them."""
        return _PARAMETER.sub(lambda match: str(values[match[1]]), self.path)
