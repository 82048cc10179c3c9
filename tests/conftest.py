"""What the journeys share: a sandbox, and a way to run voxlake as its users do."""

import os
import signal
from contextlib import ExitStack

import pytest
from hypothesis import settings
from support.clock import CLOCK
from support.dates import days_ago
from support.keys import with_key
from support.runner import Command
from support.stores import SERVERS_OF_TESTS

from voxlake.sandbox import Behaviour, Faults, Reseller, Sandbox, World, read_accounts

# What a shell starts in the background ignores Ctrl-C, and hands that on; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

OURS = ("VOXLAKE_", "VOXIMPLANT_")
DATED = {"CLOCK", "SleepingClock", "days_ago", "client", "sandbox", "voxlake", "Command", "PROGRAM"}
"""The fixtures, and the names of tests/support, by which a test knows the time; see `support/clock.py`."""

# No test asserts on seconds: a slow machine is no failure.
settings.register_profile("voxlake", deadline=None)
settings.load_profile("voxlake")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests that cannot depend on the date: neither they nor their fixtures ask the clock of the tests.

    Combinations of a `diagonal` are marked before tests are chosen by their marks.
    """
    for item in items:
        if not DATED & {*item.fixturenames, *vars(item.module)}:
            item.add_marker(pytest.mark.dateless)
    leave_combinations_to_the_slow_tests(items)
    leave_most_to_the_slow_tests(items)


def leave_combinations_to_the_slow_tests(items):
    """Of a test marked `diagonal`, mark as slow what repeats values: each is tried at least once in what remains.

    With parameters of six and two values, six of the twelve combinations remain: the place of each value agrees with
    that of the parameter with the most values, as far as there are as many.
    """
    of_diagonals = [item for item in items if item.get_closest_marker("diagonal")]
    values = {}
    places = {}
    for item in of_diagonals:
        for marker in item.iter_markers("parametrize"):
            names = marker.args[0]
            key = tuple(id(item.callspec.params[name.strip()]) for name in (
                names.split(",") if isinstance(names, str) else names
            ))  # fmt: skip
            known = values.setdefault((item.originalname, str(names)), {})
            places.setdefault(item, {})[str(names)] = known.setdefault(key, len(known))
    for item, its in places.items():
        sizes = {names: len(values[item.originalname, names]) for names in its}
        longest = max(sizes, key=sizes.get)
        if any(place != its[longest] % sizes[names] for names, place in its.items()):
            item.add_marker(pytest.mark.slow)


def leave_most_to_the_slow_tests(items):
    """Of a test marked `sample(n)`, mark all but n as slow: these are spread evenly over those that are left."""
    sampled = {}
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("slow"):
            sampled.setdefault((item.path, item.originalname), []).append(item)
    for its in sampled.values():
        number = its[0].get_closest_marker("sample").args[0]
        kept = {n * len(its) // number for n in range(number)}
        for place, item in enumerate(its):
            if place not in kept:
                item.add_marker(pytest.mark.slow)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Begin each test at the same time, by the clock of the tests."""
    CLOCK.restart()


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch):
    """Keep the machine's own settings and proxies out of every test."""
    for name in os.environ:
        if name.startswith(OURS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def stores():
    """Return a function that returns the address of a server of object storage by its name; each is started once."""
    with ExitStack() as running:
        found = {}

        def endpoint(name):
            if name not in found:
                found[name] = running.enter_context(SERVERS_OF_TESTS[name]())
            return found[name]

        yield endpoint


@pytest.fixture
def sandbox(tmp_path):
    """Start sandboxes, by the clock of the tests or by another; all are stopped at the end of the test."""
    started = []

    def start(
        *switches,
        rows=3000,
        days=10,
        seed=1,
        world=None,
        faults="",
        clock=CLOCK,
        accounts=0,
        special=(),
        quiet_share=0,
        **options,
    ):
        folder = tmp_path / f"sandbox-{len(started)}"
        folder.mkdir()
        shape = {"rows": rows, "days": days, "seed": seed, "until": days_ago(0, clock)}
        special = read_accounts(special, children=accounts)
        reseller = Reseller(**shape, children=accounts, settings=special, quiet_share=quiet_share)
        server = Sandbox(
            world or World(**shape),
            reseller=reseller,
            behaviour=Behaviour.parse(switches),
            faults=Faults.parse(faults),
            directory=with_key(folder),
            **{"now": clock.time} | options,
        )
        started.append(server.__enter__())
        return started[-1]

    yield start
    for server in started:
        server.__exit__(None, None, None)


@pytest.fixture
def voxlake(tmp_path):
    """Run the command `voxlake` in an empty folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*arguments, server=None, env=None, code=0, cwd=folder):
        environ = dict(os.environ)
        if server is not None:
            environ |= {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}
        done = Command(arguments, environ | (env or {}), cwd, tmp_path / "command").wait(120)
        assert code is None or done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr, done.stderr[-1500:]
        return done

    run.folder = folder
    return run
