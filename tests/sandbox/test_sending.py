"""What is sent to the sandbox: refused with the API's codes, or charged, and seen in the histories until it settles."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import requests
import smsutil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.clock import CLOCK
from support.messages import FROM, METHODS, TO, a2p, ask, command, found, send

from voxlake.api import read_credentials
from voxlake.sandbox import AccountConfig

pytestmark = pytest.mark.dateless


def test_a_message_appears_and_settles(sandbox):
    """What was sent is in the history at once, charged by its parts, and its status moves to an end."""
    server = sandbox(rows=10)
    text = "ж" * 71
    reply = send(server, sms_body=text, store_body="True")
    assert reply["fragments_count"] == 2
    row = found(server, "GetSmsHistory", reply["message_id"])
    assert row["status_id"] == "3"
    assert (row["source_number"], row["destination_number"], row["direction"]) == (FROM, TO, "OUT")
    assert (row["text"], row["fragments"], row["cost"]) == (text, 2, 0.0824)
    sent = datetime.fromisoformat(row["processed_date"]).replace(tzinfo=UTC)
    assert abs(sent.timestamp() - CLOCK.time()) < 60
    assert server.account.balance == Decimal("999.9176")
    assert command(server, "advance", seconds="30").json() == {"advanced": 30.0}
    assert found(server, "GetSmsHistory", reply["message_id"])["status_id"] == "1"


def test_delivery_statuses_in_their_order(sandbox):
    """An A2P message is queued, dispatched and delivered; numbers with a fate of their own end with it."""
    server = sandbox(rows=10)
    ends = {
        "44770000003": "ABORTED",
        "44770000004": "REJECTED",
        "44770000006": "FAILED",
        "44770000007": "EXPIRED",
        "44770000008": "UNKNOWN",
        "44770000001": "QUEUED",
        TO: "DELIVERED",
    }
    reply = a2p(server, *ends)
    assert [row["destination_number"] for row in reply["result"]] == list(ends)
    assert reply["fragments_count"] == len(ends)
    ids = {row["destination_number"]: row["message_id"] for row in reply["result"]}
    seen = [found(server, "A2PGetSmsHistory", ids[TO])["delivery_status"]]
    for seconds in ("10", "20"):
        command(server, "advance", seconds=seconds)
        seen.append(found(server, "A2PGetSmsHistory", ids[TO])["delivery_status"])
    assert seen == ["QUEUED", "DISPATCHED", "DELIVERED"]
    rows = {number: found(server, "A2PGetSmsHistory", ids[number]) for number in ends}
    assert {number: row["delivery_status"] for number, row in rows.items()} == ends
    failed = [row["error_message"] for row in rows.values() if row["status_id"] == "2"]
    assert len(failed) == 4
    assert all("Error send sms to" in error for error in failed)
    assert "text" not in rows[TO]


def test_speed_and_delivery_are_settings(sandbox):
    """A fast clock settles sooner; without a delay, a message is at its end at once."""
    at = [CLOCK.time()]
    server = sandbox(rows=0, now=lambda: at[0], config=AccountConfig(speed=60, delivery=600))
    sent = a2p(server)["result"][0]["message_id"]
    assert found(server, "A2PGetSmsHistory", sent)["delivery_status"] == "QUEUED"
    at[0] += 10
    assert found(server, "A2PGetSmsHistory", sent)["delivery_status"] == "DELIVERED"
    quick = sandbox(rows=0, config=AccountConfig(delivery=0))
    assert found(quick, "GetSmsHistory", send(quick)["message_id"])["status_id"] == "1"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"source": "15550000000"}, 422),
        ({"source": "74951234567"}, 528),
        ({"source": "12345678112"}, 386),
        ({"destination": "12"}, 423),
        ({"destination": f"+{TO}"}, 423),
        ({"destination": "44770000423"}, 423),
        ({"destination": "44770000385"}, 385),
        ({"destination": "99900000000"}, 385),
        ({"sms_body": "x" * 766}, 477),
        ({"sms_body": ""}, 101),
    ],
)
def test_refusals_of_a_message(sandbox, changed, code):
    """Each thing that can be wrong with a message has its code, and costs nothing."""
    server = sandbox(rows=0)
    assert send(server, **changed)["error"]["code"] == code
    assert server.account.balance == 1000


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"src_number": "Stranger"}, 507),
        ({"text": ""}, 508),
        ({"text": "x" * 1601}, 508),
        ({"dst_numbers": ";".join(str(447700900000 + n) for n in range(101))}, 496),
        ({"dst_numbers": ";"}, 496),
        ({"dst_numbers": ""}, 101),
    ],
)
def test_refusals_of_an_a2p_text(sandbox, changed, code):
    """What is wrong with the whole of a request is an error of the whole."""
    assert ask(sandbox(rows=0), "A2PSendSms", **METHODS["A2PSendSms"] | changed)["error"]["code"] == code


def test_partial_success(sandbox):
    """Numbers fail one by one; the others get their message, and a list may end with a semicolon."""
    server = sandbox(rows=0)
    bad = {"44770000385": 385, "44770000506": 506, "44770000509": 509, "99912345678": 506, "oops": 506, "447": 506}
    reply = a2p(server, TO, *bad, "")
    assert {row["destination_number"]: row["error_code"] for row in reply["failed"]} == bad
    assert [row["destination_number"] for row in reply["result"]] == [TO]
    history = ask(server, "A2PGetSmsHistory")["result"]
    assert {(row["destination_number"], row["delivery_status"]) for row in history} == {
        (TO, "QUEUED"),
        ("44770000385", "FAILED"),
    }


def test_all_failed_is_a_switch(sandbox):
    """Where nobody gets it, the answer is a list or an error."""
    assert a2p(sandbox(rows=0), "99912345678")["result"] == []
    assert a2p(sandbox("all_failed=error", rows=0), "99912345678")["error"]["code"] == 506


def test_resends_are_refused(sandbox):
    """The same text to the same number is 484 for a minute, also twice in one list; a switch turns that off."""
    at = [CLOCK.time()]
    server = sandbox(rows=0, now=lambda: at[0])
    assert send(server)["result"] == 1
    assert send(server)["error"]["code"] == 484
    assert send(server, sms_body="hello again")["result"] == 1
    assert [row["error_code"] for row in a2p(server, TO, TO)["failed"]] == [484]
    assert a2p(server)["error"]["code"] == 484
    assert a2p(server, TO, "447700900124")["failed"][0]["error_code"] == 484
    at[0] += 61
    assert send(server)["result"] == 1
    assert send(server)["error"]["code"] == 484
    command(server, "advance", seconds="61")
    assert send(server)["result"] == 1
    never = sandbox("resend_seconds=none", rows=0)
    assert len({send(never)["message_id"], send(never)["message_id"]}) == 2


def test_money_runs_out(sandbox):
    """A message is refused with 127 where it costs more than is left, a batch as a whole."""
    server = sandbox(rows=0, config=AccountConfig(balance=Decimal("0.0824")))
    assert a2p(server, TO, "447700900124", "447700900125")["error"]["code"] == 127
    assert send(server)["result"] == send(server, destination="447700900124")["result"] == 1
    assert server.account.balance == 0
    assert send(server, destination="447700900125")["error"]["code"] == 127


def test_control(sandbox):
    """SMS is switched on and off for numbers that can; the phone list says so."""
    server = sandbox(rows=0)
    assert send(server, source="12345678112")["error"]["code"] == 386
    assert ask(server, "ControlSms", phone_number="12345678112", command="enable") == {"result": 1}
    assert send(server, source="12345678112")["result"] == 1
    (phone,) = ask(server, "GetPhoneNumbers", phone_number="12345678112;")["result"]
    assert (phone["is_sms_supported"], phone["is_sms_enabled"]) == (True, True)
    ask(server, "ControlSms", phone_number="12345678112", command="disable")
    assert send(server, source="12345678112")["error"]["code"] == 386
    for wrong, code in (
        ({"phone_number": "1"}, 121),
        ({"command": "toggle"}, 496),
        ({"phone_number": "74951234567"}, 528),
    ):
        assert ask(server, "ControlSms", **METHODS["ControlSms"] | wrong)["error"]["code"] == code


def test_phone_numbers_are_paged(sandbox):
    """The list comes in pages of twenty, with the number of all."""
    phones = {str(15550000000 + n): "enabled" for n in range(45)}
    server = sandbox(rows=0, config=AccountConfig(phones=phones))
    first = ask(server, "GetPhoneNumbers")
    assert (first["count"], first["total_count"]) == (20, 45)
    rest = ask(server, "GetPhoneNumbers", offset="20", count="100")
    assert [row["phone_number"] for row in first["result"] + rest["result"]] == list(phones)


@pytest.mark.parametrize(
    ("method", "roles"),
    [
        ("SendSmsMessage", {"Owner", "Admin", "Developer", "CallsSMS"}),
        ("A2PSendSms", {"CallsSMS"}),
        ("ControlSms", {"Owner", "Admin", "Developer", "Accountant"}),
    ],
)
def test_roles(sandbox, method, roles):
    """Each method has its roles, and code 100 says no."""
    server = sandbox(rows=0)
    for role in ("Owner", "Admin", "Developer", "Supervisor", "Accountant", "CallsSMS"):
        credentials = read_credentials(server.credentials_for([role]), clock=CLOCK)
        changed = {"sms_body": role, "text": role}
        data = METHODS[method] | {name: value for name, value in changed.items() if name in METHODS[method]}
        reply = requests.post(f"{server.url}/{method}", data=data, auth=credentials, timeout=10).json()
        assert reply.get("error", {}).get("code", 0) == (0 if role in roles else 100)


def test_unroutable_numbers_are_a_switch(sandbox):
    """A number without a route fails alone, or has the whole refused, and then nobody gets anything."""
    server = sandbox("unroutable=refused", rows=0)
    reply = a2p(server, TO, "99912345678", "44770000506")
    assert reply["error"] == {"code": 506, "msg": "No routes for numbers 99912345678;44770000506 in dst_numbers"}
    assert ask(server, "A2PGetSmsHistory")["total_count"] == 0


def test_forms_of_2021(sandbox):
    """Older answers have no message_id; a switch brings them back."""
    server = sandbox("sent_fields=2021", rows=0)
    assert send(server) == {"result": 1, "fragments_count": 1}
    assert set(a2p(server)["result"][0]) == {"transaction_id", "destination_number"}


@pytest.mark.parametrize("fault", ["lost", "lost-502", "cut", "short"])
def test_a_lost_reply_is_a_sent_message(sandbox, fault):
    """Some faults come after the deed: the message is in the history, whatever the client saw."""
    server = sandbox(rows=0, faults=f"{fault}=1,first=1")
    with pytest.raises((requests.exceptions.RequestException, AssertionError, ValueError)):
        send(server)
    assert ask(server, "GetSmsHistory")["total_count"] == 1


@given(text=st.text(st.characters(exclude_characters="\x1b", exclude_categories=["Cs"]), min_size=1, max_size=200))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_kept_and_counted(shared, text):
    """Any text travels unharmed, and is billed as others count it."""
    reply = a2p(shared, text=text, store_body="1")
    row = found(shared, "A2PGetSmsHistory", reply["result"][0]["message_id"])
    assert row["text"] == text
    assert row["fragments"] == len(smsutil.split(text).parts)


@pytest.fixture
def shared(sandbox):
    """Give one sandbox that never tires of the same text."""
    return sandbox("resend_seconds=none", rows=0)
