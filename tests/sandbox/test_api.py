"""The sandbox as the vendor's reference and SDKs would meet it, asked with plain HTTP."""

import dataclasses
import json
import time

import jwt
import pytest
import requests
from support.clock import CLOCK
from support.dates import days_ago
from support.paths import DOCS

from voxlake.sandbox import KINDS, METHODS, Behaviour


def span():
    """Return the dates of two days that the sandboxes hold rows of."""
    return {"from_date": f"{days_ago(3)} 00:00:00", "to_date": f"{days_ago(1)} 00:00:00"}


def key(server, **parameters):
    """Give parameters with the legacy pair."""
    return {"account_id": str(server.account_id), "api_key": server.api_key, **span(), **parameters}


def ask(server, method="GetSmsHistory", **parameters):
    """Ask and read JSON."""
    return requests.post(f"{server.url}/{method}", data=key(server, **parameters), timeout=10).json()


def token(server, *, algorithm="RS256", kid=None, secret=None, **claims):
    """Sign a token with the sandbox's own credentials, wrong where asked; PyJWT itself refuses a number as `iss`."""
    held = json.loads(server.credentials.read_text())
    now = int(CLOCK.time())
    content = {"iss": str(held["account_id"]), "iat": now - 5, "exp": now + 3000} | claims
    payload = json.dumps({name: value for name, value in content.items() if value is not None}).encode()
    headers = {"kid": kid or held["key_id"]}
    return jwt.api_jws.encode(payload, secret or held["private_key"], algorithm=algorithm, headers=headers)


def code(reply):
    """Return the code of a reply's error, or 0."""
    assert reply.status_code == 200
    return reply.json().get("error", {}).get("code", 0)


def bearer(server, token, method="GetSmsHistory"):
    """Ask with a token and give the code."""
    headers = {"Authorization": f"Bearer {token}"}
    return code(requests.post(f"{server.url}/{method}", data=span(), headers=headers, timeout=10))


def test_every_transport(sandbox):
    """Path, slash, cmd, both; GET and POST; query, urlencoded, multipart, chunks: the same answer."""
    server = sandbox()
    root = server.url.removesuffix("/platform_api")
    both = key(server, cmd="GetSmsHistory")
    parts = {name: (None, value) for name, value in both.items()}
    answers = [
        requests.get(f"{server.url}/GetSmsHistory", params=key(server), timeout=10),
        requests.get(f"{server.url}/GetSmsHistory/", params=both, timeout=10),
        requests.get(server.url, params=both, timeout=10),
        requests.post(f"{server.url}/", params=both, timeout=10),
        requests.post(f"{root}/GetSmsHistory", data=key(server), timeout=10),
        requests.post(root, data=both, timeout=10),
        requests.post(server.url, files=parts, timeout=10),
        requests.post(server.url, params={"cmd": "GetSmsHistory"}, files=parts, timeout=10),
        requests.post(
            f"{server.url}/GetSmsHistory",
            data=iter([requests.models.RequestEncodingMixin._encode_params(key(server)).encode()]),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=10,
        ),
    ]
    first = answers[0].json()
    assert first["total_count"] == len(first["result"]) > 100
    assert all(answer.json() == first for answer in answers)
    assert answers[0].headers["Content-Type"].startswith("application/json")
    assert requests.get(f"{root}/elsewhere/there", timeout=10).status_code == 404


def test_commands(sandbox):
    """No command and an unknown one have their codes; names are case-sensitive."""
    server = sandbox()
    assert code(requests.get(server.url, timeout=10)) == 102
    assert ask(server, "getsmshistory")["error"]["code"] == 103
    assert "errors" in ask(sandbox("error_shape=errors"), "Nothing")


def test_headers_tell_the_time_of_the_sandbox(sandbox):
    """A reply is dated, and a pause is asked for, by the sandbox's clock, not by the machine's."""
    server = sandbox(now=lambda: 1_900_000_000, faults="http-429-date=1,first=1,wait=7")
    first, second = (requests.post(server.url, data=key(server), timeout=10) for _ in range(2))
    assert first.headers["Retry-After"] == "Sun, 17 Mar 2030 17:46:47 GMT"
    assert second.headers["Date"] == "Sun, 17 Mar 2030 17:46:40 GMT"


