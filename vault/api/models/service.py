"""What the service says about itself."""

from __future__ import annotations

from pydantic import Field

from vault.api.models.approvals import Act  # noqa: TC001 - pydantic evaluates the annotations
from vault.api.models.base import Answer


class Health(Answer):
    """That it runs."""

    status: str = Field(description="ok.")


class Readiness(Answer):
    """That it can do its work, and what that takes."""

    status: str = Field(description="ok; where it is not, the answer is the problem unavailable.")
    parts: dict[str, str] = Field(
        description="By name: database, schema, objects, running. A problem names those that are not ready."
    )


class VersionAnswer(Answer):
    """What runs here."""

    name: str
    version: str
    api: str = Field(description="The version in the paths.")
    container: int = Field(description="The version of the container format.")
    approvals: tuple[Act, ...] = Field((), description="What is done only where two admins approve it.")
