"""What a service raises when it says no: a code of the table, and a sentence that a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vault.api.problems import Code


class RefusedError(Exception):
    """The request is refused and nothing was changed.

    Attributes:
        code: which problem.
        detail: an English sentence; it carries no secret.
        field: the field, parameter or header at fault.
        extra: what the code promises beside it, such as the receipt of an earlier deposit.
        retry_after: seconds after which it is worth trying again.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        field: str | None = None,
        extra: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{code.value}: {detail}")
        self.code = code
        self.detail = detail
        self.field = field
        self.extra = extra
        self.retry_after = retry_after
