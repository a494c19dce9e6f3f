"""Routes: trust, challenges, sessions, and what the service says about itself."""

from __future__ import annotations

from typing import Final

from vault.api.models.service import Health, Readiness, VersionAnswer
from vault.api.models.signin import Challenge, ChallengeRequest, Me, Session, SessionRequest
from vault.api.models.trust import AuthorityPublication, Trust
from vault.api.problems import Code
from vault.api.route import HTML, JSON, Route, Tag

SERVICE: Final = (
    Route(
        name="live",
        method="GET",
        path="/livez",
        rule="public",
        tag=Tag.SERVICE,
        summary="Whether the process runs.",
        answer=Health,
    ),
    Route(
        name="ready",
        method="GET",
        path="/readyz",
        rule="public",
        tag=Tag.SERVICE,
        summary="Whether database and objects can be reached, and which cannot.",
        answer=Readiness,
    ),
    Route(
        name="version",
        method="GET",
        path="/version",
        rule="public",
        tag=Tag.SERVICE,
        summary="What runs here.",
        answer=VersionAnswer,
    ),
    Route(
        name="openapi",
        method="GET",
        path="/openapi.json",
        rule="public",
        tag=Tag.SERVICE,
        summary="This interface as OpenAPI 3.1.",
        gives=JSON,
    ),
    Route(
        name="docs",
        method="GET",
        path="/docs",
        rule="public",
        tag=Tag.SERVICE,
        summary="This interface as a page to read.",
        gives=HTML,
    ),
)

SIGN_IN: Final = (
    Route(
        name="get_trust",
        method="GET",
        path="/v1/trust",
        rule="public",
        tag=Tag.SIGN_IN,
        summary="The authority, the server's key and what is said about them.",
        answer=Trust,
    ),
    Route(
        name="publish_authority",
        method="PUT",
        path="/v1/authority",
        rule="admin",
        tag=Tag.SIGN_IN,
        summary="Publish the authority, once.",
        request=AuthorityPublication,
        answer=Trust,
        problems=(Code.ALREADY_EXISTS, Code.STATEMENT_INVALID),
    ),
    Route(
        name="create_challenge",
        method="POST",
        path="/v1/challenges",
        rule="public",
        tag=Tag.SIGN_IN,
        summary="Get something to sign, to sign in or to enrol.",
        status=201,
        request=ChallengeRequest,
        answer=Challenge,
        problems=(Code.TOO_MANY_ATTEMPTS,),
    ),
    Route(
        name="create_session",
        method="POST",
        path="/v1/sessions",
        rule="public",
        tag=Tag.SIGN_IN,
        summary="Sign in with a key, for one hour.",
        status=201,
        request=SessionRequest,
        answer=Session,
        problems=(Code.SIGN_IN_FAILED, Code.TOO_MANY_ATTEMPTS),
    ),
    Route(
        name="delete_session",
        method="DELETE",
        path="/v1/sessions",
        rule="signed_in",
        tag=Tag.SIGN_IN,
        summary="Sign out: end the session that asks.",
        status=204,
    ),
    Route(
        name="get_me",
        method="GET",
        path="/v1/me",
        rule="signed_in",
        tag=Tag.SIGN_IN,
        summary="Who one is to the server.",
        answer=Me,
    ),
)
