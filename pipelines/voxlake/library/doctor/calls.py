"""One call a method that changes nothing: is the API there, is the key right, which roles has it, what is the time.

The sending methods are called without a recipient or a number, which the vendor's reference requires: there is nobody
to whom the API could send, and nothing that it could switch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from voxlake.api import ApiKey, ProbeAnswer, probe, reach
from voxlake.errors import CredentialsRefused, SettingsError, VoxlakeError
from voxlake.library.doctor.check import ACCESS, SET_UP, Check
from voxlake.text import is_loopback
from voxlake.transform import A2P, SMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxlake.api import ApiClient
    from voxlake.library.account import Account

_PATIENCE: Final = 5.0
"""Seconds for the faults of one call: somebody waits."""
_TIMEOUT: Final = 10.0
_CLOCK_IS_OFF: Final = 60.0
"""Seconds; tokens are dated 30 s back, and a reply takes its time."""
_ROLES: Final = "give its service account one of the roles {} in the vendor's control panel"
_ROLES_OF_INFO: Final = "if they are needed, ask the vendor which role may call it, or write them into a section"
_SENDING: Final = {
    "SendSmsMessage": ("Owner", "Admin", "Developer", "CallsSMS"),
    "A2PSendSms": ("CallsSMS",),
    "ControlSms": ("Owner", "Admin", "Developer", "Accountant"),
}
"""The methods that send or switch, with the roles that may call them. Source: the vendor's reference."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A method, how it is called, and whether an export needs it."""

    method: str
    parameters: Mapping[str, str]
    roles: tuple[str, ...]
    is_needed: bool
    is_sending: bool = False


def check_network(url: str, *, timeout: float) -> Iterator[Check]:
    """Yield how the API's address is reached: proxy, name, connection, TLS; the last is a failure where it ends."""
    try:
        found = reach(url, timeout=min(timeout, _TIMEOUT))
    except SettingsError as error:
        yield Check.failed("network", error, code=SET_UP)
        return
    proxy = found.proxy_variable
    direct = "this machine is never asked through a proxy" if is_loopback(url) else "no proxy is set for the API"
    yield Check.ok("proxy", direct if proxy is None else f"requests go through the proxy of {proxy}")
    whose = found.target if proxy is None else f"the proxy of {proxy}"
    if found.failed == "name":
        mend = "check the address (api_url) and this machine's name servers"
        yield Check.failed("network", f"The name of {whose} is not found ({found.reason})", mend, code=SET_UP)
    elif found.failed == "connection":
        mend = "check the address, the network and the firewall" + (", or set HTTPS_PROXY" if proxy is None else "")
        yield Check.failed("network", f"There is no connection to {whose} ({found.reason})", mend, code=SET_UP)
    elif found.failed == "tls":
        yield Check.ok("network", f"{whose} can be reached")
        mend = "if a proxy on the way has an authority of its own, name its file in REQUESTS_CA_BUNDLE"
        reason = f"TLS with {whose} fails ({found.reason}), by the authorities in {found.authorities}"
        yield Check.failed("tls", reason, mend, code=SET_UP)
    else:
        yield Check.ok("network", f"{whose} can be reached")
        yield _tls(url, found.tls, found.authorities)


def _tls(url: str, version: str | None, authorities: str) -> Check:
    if not url.lower().startswith("https:"):
        where = "on this machine" if is_loopback(url) else "over a network, where others can read the key"
        return Check("tls", "ok" if is_loopback(url) else "note", f"plain http {where}")
    if version is None:
        return Check.skipped("tls", "behind a proxy, the first call shows whether the certificate is trusted")
    return Check.ok("tls", f"{version}, the certificate is trusted by {authorities}")


def check_account(account: Account, *, label: str = "", sending: bool = True) -> Iterator[Check]:
    """Yield what the API answers to one call of each method; with `sending`, of those that send, too.

    The checks carry the `label` of the account, where there are several.
    A wrong key and a missing role are one answer of the API's: they are distinguished where another method answers.
    """
    patience = min(account.patience, _PATIENCE)
    client = replace(account, jobs=1, patience=patience, timeout=min(account.timeout, _TIMEOUT)).api()
    try:
        yield from _checks(client, account, label and f" [{label}]", sending=sending)
    finally:
        client.close()


def _checks(client: ApiClient, account: Account, label: str, *, sending: bool) -> Iterator[Check]:
    answers: dict[str, ProbeAnswer | VoxlakeError] = {}
    calls = _calls(account, sending=sending)
    for call in calls:
        try:
            answers[call.method] = probe(client, call.method, call.parameters, once=call.is_sending)
        except CredentialsRefused as error:
            answers[call.method] = error
        except VoxlakeError as error:
            answers[call.method] = error
            if not call.is_sending:
                yield Check.failed(f"{call.method}{label}", error, code=SET_UP)
                yield Check.skipped(f"calls{label}", "the other methods were not called")
                return
    # Only what an answer proves: whether parameters or credentials are looked at first is not documented.
    key_is_right = any(isinstance(its, ProbeAnswer) and its.code is None for its in answers.values())
    yield _key(account, answers, label, key_is_right=key_is_right)
    for call in calls:
        yield _judged(call, answers[call.method], label, account, key_is_right=key_is_right)
    yield _clock(client, label)


