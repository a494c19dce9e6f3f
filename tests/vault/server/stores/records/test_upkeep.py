from tests.suites.records_upkeep import UpkeepSuite


class TestUpkeep(UpkeepSuite):
    pass
