from tests.suites.records_uploads import UploadSuite


class TestUploads(UploadSuite):
    pass
