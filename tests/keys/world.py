"""A small world for judging: one authority, and one of each that it habilitates."""

import pytest

from keys.errors import StatementError
from keys.trust import Trust
from tests.keys.people import habilitate, key

AUTHORITY = key("authority")
REVIEWER = habilitate("reviewer", "reviewer")
PORTAL = habilitate("portal", "portal")
ADMIN = habilitate("admin", "admin")
ADMIN_B = habilitate("admin-b", "admin")
SERVER = habilitate("server", "server")
ALL = (REVIEWER, PORTAL, ADMIN, ADMIN_B, SERVER)
OPENER = key("portal")


def trust(*more, base=ALL, authority=AUTHORITY):
    return Trust(authority, [*base, *more])


def reason(judge, *args, **options):
    with pytest.raises(StatementError) as caught:
        judge(*args, **options)
    assert str(caught.value)
    return caught.value.reason
