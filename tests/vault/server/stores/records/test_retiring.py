from tests.suites.records_retiring import RetiringSuite


class TestRetiring(RetiringSuite):
    pass
