from tests.suites.records_dossiers import DossierSuite


class TestDossiers(DossierSuite):
    pass