def test_tokens(sandbox):
    """A good token is taken, with `iss` as text or number; each thing that can be wrong has its code."""
    server = sandbox()
    now = int(CLOCK.time())
    assert bearer(server, token(server)) == 0
    assert bearer(server, token(server, iss=server.account_id)) == 0
    assert bearer(server, "nonsense") == 447
    assert bearer(server, token(server, iat=None)) == 447
    assert bearer(server, token(server, algorithm="HS256", secret="x" * 32)) == 447
    assert bearer(server, token(server, kid="someone")) == 433
    assert bearer(server, token(server, iss="42")) == 100
    assert bearer(server, token(server, exp=now + 3700)) == 454
    assert bearer(server, token(server, iat=now + 60)) == 455
    assert bearer(server, token(server, iat=now - 3000, exp=now - 1)) == 456
    signed = token(server)
    assert bearer(server, signed[:-8] + ("AAAAAAA=" if not signed.endswith("AAAAAAA=") else "BBBBBBB=")) in (100, 447)


@pytest.mark.dateless
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("role", ["Owner", "Admin", "Developer", "Supervisor", "Accountant", "CallsSMS", "Payments"])
def test_roles(sandbox, method, role):
    """Each role may call what the reference says, and code 100 says no."""
    server = sandbox(rows=10)
    server.credentials = server.credentials_for([role])
    may = role in ("Owner", "Admin", "CallsSMS") or (method == "GetSmsHistory" and role != "Payments")
    assert bearer(server, token(server), method) == (0 if may else 100)


def test_legacy_key(sandbox):
    """A wrong key, a wrong account and none at all are code 100."""
    server = sandbox()
    for wrong in ({"api_key": "x"}, {"account_id": "1"}, {"api_key": ""}):
        assert ask(server, **wrong)["error"]["code"] == 100


@pytest.mark.dateless
@pytest.mark.parametrize(
    ("parameters", "number"),
    [
        ({"output": "xls"}, 105),
        ({"from_date": "yesterday"}, 111),
        ({"from_date": "2030-01-01"}, 123),
        ({"count": "0"}, 101),
        ({"count": "many"}, 101),
        ({"count": "1001"}, 497),
        ({"offset": "-1"}, 101),
        ({"direction": "SIDEWAYS"}, 470),
        ({"message_id": "a;b"}, 101),
    ],
)
def test_bad_parameters(sandbox, parameters, number):
    """What cannot be answered is an error with its code."""
    assert ask(sandbox(), **parameters)["error"]["code"] == number


def test_filters(sandbox):
    """Every filter selects, `total_count` counts what matches, a list may end with a semicolon."""
    server = sandbox()
    rows = ask(server)["result"]
    for name in ("source_number", "destination_number", "direction"):
        value = rows[3][name]
        reply = ask(server, **{name: value})
        assert [r["message_id"] for r in reply["result"]] == [r["message_id"] for r in rows if r[name] == value]
    wanted = [rows[n]["message_id"] for n in (1, 5)]
    reply = ask(server, message_id="".join(f"{i};" for i in wanted), count="1")
    assert (reply["total_count"], len(reply["result"])) == (2, 1)
    server = sandbox(rows=20_000)
    statuses = {
        number: ask(server, "A2PGetSmsHistory", delivery_status=str(number))["total_count"] for number in range(1, 9)
    }
    assert sum(statuses.values()) == ask(server, "A2PGetSmsHistory")["total_count"]
    assert statuses[5] > statuses[6] > 0
    assert ask(server, "A2PGetSmsHistory", delivery_status="9")["error"]["code"] == 101


def test_documented_rows(sandbox):
    """Rows have the documented names, types and formats, and leave out what is absent."""
    server = sandbox()
    for method, own, date in (
        ("GetSmsHistory", "direction", "processed_date"),
        ("A2PGetSmsHistory", "delivery_status", "processing_date"),
    ):
        row = ask(server, method)["result"][0]
        assert {
            "message_id",
            "source_number",
            "destination_number",
            own,
            "fragments",
            "cost",
            "status_id",
            date,
        } <= set(row)
        assert isinstance(row["message_id"], int)
        assert isinstance(row["source_number"], str)
        assert isinstance(row["status_id"], str)
        time.strptime(row[date], "%Y-%m-%d %H:%M:%S")
        assert None not in row.values()


