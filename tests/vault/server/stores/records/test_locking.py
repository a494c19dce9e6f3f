from tests.suites.records_locking import LocksSuite


class TestLocks(LocksSuite):
    pass
