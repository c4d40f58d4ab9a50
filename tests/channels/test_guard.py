"""Which addresses a webhook may have."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.channels.webhook.guard import AddressRefused, Guard, check_url, queue_of
from dispatch.errors import UsageError
from dispatch.networks import literal

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
DENIED = [
    "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1",
    "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "4000::1", "8000::1", "1000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", DENIED)
def test_denied_addresses(address: str) -> None:
    """Every range that is not the public Internet, whatever this Python's `is_global` says."""
    with pytest.raises(AddressRefused, match="allow_networks"):
        Guard().check(ipaddress.ip_address(address), "https", 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1", "2a00::1"])
def test_public_addresses(address: str) -> None:
    Guard().check(ipaddress.ip_address(address), "https", 443)
    Guard().check(ipaddress.ip_address(address), "https", 8443)


@pytest.mark.parametrize(("scheme", "port", "reason"), [("http", 443, "not encrypted"), ("https", 22, "port 22")])
def test_public_addresses_need_https_and_a_web_port(scheme: str, port: int, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        Guard().check(ipaddress.ip_address("8.8.8.8"), scheme, port)


def test_the_refusal_names_rule_and_setting() -> None:
    with pytest.raises(AddressRefused) as refused:
        Guard((LOOPBACK,)).check(ipaddress.ip_address("10.1.2.3"), "https", 443)
    for part in ("10.1.2.3", "10.0.0.0/8", "RFC 1918", "[webhook] allow_networks", "DISPATCH_WEBHOOK__ALLOW_NETWORKS"):
        assert part in str(refused.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"])
def test_in_an_allowed_network_anything_goes(address: str) -> None:
    """Also an IPv4 address in IPv6 clothes; and only there."""
    guard = Guard((LOOPBACK,))
    guard.check(ipaddress.ip_address(address), "http", 22)
    with pytest.raises(AddressRefused):
        guard.check(ipaddress.ip_address("::1"), "http", 22)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("10.1", "10.0.0.1"),
        ("1.2.3", "1.2.0.3"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7F.0.0.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("0x", "0.0.0.0"),
        ("::1", "::1"),
    ],
)
def test_all_forms_of_an_address_are_that_address(host: str, address: str) -> None:
    assert literal(host) == ipaddress.ip_address(address)


@pytest.mark.parametrize("host", ["256.1.1.1", "1.2.3.4.5", "1.2.3.256", "4294967296", "08.0.0.1", "a.1", "1.0xg.2"])
def test_hosts_that_end_in_a_number_and_are_no_address(host: str) -> None:
    with pytest.raises(ValueError, match="IPv4"):
        literal(host)


@pytest.mark.parametrize("host", ["example.com", "1.example.com", "0xfeed.example", "face.b00c"])
def test_names_are_no_addresses(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize(
    ("url", "normal", "queue"),
    [
        ("https://Hooks.Example.com", "https://hooks.example.com/", "webhook:hooks.example.com"),
        (" https://a.example:443/x?y=1#z ", "https://a.example/x?y=1", "webhook:a.example"),
        ("https://a.example.:8443/x", "https://a.example:8443/x", "webhook:a.example:8443"),
        (
            "HTTPS://高新区.example/路径?名=值",
            "https://xn--dkr924bn02b.example/%E8%B7%AF%E5%BE%84?%E5%90%8D=%E5%80%BC",
            None,
        ),
        ("https://8.8.8.8/x%20y", "https://8.8.8.8/x%20y", "webhook:8.8.8.8"),
        ("https://134744072/", "https://8.8.8.8/", "webhook:8.8.8.8"),
        ("https://ſlack.com/", "https://slack.com/", "webhook:slack.com"),
        ("https://fаcebook.com/", "https://xn--fcebook-2fg.com/", "webhook:xn--fcebook-2fg.com"),
        ("https://localhost.example/", "https://localhost.example/", "webhook:localhost.example"),
        ("https://[2606:4700:0::1]:8443/", "https://[2606:4700::1]:8443/", "webhook:[2606:4700::1]:8443"),
    ],
)
def test_addresses_are_brought_into_a_normal_form(url: str, normal: str, queue: str | None) -> None:
    """Normal forms stay as they are, and give the queue."""
    assert check_url(url) == normal
    assert check_url(normal) == normal
    if queue:
        assert queue_of(normal) == queue


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "without blanks"),
        ("ftp://a.example/", "begins with https"),
        ("a.example/x", "begins with https"),
        ("javascript:alert(1)", "begins with https"),
        ("https://", "needs a host"),
        ("https://user:secret@a.example/", "user name"),
        ("https://@a.example/", "user name"),
        ("https://a.example\\@b.example/", "backslashes"),
        ("https://a.exa\tmple/", "blanks"),
        ("https://a.example/\r\nX: y", "blanks"),
        ("https://a.example:99999/", "ort"),
        ("https://a.example:x/", "ort"),
        ("https://a.example:0/", "port 0"),
        ("https://[::1/", "not a webhook address"),
        ("https://[fe80::1%25eth0]/", "zone"),
        ("https://a%2eexample/", "zone"),
        ("https://a..example/", "host name"),
        ("https://-a.example/", "host name"),
        ("https://" + "a" * 64 + ".example/", "host name"),
        ("https://a.example/" + "x" * 2000, "2000"),
        ("http://a.example/", "not encrypted"),
        ("https://a.example:8080/", "port 8080"),
        ("https://127.0.0.1/", "loopback"),
        ("https://0x7f.1/", "loopback"),
        ("https://2130706433/", "loopback"),
        ("https://１２７.0.0.1/", "loopback"),
        ("https://127。0。0。1/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:10.0.0.1]/", "IPv4-mapped"),
        ("https://169.254.169.254/latest/meta-data/", "link-local"),
        ("https://256.1.1.1/", "IPv4"),
        ("https://[::ffff:7f00:1]/", "IPv4-mapped"),
        ("https://[64:ff9b::7f00:1]/", "NAT64"),
        ("https://[::127.0.0.1]/", "IPv4-compatible"),
        ("https://[2606:4700::1]evil.example/", "IPv6 address"),
        ("https://[2606:4700::1].example/", "IPv6 address"),
        ("https://[v1.x]/", "IPv6 address|not a webhook address"),
        ("https://017700000001/", "loopback"),
        ("https://0/", "this network"),
        ("https://①②⑦.0.0.1/", "loopback"),
        ("https://localhost/", "RFC 6761"),
        ("https://LOCALHOST.:8443/", "RFC 6761"),
        ("https://hooks.localhost/", "RFC 6761"),
        ("https://printer.local/", "RFC 6762"),
        ("https://metadata.google.internal/", "networks of one's own"),
        ("https://nas.home.arpa/", "RFC 8375"),
        ("https://x.onion/", "RFC 7686"),
        ("https://intranet/", "no dot"),
        ("https://a.example../", "host name"),
        ("https://a.example/\ud800", "unseen"),
        ("https://\ud800.example/", "unseen"),
        ("https://a.example/\u202egnp.x", "unseen"),
        ("https://a\u200b.example/", "unseen"),
        ("https://a.example\u2028/", "unseen"),
        ("https://a.example;b/", "host name"),
        ("https://a.example:443:443/", "ort"),
    ],
)
def test_refused_addresses(url: str, reason: str) -> None:
    """Each with its reason, and none with a password in it."""
    with pytest.raises(UsageError, match=reason) as refused:
        check_url(url)
    assert "secret" not in str(refused.value)


