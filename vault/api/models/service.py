"""What the service says about itself."""

from __future__ import annotations

from pydantic import Field

from vault.api.models.base import Answer


class Health(Answer):
    """Whether it runs, and whether it can do its work."""

    status: str = Field(description="ok, or unavailable.")


class VersionAnswer(Answer):
    """What runs here."""

    name: str
    version: str
    api: str = Field(description="The version in the paths.")
    container: int = Field(description="The version of the container format.")
