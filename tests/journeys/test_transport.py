"""The client over a real wire: faults of the moment are waited out, answers are raised, secrets stay inside."""

import threading
import time

import pytest
from support.clients import client
from support.clock import SleepingClock
from support.dates import days_ago

from voxlake.api import ApiKey, read_credentials
from voxlake.errors import ApiRejected, CredentialsRefused, SettingsError, Unavailable
from voxlake.model import Window
from voxlake.sandbox import KINDS, Faults, World
from voxlake.transform import A2P, SMS

pytestmark = pytest.mark.dateless


def a_day():
    """Return a day that the sandboxes hold rows of."""
    return Window.of_days(days_ago(2), days_ago(2))


@pytest.mark.diagonal
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("kind", sorted({*KINDS} - {"half", "half-both", "none", "insert", "expired"}))
def test_every_fault_is_waited_out(sandbox, kind, output):
    """A fault of the first request costs one repetition and a bounded wait, and nothing is lost."""
    server = sandbox(faults=f"{kind}=1,first=1,seconds=1.2,wait=7")
    expected = client(sandbox()).page(SMS, a_day(), offset=0, count=1000)
    clock = SleepingClock()
    timeout = 1 if kind in ("stall", "drip") else 30
    page = client(server, clock, output=output, timeout=timeout).page(SMS, a_day(), offset=0, count=1000)
    assert page.table.equals(expected.table)
    asked_to_wait = kind in ("http-429-after", "http-429-date", "http-503")
    (slept,) = clock.slept
    # The server's date goes on while the client's clock stands still.
    assert 6 <= slept <= (60 if kind == "http-429-date" else 8) if asked_to_wait else 0.2 < slept <= 1


@pytest.mark.sample(3)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("seed", range(4))
def test_pages_at_the_same_time(sandbox, output, seed):
    """Pages that are asked for together are those that come one by one, whatever happens to some of them."""
    world = World(rows=9000, days=2, seed=1, until=days_ago(0))
    asked = Window.of_days(days_ago(2), days_ago(0))
    offsets = range(0, 3000, 300)
    one_by_one = client(sandbox(world=world))
    expected = [one_by_one.page(SMS, asked, offset=offset, count=300) for offset in offsets]
    server = sandbox(world=world, faults=f"cut=0.2,html=0.1,code-340=0.1,short=0.1,http-502=0.1,seed={seed}")
    together = client(server, output=output, jobs=4).pages(SMS, asked, offsets=offsets, count=300)
    assert [page.table.to_pylist() for page in together] == [page.table.to_pylist() for page in expected]
    assert output == "csv" or {page.total for page in together} == {expected[0].total}


def test_pages_up_to_one_that_is_declined(sandbox):
    """Behind the deepest offset nothing comes, and what lies before it is not lost."""
    world = World(rows=9000, days=2, seed=1, until=days_ago(0))
    asked = Window.of_days(days_ago(2), days_ago(0))
    pages = client(sandbox("max_offset=600", world=world)).pages(SMS, asked, offsets=range(0, 1500, 300), count=300)
    assert [page.served for page in pages] == [300, 300, 300]


def test_expired_token_is_renewed(sandbox):
    """Code 456 costs a fresh token and no wait."""
    server = sandbox(faults="expired=1,first=1")
    clock = SleepingClock()
    api = client(server, clock, credentials=read_credentials(server.credentials, clock=clock))
    assert api.total(SMS, a_day()) > 0
    assert clock.slept == []


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_clock_skew(sandbox, skew):
    """With a clock two hours off, tokens are signed by the server's clock after one refusal."""
    server = sandbox()
    clock = SleepingClock()
    clock.at += skew
    api = client(server, clock, credentials=read_credentials(server.credentials, clock=clock))
    assert api.total(SMS, a_day()) > 0
    assert api.total(A2P, a_day()) > 0
    assert len(server.requests) == 3


def test_a_long_run_renews_its_token(sandbox):
    """A token is renewed before it ends, so that a run of hours never meets code 456."""
    clock = SleepingClock()
    server = sandbox(now=clock)
    api = client(server, clock, credentials=read_credentials(server.credentials, clock=clock))
    for _ in range(20):
        api.total(SMS, a_day())
        clock.at += 700
    assert len(server.requests) == 20


def test_patience_ends(sandbox):
    """Faults that last end with Unavailable after bounded tries and time; after that, nobody waits again."""
    server = sandbox(faults="code-1=1")
    clock = SleepingClock()
    api = client(server, clock, patience=60)
    with pytest.raises(Unavailable, match="error 1"):
        api.total(SMS, a_day())
    assert sum(clock.slept) <= 60
    assert len(server.requests) <= 9
    asked = len(server.requests)
    with pytest.raises(Unavailable):
        api.total(A2P, a_day())
    assert len(server.requests) == asked + 1


