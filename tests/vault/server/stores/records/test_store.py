from tests.suites.records_contention import ContentionSuite
from tests.suites.records_law import LawSuite


class TestLaw(LawSuite):
    pass


class TestContention(ContentionSuite):
    pass