def test_allowed_networks_open_http_and_other_ports() -> None:
    """For addresses at once; for names the decision waits for what they resolve to."""
    assert check_url("http://127.0.0.1:8080/x", [LOOPBACK]) == "http://127.0.0.1:8080/x"
    assert check_url("http://localhost:8080/x", [LOOPBACK]) == "http://localhost:8080/x"
    assert check_url("http://receiver.internal:8080/x", [LOOPBACK]) == "http://receiver.internal:8080/x"
    assert queue_of("http://127.0.0.1:8080/x") == "webhook:127.0.0.1:8080"
    with pytest.raises(UsageError, match="private"):
        check_url("http://10.0.0.1/", [LOOPBACK])


_HOSTS = st.text(st.sampled_from("0123456789abcfxX.:[]@%-_/\\ 。①ａ高\u00ad\ud800localhost"), max_size=20)


@given(st.one_of(st.text(max_size=30), _HOSTS.map("https://{}/".format), _HOSTS.map("https://a.example/{}".format)))
def test_any_text_is_refused_in_words_or_has_one_normal_form(text: str) -> None:
    """Nothing else is raised, and a normal form is plain ASCII that stays as it is."""
    try:
        normal = check_url(text)
    except UsageError:
        return
    assert normal.isascii()
    assert normal.isprintable()
    assert check_url(normal) == normal
    assert queue_of(normal).isascii()
