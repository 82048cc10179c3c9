"""What Azure's store refuses, on a real server of its kind: one sentence each; and Delta tables there."""

import base64
from datetime import timedelta

import obstore
import pytest
from support.lakes import FIRST, Hand, row
from support.stores import ACCOUNT, BUCKET, azure_environment, free_port, raw_container
from support.tables import delta_rows, lake_rows

from voxlake import library
from voxlake.errors import SettingsError, StoreUnavailable
from voxlake.remote import connect
from voxlake.remote.objects import ANY, Objects

pytestmark = [pytest.mark.dateless, pytest.mark.slow]


@pytest.fixture
def endpoint(stores, monkeypatch):
    """Return the address of an account of Azure's store, which is the one that everybody asks."""
    address = stores("azurite")
    for name, value in azure_environment(address).items():
        monkeypatch.setenv(name, value)
    backoff = {"init_backoff": timedelta(milliseconds=10), "max_backoff": timedelta(milliseconds=50), "base": 2}
    monkeypatch.setattr(connect, "_RETRY", connect._RETRY | {"backoff": backoff})
    return address


def refused(url, error, sentence):
    """Read, write and list, all of which must be refused by such an error with one sentence."""
    objects = Objects(url)
    for ask in (
        lambda: objects.get("voxlake.json"),
        lambda: objects.put("voxlake.json", b"{}", over=None),
        lambda: [*objects.list("lake")],
        objects.require_conditions,
    ):
        with pytest.raises(error, match=sentence) as found:
            ask()
        assert str(found.value).count(". ") == 0


def test_refusals(endpoint, monkeypatch):
    """No container, another key, and nobody who listens."""
    refused("az://nobody/sms", SettingsError, "There is no such bucket as that of az://nobody/sms")
    with monkeypatch.context() as context:
        context.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"another").decode())
        refused(f"az://{BUCKET}/sms", SettingsError, "refuses these credentials")
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"http://127.0.0.1:{free_port()}/{ACCOUNT}")
    refused(f"az://{BUCKET}/sms", StoreUnavailable, r"could not be reached in time \(no connection\)")


def test_what_is_there_is_removed_beside_what_is_not(endpoint):
    """Objects that are gone already are in nobody's way, however many are removed at once."""
    objects = Objects(f"az://{BUCKET}/removed")
    kept = [f"lake/{number:04}" for number in range(300)]
    for key in kept[::20]:
        objects.put(key, b"1", over=ANY)
    objects.delete(kept)
    assert [*objects.list("")] == []


def test_delta_tables(tmp_path, endpoint):
    """Tables in a container have the rows of the lake, also after a night that replaces a day."""
    hand, uri = Hand(tmp_path / "data"), f"az://{BUCKET}/tables"
    for n in range(3):
        day = FIRST + timedelta(days=n % 2)
        hand.put(day, [row(10 * n + i, day) for i in range(2)])
        hand.publish()
        library.publish_delta(hand.root, uri)
        assert delta_rows(uri, options={"allow_http": "true"}) == lake_rows(hand.root)
    names = [its["path"] for page in obstore.list(raw_container(endpoint, BUCKET), "tables") for its in page]
    assert len(names) > 5
