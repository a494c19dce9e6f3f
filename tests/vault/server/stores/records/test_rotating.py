from tests.suites.records_rotating import RotatingSuite


class TestRotating(RotatingSuite):
    pass
