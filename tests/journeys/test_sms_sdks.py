"""The judge of the sandbox is code that we did not write: the vendor's SDKs for Python and Node, unchanged.

Where an SDK itself is broken, the test pins how, so that we learn when the vendor fixes it.
"""

import datetime as dt
import json
import os
import shutil
import subprocess

import pytest
from support.clock import SYSTEM
from support.messages import FROM, SENDER, TO
from support.paths import ROOT
from voximplant.apiclient.client import VoximplantAPI, VoximplantAPIConfig, VoximplantException

from voxlake.sandbox import AccountConfig

pytestmark = pytest.mark.system_clock

SDK = ROOT / "tests" / "sdk"
UNSUPPORTED, DISABLED = "74951234567", "12345678112"


@pytest.fixture
def server(sandbox):
    """Return a sandbox that speaks https, with something in its histories."""
    return sandbox(rows=40, days=3, tls=True, clock=SYSTEM, config=AccountConfig(delivery=0), accounts=2)


@pytest.fixture
def python(server, monkeypatch):
    """Return the Python SDK, pointed at the sandbox by its own means."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca))
    return VoximplantAPI(str(server.credentials), server.url.split("/")[2])


@pytest.fixture
def node(server):
    """Make calls of the Node SDK, pointed at the sandbox by its own means."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the vendor's Node SDK cannot run")
    if not (SDK / "node_modules").is_dir():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed: the vendor's Node SDK cannot be installed")
        pytest.fail("The Node SDK is not installed: run 'make test', or 'npm ci' in tests/sdk.")

    def ask(*calls, credentials=server.credentials):
        host = {"SANDBOX_HOST": server.url.split("/")[2], "NODE_EXTRA_CA_CERTS": str(server.ca)}
        done = subprocess.run(
            ["node", "ask.js"],
            cwd=SDK,
            input=json.dumps(calls),
            env=os.environ | host | {"VOXIMPLANT_CREDENTIALS": str(credentials)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def refused(call, **parameters):
    """Return the code with which the Python SDK says no."""
    with pytest.raises(VoximplantException) as error:
        call(**parameters)
    return error.value.code


class TestPython:
    """voximplant-apiclient, as PyPI has it."""

    def test_send_sms_message(self, python):
        """SendSmsMessage: sent, and refused for each reason."""
        reply = python.send_sms_message(FROM, TO, "hello", store_body=True)
        assert reply["result"] == reply["fragments_count"] == 1
        assert isinstance(reply["message_id"], int)
        send = python.send_sms_message
        assert refused(send, source=FROM, destination=TO, sms_body="hello") == 484
        assert refused(send, source=DISABLED, destination=TO, sms_body="x") == 386
        assert refused(send, source=UNSUPPORTED, destination=TO, sms_body="x") == 528
        assert refused(send, source="1", destination=TO, sms_body="x") == 422
        assert refused(send, source=FROM, destination="1", sms_body="x") == 423
        assert refused(send, source=FROM, destination=TO, sms_body="x" * 766) == 477

    def test_a2p_send_sms(self, python):
        """A2PSendSms: a list of numbers, partial success, and refusals of the whole."""
        reply = python.a2p_send_sms(SENDER, [TO, "44770000506"], "ж" * 71)
        assert [row["destination_number"] for row in reply["result"]] == [TO]
        assert reply["failed"][0]["error_code"] == 506
        assert reply["fragments_count"] == 2
        assert refused(python.a2p_send_sms, src_number="Stranger", dst_numbers=TO, text="x") == 507
        assert refused(python.a2p_send_sms, src_number=SENDER, dst_numbers=TO, text="x" * 1601) == 508

    def test_control_sms(self, python):
        """ControlSms: switched on and off; a wrong number and a wrong command are refused."""
        assert python.control_sms(DISABLED, "enable") == {"result": 1}
        assert python.send_sms_message(DISABLED, TO, "hello")["result"] == 1
        assert python.control_sms(DISABLED, "disable") == {"result": 1}
        assert refused(python.control_sms, phone_number="1", command="enable") == 121
        assert refused(python.control_sms, phone_number=DISABLED, command="on") == 496
        assert refused(python.control_sms, phone_number=UNSUPPORTED, command="enable") == 528

    def test_get_phone_numbers(self, python):
        """GetPhoneNumbers: the numbers, with dates as the SDK reads them."""
        rows = python.get_phone_numbers(phone_number=[FROM, DISABLED])["result"]
        assert [(row["phone_number"], row["is_sms_enabled"]) for row in rows] == [(FROM, True), (DISABLED, False)]
        assert isinstance(rows[0]["modified"], dt.datetime)
        assert refused(python.get_phone_numbers, count="many") == 101

    def test_accounts(self, server, python):
        """GetAccountInfo and GetChildrenAccounts: dates as the SDK reads them, ids by a list, wrong ids refused."""
        info = python.get_account_info(return_live_balance=False)["result"]
        assert (info["account_id"], info["currency"]) == (server.account_id, "USD")
        assert isinstance(info["created"], dt.datetime)
        ids = [child.account_id for child in server.children.values()]
        reply = python.get_children_accounts(child_account_id=ids, active=True, order_by="child_account_id")
        assert [row["account_id"] for row in reply["result"]] == ids
        assert all(isinstance(row["created"], dt.datetime) for row in reply["result"])
        assert refused(python.get_children_accounts, child_account_id=[server.account_id]) == 194

    @pytest.mark.parametrize("method", ["get_sms_history", "a2p_get_sms_history"])
    def test_histories_break_on_documented_dates(self, python, method):
        """Both histories: the SDK reads times as dates and loses the page (2.12.0). When this fails, it was fixed."""
        with pytest.raises(ValueError, match="unconverted data remains"):
            getattr(python, method)()

    @pytest.mark.parametrize("method", ["get_sms_history", "a2p_get_sms_history"])
    def test_histories_without_rows(self, python, method):
        """Both histories: filters and aware dates arrive; what has no date is read."""
        ask = getattr(python, method)
        future = dt.datetime(2999, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=3)))
        assert ask(from_date=future, count=5) == {"result": [], "total_count": 0}
        assert ask(message_id=[1, 2]) == {"result": [], "total_count": 0}
        content = ask(output="csv", from_date=future)["file_content"]
        assert content.startswith("message_id;source_number;destination_number;")
        assert refused(ask, count=1001) == 497

    def test_sent_messages_in_the_histories(self, python):
        """What the SDK sent is in the history, as csv, which the SDK does not try to understand."""
        sent = python.send_sms_message(FROM, TO, "hello", store_body=True)["message_id"]
        (many,) = python.a2p_send_sms(SENDER, [TO], "hello")["result"]
        line = python.get_sms_history(message_id=sent, output="csv")["file_content"].splitlines()[1]
        assert line.startswith(f"{sent};{FROM};{TO};OUT;1;0.0412;1;")
        assert line.endswith(";hello")
        line = python.a2p_get_sms_history(message_id=many["message_id"], output="csv")["file_content"].splitlines()[1]
        assert line.startswith(f"{many['message_id']};{SENDER};{TO};DELIVERED;1;")

    def test_roles(self, server, monkeypatch):
        """A service account without the role, and a child account that is none, are code 100."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca))
        host = server.url.split("/")[2]
        supervisor = VoximplantAPI(str(server.credentials_for(["Supervisor"])), host)
        assert refused(supervisor.send_sms_message, source=FROM, destination=TO, sms_body="x") == 100
        child = VoximplantAPI(config=VoximplantAPIConfig(str(server.credentials), host, account_id=42))
        assert refused(child.control_sms, phone_number=FROM, command="enable") == 100

    def test_without_trust(self, server, monkeypatch):
        """Without the sandbox's authority, the SDK refuses to talk."""
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        stranger = VoximplantAPI(str(server.credentials), server.url.split("/")[2])
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
            stranger.control_sms(FROM, "enable")


