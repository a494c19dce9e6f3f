from dataclasses import replace

import pytest

from vault.api.routes import BY_NAME, ROUTES
from vault.server import app
from vault.server.gate import UnruledRouteError, check_rules
from vault.server.handlers.table import HANDLERS


def test_the_table_is_covered():
    check_rules(ROUTES)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rule": "whoever"}, "there is no rule"),
        ({"rule": "signed_in"}, "does not judge the dossier"),
        ({"path": "/v1/dossiers/{dossier}/{colour}"}, "there is no form for colour"),
        ({"path": "/v1/evidence/{evidence}/versions/{number}"}, "does not judge the evidence"),
    ],
)
def test_a_route_that_nobody_judges_does_not_start(change, reason):
    route = replace(BY_NAME["get_dossier"], **change)
    with pytest.raises(UnruledRouteError, match=reason):
        check_rules([route])


def test_the_server_does_not_start_with_one(monkeypatch):
    unruled = replace(BY_NAME["get_dossier"], name="extra", path="/v1/extra/{dossier}", rule="nobody")
    monkeypatch.setattr(app, "ROUTES", (*ROUTES, unruled))
    with pytest.raises(UnruledRouteError):
        app.create_app(None, None)


def test_nor_with_a_route_that_nobody_serves_or_a_handler_without_a_route(monkeypatch):
    monkeypatch.setattr(app, "ROUTES", ROUTES[1:])
    with pytest.raises(app.UnhandledRouteError, match=ROUTES[0].name):
        app.create_app(None, None)


def test_handlers_stay_short():
    for name, handler in HANDLERS.items():
        code = handler.__code__
        lines = {line for _, _, line in code.co_lines() if line is not None}
        assert max(lines) - min(lines) <= 12, name
