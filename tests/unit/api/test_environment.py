"""What the environment says of proxies and certificates is used, or said to be wrong before anything leaves."""

import pytest

from voxlake.api.environment import AUTHORITIES, check_encrypted, network_for
from voxlake.errors import SettingsError
from voxlake.text import is_loopback

URL = "https://api.example/platform_api"
PROXIES = [case for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for case in (name, name.upper())]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in (*PROXIES, *AUTHORITIES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "https://localhost/x", "http://[::1]:1", "http://127.8.8.8", "http://sandbox.localhost",
     "http://[::ffff:127.0.0.1]", "http://LOCALHOST."],
)  # fmt: skip
def test_this_machine(url, monkeypatch):
    """What is on this machine meets no proxy, not even one that cannot be used, and needs no encryption."""
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    assert is_loopback(url)
    assert network_for(url).proxies == {}
    check_encrypted(url, insecure_http=False)


@pytest.mark.parametrize("url", ["http://localhost.example", "http://128.0.0.1", "http://0.0.0.0", "http://10.0.0.1"])
def test_another_machine(url):
    """A name that only looks like this machine's is another's: plain http is refused, unless it is wished."""
    assert not is_loopback(url)
    with pytest.raises(SettingsError, match="--insecure-http or VOXLAKE_INSECURE_HTTP"):
        check_encrypted(url, insecure_http=False)
    check_encrypted(url, insecure_http=True)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        ("socks5h://user:s3cret@127.0.0.1:9", "PySocks is missing"),
        ("ftp://user:s3cret@127.0.0.1:1", "of a kind that cannot be used"),
        ("http://", "is not the address of a proxy"),
        ("http://user:s3cret@:3128", "is not the address of a proxy"),
        ("proxy.example:99999", "is not the address of a proxy"),
        ("http://[::1", "is not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_names_its_variable(name, proxy, says, monkeypatch):
    """One sentence with the variable, and without the value, which may hold a password."""
    monkeypatch.setenv(name, proxy)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=f"^{name} .*{says}") as raised:
        network_for(URL)
    assert "s3cret" not in str(raised.value)


def test_proxies_that_can_be_used(monkeypatch):
    """As with requests: by scheme, then for all, and not for the hosts of NO_PROXY."""
    monkeypatch.setenv("ALL_PROXY", "http://all.example:3128")
    assert network_for(URL).proxy_variable == "ALL_PROXY"
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    network = network_for(URL)
    assert (network.proxies["https"], network.proxy_variable) == ("proxy.example:3128", "https_proxy")
    monkeypatch.setenv("no_proxy", "api.example")
    assert (network_for(URL).proxies, network_for(URL).proxy_variable) == ({}, None)


@pytest.mark.parametrize("name", AUTHORITIES)
def test_certificates_that_are_not_there(name, tmp_path, monkeypatch):
    """A bundle that does not exist is said with its variable and path, where it would be used; a folder can be one."""
    monkeypatch.setenv(name, str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=f"^{name} names .*none.pem.* does not exist"):
        network_for(URL)
    assert network_for("http://api.example").verify is True
    monkeypatch.setenv(name, str(tmp_path))
    assert network_for(URL).verify == str(tmp_path)


def test_the_first_variable_counts(tmp_path, monkeypatch):
    """Those of requests come before those of OpenSSL, and an empty one is not set."""
    assert network_for(URL).verify is True
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", "")
    assert network_for(URL).verify == str(tmp_path)
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(SettingsError, match=r"^CURL_CA_BUNDLE"):
        network_for(URL)