def ids(rows):
    """Return the ids of rows as the Node SDK names them."""
    return [row["messageId"] for row in rows]


class TestNode:
    """@voximplant/apiclient-nodejs, as npm has it: an error of the API resolves, and rejects nothing."""

    def test_sending(self, node, server):
        """SendSmsMessage, A2PSendSms, ControlSms and GetPhoneNumbers: done, and in the histories."""
        sent, many, off, on, phones, history, a2p = (
            outcome["resolved"]
            for outcome in node(
                ["SMS", "sendSmsMessage", {"source": FROM, "destination": TO, "smsBody": "hello", "storeBody": True}],
                ["SMS", "a2PSendSms", {"srcNumber": SENDER, "dstNumbers": f"{TO};44770000506", "text": "ж" * 71}],
                ["SMS", "controlSms", {"phoneNumber": FROM, "command": "disable"}],
                ["SMS", "controlSms", {"phoneNumber": DISABLED, "command": "enable"}],
                ["PhoneNumbers", "getPhoneNumbers", {"phoneNumber": f"{FROM};{DISABLED}"}],
                ["SMS", "getSmsHistory", {"destinationNumber": TO, "fromDate": "2020-01-01T00:00:00Z"}],
                ["SMS", "a2PGetSmsHistory", {"destinationNumber": TO, "deliveryStatus": 5}],
            )
        )
        assert (sent["result"], sent["fragmentsCount"]) == (1, 1)
        assert [row["destinationNumber"] for row in many["result"]] == [TO]
        assert (many["failed"][0]["errorCode"], many["fragmentsCount"]) == (506, 2)
        assert off == on == {"result": 1}
        assert [(row["phoneNumber"], row["isSmsEnabled"]) for row in phones["result"]] == [
            (FROM, False),
            (DISABLED, True),
        ]
        assert ids(history["result"]) == [sent["messageId"]]
        assert history["result"][0]["text"] == "hello"
        assert ids(a2p["result"]) == ids(many["result"])
        assert a2p["result"][0]["deliveryStatus"] == "DELIVERED"
        assert server.account.phones[DISABLED] == "enabled"

    def test_histories(self, node, server):
        """Both histories: all rows and the total; dates stay text (4.11.0)."""
        for method, stream, date in (
            ("getSmsHistory", "sms", "processedDate"),
            ("a2PGetSmsHistory", "a2p", "processingDate"),
        ):
            everything, some, none = (
                outcome["resolved"]
                for outcome in node(
                    ["SMS", method, {}],
                    ["SMS", method, {"count": 5, "offset": 3}],
                    ["SMS", method, {"toDate": "2001-01-01T00:00:00Z"}],
                )
            )
            truth = list(server.world.truth(stream))
            assert ids(everything["result"]) == [row["message_id"] for row in truth]
            assert everything["totalCount"] == len(truth)
            assert everything["result"][0][date] == f"{truth[0]['processed_at']:%Y-%m-%d %H:%M:%S}"
            assert ids(some["result"]) == ids(everything["result"])[3:8]
            assert none == {"result": [], "totalCount": 0}

    def test_csv(self, node):
        """Both histories as csv: a file's content, where the content type is exactly that of a file."""
        for method in ("getSmsHistory", "a2PGetSmsHistory"):
            (outcome,) = node(["SMS", method, {"output": "csv", "count": 1}])
            assert outcome["resolved"]["file_content"].startswith("message_id;")

    def test_errors_resolve(self, node, server):
        """Every method: a refusal is a resolved promise with the API's code (4.11.0)."""
        codes = [
            outcome["resolved"]["error"]["code"]
            for outcome in node(
                ["SMS", "sendSmsMessage", {"source": DISABLED, "destination": TO, "smsBody": "x"}],
                ["SMS", "a2PSendSms", {"srcNumber": "Stranger", "dstNumbers": TO, "text": "x"}],
                ["SMS", "controlSms", {"phoneNumber": UNSUPPORTED, "command": "enable"}],
                ["SMS", "getSmsHistory", {"count": 1001}],
                ["SMS", "a2PGetSmsHistory", {"deliveryStatus": 9}],
                ["PhoneNumbers", "getPhoneNumbers", {"offset": "x"}],
            )
        ]
        assert codes == [386, 507, 528, 497, 101, 101]
        (outcome,) = node(
            ["SMS", "sendSmsMessage", {"source": FROM, "destination": TO, "smsBody": "x"}],
            credentials=server.credentials_for(["Supervisor"]),
        )
        assert outcome["resolved"]["error"]["code"] == 100

    def test_lists_must_be_joined_by_the_caller(self, node):
        """A list of numbers is not joined by the SDK (4.11.0): it never leaves. When this fails, it was fixed."""
        (outcome,) = node(["SMS", "a2PSendSms", {"srcNumber": SENDER, "dstNumbers": [TO], "text": "x"}])
        assert "resolved" not in outcome
