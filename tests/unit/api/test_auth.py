"""Credentials: what each adds to a request, when a token is renewed, what no message shows."""

import json
import pickle
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.clock import SleepingClock

from voxlake.api import ApiKey, ServiceAccount, is_open_to_others, read_credentials
from voxlake.errors import SettingsError


def pem(key):
    """Return a private key as the vendor's file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FIELDS = {"account_id": 7, "key_id": "the-key", "private_key": pem(KEY)}


def account(clock):
    """Return a service account by a clock."""
    return ServiceAccount(**FIELDS, clock=clock)


def prepared(credentials, data=None):
    """Return a request as requests would send it."""
    return requests.Request("POST", "http://localhost/Method", data=data, auth=credentials).prepare()


def claims(credentials):
    """Return the claims of the token that a request carries, verified by the public key."""
    token = prepared(credentials).headers["Authorization"].removeprefix("Bearer ")
    assert jwt.get_unverified_header(token)["kid"] == "the-key"
    return jwt.decode(
        token, KEY.public_key(), ["RS256"], options={"verify_exp": False, "verify_iat": False, "require": ["iss"]}
    )


@pytest.mark.parametrize("data", [None, {"count": "1"}, {"text": "ü & = ;"}])
def test_a_key_goes_into_the_body(data):
    """The pair is added to the form, which stays as it was, and Content-Length is right; nothing is in the URL."""
    request = prepared(ApiKey(7, "s3cret&="), data)
    body = request.body.encode() if isinstance(request.body, str) else request.body
    form = {name: values for name, (values,) in parse_qs(body.decode()).items()}
    assert form == {**(data or {}), "account_id": "7", "api_key": "s3cret&="}
    assert int(request.headers["Content-Length"]) == len(body)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "s3cret" not in request.url + str(request.headers)


def test_a_token_names_the_account():
    """A token is dated a little back, valid for less than an hour, and signed with the file's key."""
    clock = SleepingClock()
    token = claims(account(clock))
    assert token["iss"] == "7"
    assert clock.time() - 60 < token["iat"] < clock.time()
    assert token["exp"] - token["iat"] <= 3600


def test_a_token_is_used_until_shortly_before_it_expires():
    """Requests share a token; the next one is signed minutes before the last one expires."""
    clock = SleepingClock()
    credentials = account(clock)
    first = claims(credentials)
    clock.sleep(first["exp"] - clock.time() - 310)
    assert claims(credentials) == first
    clock.sleep(20)
    assert claims(credentials)["exp"] > first["exp"] + 2000


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_renewal_signs_by_the_clock_of_the_server(skew):
    """After a refusal, tokens are dated by the server's time; without one, by ours again."""
    clock = SleepingClock()
    credentials = account(clock)
    claims(credentials)
    credentials.renew(server_time=clock.time() + skew)
    clock.sleep(100)
    assert claims(credentials)["iat"] == int(clock.time() + skew) - 30
    credentials.renew(server_time=None)
    assert claims(credentials)["iat"] == int(clock.time()) - 30


@pytest.mark.parametrize("nested", [False, True])
def test_the_vendors_file(tmp_path, nested):
    """Both shapes of credentials.json are read."""
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"result": FIELDS} if nested else FIELDS))
    credentials = read_credentials(path, clock=SleepingClock())
    assert credentials.account_id == 7
    assert claims(credentials)["iss"] == "7"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON"),
        ("[1]", "lacks account_id and key_id and private_key"),
        (json.dumps(FIELDS | {"key_id": ""}), "lacks key_id"),
        (json.dumps(FIELDS | {"account_id": "mine"}), "is not a number"),
        (json.dumps(FIELDS | {"private_key": "s3cret"}), "not a PEM key"),
        (json.dumps(FIELDS | {"private_key": pem(ec.generate_private_key(ec.SECP256R1()))}), "not an RSA key"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, content, problem):
    """Each message says what is wrong and where to get another file, and quotes no key."""
    path = tmp_path / "credentials.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=problem) as error:
        read_credentials(path, clock=SleepingClock())
    assert str(error.value).endswith("download it from the vendor's control panel again.") or "file from" in str(
        error.value
    )
    assert "s3cret" not in str(error.value)


def test_a_missing_file_names_its_setting(tmp_path):
    """Where there is no file, the message names the flag and the variable."""
    with pytest.raises(SettingsError, match="--credentials or VOXIMPLANT_CREDENTIALS"):
        read_credentials(tmp_path / "none.json", clock=SleepingClock())


def test_secrets_are_in_no_repr():
    """Neither kind shows its secret where it is printed."""
    assert "s3cret" not in repr(ApiKey(7, "s3cret"))
    assert FIELDS["private_key"][40:60] not in repr(account(SleepingClock())) + repr(vars(account(SleepingClock())))


def test_both_kinds_travel_to_another_process():
    """A pickled copy authenticates as the original does, with a token of its own once the first expires."""
    clock = SleepingClock()
    key, credentials = pickle.loads(pickle.dumps((ApiKey(7, "s3cret"), account(clock))))
    assert key == ApiKey(7, "s3cret")
    assert claims(credentials) == claims(account(clock))


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"account_id":1e5000,"key_id":"k","private_key":"p"}', b'{"account_id":' + b"9" * 5000 + b"}",
     b'{"account_id":true,"key_id":1,"private_key":2}', b"\xff", b""],
)  # fmt: skip
def test_credentials_that_are_none(tmp_path, content):
    """Whatever is in the file, it is one sentence."""
    path = tmp_path / "credentials.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"credentials\.json .*vendor's control panel"):
        read_credentials(path, clock=SleepingClock())


def test_credentials_in_place_of_their_path_are_not_quoted():
    """The file's content in the variable, whole or in pieces, is not written to the terminal."""
    for content in ('{"private_key": "s3cret"}', "-----BEGIN EC PRIVATE KEY----- s3cret", "a\ns3cret"):
        with pytest.raises(SettingsError, match="is not a path") as raised:
            read_credentials(Path(content), clock=SleepingClock())
        assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("mode", "is_open"), [(0o600, False), (0o400, False), (0o644, True), (0o640, True), (0o602, True)]
)
def test_credentials_that_others_may_read(tmp_path, mode, is_open):
    """A file of our own is for nobody else; one that is not there is for nobody."""
    path = tmp_path / "credentials.json"
    assert not is_open_to_others(path)
    path.touch()
    path.chmod(mode)
    assert is_open_to_others(path) is is_open
    assert not is_open_to_others(tmp_path)


def test_a_file_with_the_legacy_pair(tmp_path):
    """Number and key may be in a file, as `voxlake init` writes it; a wrong one is not quoted."""
    path = tmp_path / "credentials-7.json"
    path.write_text('{"account_id": 7, "api_key": "s3cret"}')
    assert read_credentials(path, clock=SleepingClock()) == ApiKey(7, "s3cret")
    path.write_text('{"account_id": "s3cret", "api_key": 9}')
    with pytest.raises(SettingsError, match="holds no pair that can be used") as raised:
        read_credentials(path, clock=SleepingClock())
    assert "s3cret" not in str(raised.value)
