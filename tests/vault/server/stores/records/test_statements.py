from tests.suites.records_statements import StatementSuite


class TestStatements(StatementSuite):
    pass
