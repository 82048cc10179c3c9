"""What tests say to a sandbox in plain HTTP, and what they send."""

import requests

FROM, TO, SENDER = "12345678111", "447700900123", "Voxlake"
METHODS = {
    "SendSmsMessage": {"source": FROM, "destination": TO, "sms_body": "hello"},
    "A2PSendSms": {"src_number": SENDER, "dst_numbers": TO, "text": "hello"},
    "ControlSms": {"phone_number": "12345678112", "command": "enable"},
    "GetPhoneNumbers": {},
}


def ask(server, method, **parameters):
    """Ask with the legacy key and read JSON."""
    key = {"account_id": str(server.account_id), "api_key": server.api_key}
    reply = requests.post(f"{server.url}/{method}", data=key | parameters, timeout=10)
    assert reply.status_code == 200
    return reply.json()


def send(server, **changed):
    """Send one message."""
    return ask(server, "SendSmsMessage", **METHODS["SendSmsMessage"] | changed)


def a2p(server, *numbers, **changed):
    """Send one text to numbers."""
    return ask(server, "A2PSendSms", **METHODS["A2PSendSms"] | {"dst_numbers": ";".join(numbers or (TO,))} | changed)


def found(server, method, message_id):
    """Return the history's row of a message."""
    (row,) = ask(server, method, message_id=str(message_id))["result"]
    return row


def command(server, name, **form):
    """Post a command to the sandbox."""
    url = f"{server.url.removesuffix('/platform_api')}/sandbox/{name}"
    return requests.post(url, data=form, headers={"X-Sandbox-Token": server.token}, timeout=20)
