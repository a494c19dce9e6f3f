from tests.suites.records_reencrypting import ReencryptingSuite


class TestReencrypting(ReencryptingSuite):
    pass