def _calls(account: Account, *, sending: bool) -> list[_Call]:
    today = account.clock.now().date()
    window = {"from_date": f"{today - timedelta(days=1)} 00:00:00", "to_date": f"{today} 00:00:00"}
    parameters = {**window, "count": "1", "offset": "0", "output": "json"}
    streams = account.streams or (SMS.name, A2P.name)
    calls = [_Call("GetAccountInfo", {"return_live_balance": "false"}, (), is_needed=False)]
    calls += [_Call(stream.method, parameters, stream.roles, is_needed=stream.name in streams) for stream in (SMS, A2P)]
    if sending:
        calls += [_Call(name, {}, roles, is_needed=False, is_sending=True) for name, roles in _SENDING.items()]
    return calls


def _key(
    account: Account, answers: Mapping[str, ProbeAnswer | VoxlakeError], label: str, *, key_is_right: bool
) -> Check:
    name, number = f"key{label}", account.account_id
    if key_is_right:
        return Check.ok(name, f"The API accepts the key for account {number}")
    refused = [its for its in answers.values() if isinstance(its, ProbeAnswer)]
    stale = [its for its in answers.values() if isinstance(its, CredentialsRefused)]
    if stale:
        return Check.failed(name, stale[0], code=ACCESS)
    first = next((its for its in refused if its.refuses_credentials), refused[0])
    if first.may_be_role and not isinstance(account.credentials, ApiKey):
        mend = (
            f"check that the file is that of account {number} and its key still exists, then give the service account"
            f" one of the roles {', '.join(A2P.roles)}"
        )
        reason = f"The API refuses every method ({first.said}), which it answers to a wrong key and to a missing role"
        return Check.failed(name, reason, mend, code=ACCESS)
    if first.refuses_credentials:
        mend = "make a new key in the vendor's control panel, and use its file"
        return Check.failed(name, f"The API does not accept the key ({first.said})", mend, code=ACCESS)
    return Check.note(name, f"No method answered account {number} ({first.said}), so that the key is not proved")


def _judged(
    call: _Call, answer: ProbeAnswer | VoxlakeError, label: str, account: Account, *, key_is_right: bool
) -> Check:
    name = f"{call.method}{label}"
    if isinstance(answer, ProbeAnswer) and answer.code is None:
        if call.is_sending:
            return Check.note(name, "accepts an empty request, for which it can have sent nothing")
        return Check.ok(name, f"answers account {account.account_id}")
    check = _declined(call, answer, name, account, key_is_right=key_is_right)
    # What no export needs is worth knowing, and no failure.
    return check if call.is_needed or check.state != "failed" else replace(check, state="note", code=0)


def _declined(
    call: _Call, answer: ProbeAnswer | VoxlakeError, name: str, account: Account, *, key_is_right: bool
) -> Check:
    if isinstance(answer, VoxlakeError):
        return Check.failed(name, answer, code=ACCESS)
    if answer.refuses_credentials:
        if not key_is_right or not answer.may_be_role or isinstance(account.credentials, ApiKey):
            return Check.failed(name, f"refused ({answer.said})", "see key", code=ACCESS)
        return _without_role(call, answer, name)
    if answer.refuses_account:
        mend = "resolve that in the vendor's control panel, or ask its support"
        return Check.failed(name, f"refuses this account ({answer.said})", mend, code=ACCESS)
    if call.is_sending:
        return Check.ok(
            name, f"may be called: it declines a request without a recipient ({answer.said}), none was sent"
        )
    return Check.failed(name, f"declines a plain request ({answer.said})", "ask the vendor's support", code=ACCESS)


def _without_role(call: _Call, answer: ProbeAnswer, name: str) -> Check:
    text, mend = f"The key is right, and a role for this method is missing ({answer.said})", _ROLES
    if call.is_sending:
        text += ", which only who sends needs"
    elif not call.roles:
        text, mend = f"{text}, without which the settings say currency and time zone", _ROLES_OF_INFO
    elif not call.is_needed:
        text += ", which the account's streams leave out"
    return Check.failed(name, text, mend.format(", ".join(call.roles)), code=ACCESS)


def _clock(client: ApiClient, label: str) -> Check:
    name, found = f"clock{label}", client.clock_difference
    if found is None:
        return Check.note(name, "The API's replies tell no time, so that this machine's clock was not compared")
    if abs(found) < _CLOCK_IS_OFF:
        return Check.ok(name, "This machine's clock agrees with the API's")
    side = "behind" if found > 0 else "ahead of"
    mend = "set it, and keep it set with NTP (timedatectl set-ntp true)"
    return Check.failed(name, f"This machine's clock is {_length(abs(found))} {side} the API's", mend, code=SET_UP)


def _length(seconds: float) -> str:
    return f"{seconds:,.0f} seconds" if seconds < 2 * _CLOCK_IS_OFF else f"{seconds / 60:,.0f} minutes"
