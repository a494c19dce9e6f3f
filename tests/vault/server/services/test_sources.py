import pytest

from vault.server.services.sources import Sources

OURS = "10.0.0.0/24, 192.0.2.7 ,2001:db8::/64"


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "source"),
    [
        ("", "10.0.0.5", ["203.0.113.9"], "10.0.0.5"),
        (OURS, "10.0.0.5", [], "10.0.0.5"),
        (OURS, "10.0.0.5", ["203.0.113.9"], "203.0.113.9"),
        (OURS, "2001:db8::1", ["2001:DB8:1::9"], "2001:db8:1::9"),
        # Whoever asks may write what it likes; what our proxy saw stands at the end.
        (OURS, "10.0.0.5", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (OURS, "10.0.0.5", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        # Two proxies of ours, one behind the other.
        (OURS, "10.0.0.5", ["203.0.113.9, 192.0.2.7"], "203.0.113.9"),
        (OURS, "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        (OURS, "10.0.0.5", ["198.51.100.1, rubbish"], "10.0.0.5"),
        (OURS, "10.0.0.5", ["198.51.100.1:80"], "10.0.0.5"),
        (OURS, "10.0.0.5", ["203.0.113.9,"], "10.0.0.5"),
        (OURS, "", ["203.0.113.9"], ""),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(proxies, peer, forwarded, source):
    assert Sources(proxies).of(peer, forwarded) == source


@pytest.mark.parametrize("proxies", ["rubbish", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.1;10.0.0.2"])
def test_what_is_no_address_is_no_proxy(proxies):
    with pytest.raises(ValueError, match="not a list"):
        Sources(proxies)
