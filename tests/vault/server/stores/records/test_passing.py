from tests.suites.records_passing import PassingSuite


class TestPassing(PassingSuite):
    pass