def test_bounds(sandbox):
    """The four kinds of bounds differ by exactly the rows on them, and day precision ignores the time."""
    inclusive = sandbox()
    rows = ask(inclusive)["result"]
    first, last = rows[10]["processed_date"], rows[50]["processed_date"]
    span = {"from_date": first, "to_date": last}
    inside = [r for r in rows if first <= r["processed_date"] <= last]
    assert ask(inclusive, **span)["result"] == inside
    assert ask(sandbox("from_bound=exclusive"), **span)["result"] == [r for r in inside if r["processed_date"] > first]
    assert ask(sandbox("to_bound=exclusive"), **span)["result"] == [r for r in inside if r["processed_date"] < last]
    days = {r["processed_date"][:10] for r in ask(sandbox("date_precision=day"), **span)["result"]}
    assert days == {first[:10], last[:10]}


def test_caps(sandbox):
    """Windows, offsets and counts are capped as the switches say."""
    assert ask(sandbox("max_window_days=1"))["error"]["code"] == 569
    assert ask(sandbox("max_offset=50"), offset="51")["error"]["code"] == 497
    assert ask(sandbox("max_offset=50", "offset_mode=empty"), offset="51")["result"] == []
    clamped = sandbox("max_offset=50", "offset_mode=clamp")
    assert ask(clamped, offset="99") == ask(clamped, offset="50")
    assert ask(sandbox("max_count=20"), count="21")["error"]["code"] == 497
    assert len(ask(sandbox("max_count=20", "count_mode=clamp"), count="21")["result"]) == 20


def test_orders(sandbox):
    """Each order is the one it says."""
    ids = {name: [r["message_id"] for r in ask(sandbox(f"order={name}"))["result"]] for name in ("asc", "desc", "id")}
    assert ids["asc"] == ids["desc"][::-1]
    assert sorted(ids["asc"]) == ids["id"] != ids["asc"]
    server = sandbox("order=random-per-request")
    first, second = ([r["message_id"] for r in ask(server)["result"]] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == ids["id"]


def test_gzip_and_envelope(sandbox):
    """Compressed replies and envelopes with more fields are what they say."""
    reply = requests.post(
        f"{(server := sandbox('gzip=on', 'envelope=extra', 'total_count=string')).url}/GetSmsHistory",
        data=key(server),
        timeout=10,
    )
    assert reply.headers["Content-Encoding"] == "gzip"
    assert reply.json()["count"] == len(reply.json()["result"]) == int(reply.json()["total_count"])


def test_default_window(sandbox):
    """Without dates, everything or a month is meant."""
    nothing = {"from_date": "", "to_date": "", "count": "1"}
    assert (
        ask(sandbox(days=90), **nothing)["total_count"]
        > ask(sandbox("default_window=month", days=90), **nothing)["total_count"]
        > 0
    )


def test_docs_list_every_switch():
    """The documentation has each switch with its values, in this order."""
    page = (DOCS / "sandbox.md").read_text()
    for switch in dataclasses.fields(Behaviour):
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{switch.name}` |")]
        assert switch.metadata["says"] in line
        values = switch.metadata["values"] or ("number",)
        assert all(value in line for value in values), line


@pytest.mark.parametrize("wrong", ["colour=red", "order=up", "order", "max_offset=0", "max_offset=many"])
def test_wrong_switches(wrong):
    """A switch that does not exist, or a value that it does not have, is said in a sentence."""
    with pytest.raises(ValueError, match=wrong.split("=", maxsplit=1)[0]):
        Behaviour.parse([wrong])


def test_docs_list_every_fault():
    """The documentation has each kind of fault and each parameter of a plan."""
    page = (DOCS / "sandbox.md").read_text()
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert [kind for kind in [*KINDS, "seed", "first", "seconds", "wait"] if f"`{kind}`" not in table] == []