def test_patience_is_as_long_as_it_was_set(sandbox):
    """An hour of patience is an hour of tries, a minute apart at last."""
    server = sandbox(faults="reset=1")
    clock = SleepingClock()
    with pytest.raises(Unavailable):
        client(server, clock, patience=3600).total(SMS, a_day())
    assert 3500 <= sum(clock.slept) <= 3600
    assert max(clock.slept) == 60


def test_long_retry_after_ends_at_once(sandbox):
    """A server that asks for an hour is not waited for."""
    server = sandbox(faults="http-429-after=1,wait=3600")
    clock = SleepingClock()
    with pytest.raises(Unavailable, match="429"):
        client(server, clock).total(SMS, a_day())
    assert clock.slept == []


def test_too_fast_slows_down(sandbox):
    """Limits halve what runs at the same time; calm brings it back."""
    server = sandbox(faults="http-429=1,first=3")
    api = client(server, jobs=8)
    api.total(SMS, a_day())
    assert api.client.limiter.limit == 1
    for _ in range(80):
        api.total(SMS, a_day())
    assert api.client.limiter.limit == 8


def test_pace_is_a_gate(sandbox):
    """No more requests run at the same time than the pace allows."""
    server = sandbox()
    api = client(server, jobs=2)
    running, most, lock = 0, 0, threading.Lock()
    answer = server.answer

    def counted(*arguments):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        try:
            return answer(*arguments)
        finally:
            with lock:
                running -= 1

    server.answer = counted
    threads = [threading.Thread(target=api.total, args=(SMS, a_day())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_answers_are_raised(sandbox):
    """What the API answers is not asked again: a refusal names the roles, a no keeps its code."""
    server = sandbox("max_count=100")
    with pytest.raises(ApiRejected) as declined:
        client(server).page(SMS, a_day(), offset=0, count=1000)
    assert declined.value.code == 497
    stranger = client(server, credentials=ApiKey(1, "s3cret"))
    with pytest.raises(CredentialsRefused, match="Owner, Admin, CallsSMS") as refused:
        stranger.total(A2P, a_day())
    assert "s3cret" not in str(refused.value) + repr(stranger.client.__dict__)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", ["http-401", "http-403"])
def test_a_gateway_that_forbids(sandbox, status):
    """HTTP 401 and 403 may be a moment's, but not three times."""
    server = sandbox(faults=f"{status}=1")
    clock = SleepingClock()
    with pytest.raises(CredentialsRefused, match=status[-3:]):
        client(server, clock).total(SMS, a_day())
    assert sum(clock.slept) < 2


def test_error_shapes(sandbox):
    """Both shapes of an error are understood."""
    with pytest.raises(ApiRejected, match="497"):
        client(sandbox("error_shape=errors", "max_count=100")).page(SMS, a_day(), offset=0, count=1000)


def test_wrong_address(sandbox):
    """An address where no API lives is said at once."""
    server = sandbox()
    server.url += "/v2/elsewhere"
    clock = SleepingClock()
    with pytest.raises(SettingsError, match="is not the API"):
        client(server, clock).total(SMS, a_day())
    assert clock.slept == []


def test_secrets_never_travel_in_a_url(sandbox):
    """The legacy key goes into the body, and a network error does not quote it."""
    server = sandbox(faults="reset=1")
    with pytest.raises(Unavailable) as error:
        client(server, patience=1).total(SMS, a_day())
    assert server.api_key not in f"{error.value} {error.value.__cause__} {error.value.__context__}"


@pytest.mark.parametrize("wrong", ["rain=0.1", "cut=2", "cut=often", "cut"])
def test_wrong_plans(wrong):
    """A plan that cannot be used is said in a sentence."""
    with pytest.raises(ValueError, match=wrong.split("=", maxsplit=1)[0]):
        Faults.parse(wrong)


def test_plans_repeat():
    """The same seed draws the same faults, at about the rates that were asked for, only in the first requests."""
    one, other = (Faults.parse("seed=7,cut=0.2,reset=0.1,first=1000") for _ in range(2))
    drawn = [one.draw() for _ in range(1500)]
    assert drawn == [other.draw() for _ in range(1500)]
    assert 150 < drawn.count("cut") < 250
    assert 60 < drawn.count("reset") < 140
    assert set(drawn[1000:]) == {None}


def test_csv_that_is_cut_twice_in_a_text(sandbox):
    """A csv cut in the text of its last row looks whole, even twice: it is asked for as JSON, and nothing is lost."""
    row = next(World(rows=10, days=1, seed=1, until=days_ago(0)).truth("sms"))
    text = "Dear customer, " * 40
    world = World(rows=0, days=1, seed=1, until=days_ago(0))
    world.insert("sms", row | {"processed_at": a_day().start, "text": text})
    server = sandbox(world=world, faults="short=1,first=2")
    page = client(server, output="csv").page(SMS, a_day(), offset=0, count=1000)
    assert page.table["text"].to_pylist() == [text]
    assert [request.parameters["output"] for request in server.requests] == ["csv", "csv", "json"]
