"""An account is a value: what it can be made of, and what it refuses."""

import json
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from voxlake.errors import SettingsError
from voxlake.library import connect


@pytest.fixture(scope="module")
def content():
    """Return the content of a credentials.json."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"account_id": 4711, "key_id": "k", "private_key": pem}


def test_what_an_account_can_be_made_of(content, tmp_path):
    """A path, as text too, a mapping, and the legacy pair give the same account."""
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"result": content}))
    for credentials in (path, str(path), content, {"result": content}, (4711, "s3cret"), ("4711", "s3cret")):
        account = connect(credentials)
        assert account.account_id == pickle.loads(pickle.dumps(account)).account_id == 4711
        assert "s3cret" not in repr(account)
        assert "PRIVATE" not in repr(account)
    assert connect(account.credentials, api_url="https://host:1").api_url == "https://host:1/platform_api"


@pytest.mark.parametrize(
    ("credentials", "options", "message"),
    [
        ("nowhere.json", {}, "nowhere.json cannot be read"),
        ({"account_id": 1}, {}, "mapping of credentials lacks key_id and private_key"),
        ((1, "a", "b"), {}, "not (account_id, api_key)"),
        (("one", "a"), {}, "not (account_id, api_key)"),
        ((1, ""), {}, "not (account_id, api_key)"),
        (7, {}, "cannot be made of int"),
        (None, {}, "cannot be made of NoneType"),
        ((1, "a"), {"api_url": "host"}, "api_url is not an address"),
        ((1, "a"), {"api_url": "https://user@host"}, "api_url is not an address"),
        ((1, "a"), {"output": "jsn"}, "did you mean 'json'?"),
        ((1, "a"), {"jobs": 0}, "jobs is 0"),
        ((1, "a"), {"jobs": 1.5}, "jobs is 1.5"),
        ((1, "a"), {"jobs": True}, "jobs is True"),
        ((1, "a"), {"patience": -1}, "patience is -1"),
        ((1, "a"), {"patience": float("nan")}, "patience is nan"),
        ((1, "a"), {"timeout": "60"}, "timeout is '60'"),
    ],
)
def test_what_is_refused(credentials, options, message):
    """One sentence names the argument."""
    with pytest.raises(SettingsError) as error:
        connect(credentials, **options)
    assert message in str(error.value)
