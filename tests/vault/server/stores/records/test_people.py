from tests.suites.records_people import PeopleSuite


class TestPeople(PeopleSuite):
    pass
