"""A bucket behind TLS: what people are told to set where its certificate is not trusted."""

from urllib.parse import urlsplit

import pytest

from tests.engines.authority import Authority
from tests.engines.seaweed import HOST, Seaweed


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(authority):
    files = authority.file.with_name("server.pem"), authority.file.with_name("server.key")
    authority.issue(*files, [HOST])
    server = Seaweed(tls=files, ca_file=authority.file)
    server.start()
    yield server
    server.close()


@pytest.fixture
def variables(secure, authority):
    return {**secure.environment(secure.new_bucket()), "SCELLE_S3_CA_FILE": str(authority.file)}


@pytest.fixture
def refused(host, secure, variables):
    """Return what a command says that cannot use the store, with some variables changed."""

    def ask(*words, language="C.UTF-8", **changed):
        given = {name: value for name, value in (variables | changed).items() if value}
        done = host.run(*(words or ("store", "check")), "--data", host.data, LC_ALL=language, **given)
        assert (done.returncode, done.stdout) == (7, "")
        assert secure.secret_key not in done.stderr
        return done.stderr

    return ask


def test_with_its_authority_it_can_be_trusted_and_a_server_runs(host, variables):
    done = host.run("store", "check", "--data", host.data, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    server = host.serve(SCELLE_DATA=str(host.data), **variables)
    assert server.get("/readyz")["status"] == "ok"
    assert server.stop() == 0


@pytest.mark.parametrize("words", [("store", "check"), ("serve", "--port", "0")])
def test_without_its_authority_the_setting_is_named(refused, words):
    assert refused(*words, SCELLE_S3_CA_FILE="") == (
        "scelle: the object store's certificate is not trusted; if an authority of your own issued it, let "
        "SCELLE_S3_CA_FILE name a file with that authority's certificate\n"
    )


def test_with_another_authority_the_file_is_named(refused, tmp_path):
    other = Authority(tmp_path, "another")
    assert refused(SCELLE_S3_CA_FILE=str(other.file)) == (
        f"scelle: the object store's certificate was not issued by an authority in {other.file}; let "
        "SCELLE_S3_CA_FILE name a file with the certificate of the authority that did\n"
    )


def test_another_name_than_the_certificates(refused, secure):
    elsewhere = f"https://localhost:{secure.port}"
    assert "let SCELLE_S3_ENDPOINT name the host as the certificate does" in refused(
        SCELLE_S3_ENDPOINT=elsewhere
    )


def test_http_where_tls_is_spoken_and_tls_where_it_is_not(refused, secure, seaweed):
    plain = urlsplit(secure.endpoint)._replace(scheme="http").geturl()
    assert refused(SCELLE_S3_ENDPOINT=plain, SCELLE_S3_CA_FILE="") == (
        "scelle: the object store speaks TLS at this port; let SCELLE_S3_ENDPOINT begin with https://\n"
    )
    assert refused(SCELLE_S3_ENDPOINT=f"https://{seaweed.host}").startswith(
        "scelle: the object store does not speak TLS at this port; let SCELLE_S3_ENDPOINT name"
    )


def test_a_certificate_that_has_expired(refused, secure, authority):
    files = authority.file.with_name("server.pem"), authority.file.with_name("server.key")
    authority.issue(*files, [HOST], ended=True)
    try:
        secure.kill()
        secure.start()
        assert "has expired, or is not valid yet; renew it" in refused()
    finally:
        authority.issue(*files, [HOST])
        secure.kill()
        secure.start()


def test_in_french(refused):
    assert "que SCELLE_S3_CA_FILE nomme un fichier" in refused(language="fr_FR.UTF-8", SCELLE_S3_CA_FILE="")
