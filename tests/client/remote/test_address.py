import pytest

from client.errors import UsageProblem
from client.remote.address import read_address, read_link


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://vault.example.org", "https://vault.example.org"),
        ("https://vault.example.org:443/", "https://vault.example.org"),
        ("HTTPS://Vault.example.org:8443/scelle/", "https://vault.example.org:8443/scelle"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_has_one_spelling(text, url):
    address = read_address(text)
    assert address.url == url
    assert address.origin == url.removesuffix("/scelle")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vault.example.org",
        "ftp://vault.example.org",
        "https://",
        "https://a:99999",
        "https://[::1",
        "file:///etc",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageProblem, match="not a service's URL"):
        read_address(text)


@pytest.mark.parametrize(
    "text", ["http://vault.example.org", "http://192.0.2.7:8080", "http://localhost.example"]
)
def test_nothing_is_sent_in_the_clear_to_another_machine(text):
    with pytest.raises(UsageProblem, match="without TLS"):
        read_address(text)
    assert read_address(text, allow_http=True).url == text


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(UsageProblem) as refused:
        read_address("https://alice:hunter2@vault.example.org")
    assert "hunter2" not in str(refused.value)


def test_a_link_names_the_service_and_a_code():
    address, code = read_link("https://vault.example.org/v1/templates/AbC-d_9")
    assert (address.url, code) == ("https://vault.example.org", "AbC-d_9")


@pytest.mark.parametrize(
    "text",
    [
        "https://vault.example.org",
        "https://vault.example.org/v1/templates/",
        "https://vault.example.org/v1/templates/a/b",
        "https://vault.example.org/v1/templates/a?b=c",
        "https://vault.example.org/v1/templates/é",
    ],
)
def test_what_is_no_link_is_refused(text):
    with pytest.raises(UsageProblem, match="not a template's link"):
        read_link(text)
