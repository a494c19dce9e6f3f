from tests.suites.records_inheriting import InheritingSuite


class TestInheriting(InheritingSuite):
    pass
