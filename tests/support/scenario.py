"""Random lives of a lake: nights under switches, faults, late rows and kill -9, held against what the world held.

A scenario is drawn from anything that behaves like `random.Random`: Hypothesis' own, which shrinks, or a seeded one for
a soak. Each night is a process of its own that exports over real HTTP; time passes when a night says so.
"""

import json
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from support.in_process import connect
from support.keys import with_key
from support.processes import CONTEXT
from voxlake.api.ceiling import REACHED
from voxlake.sandbox import KINDS, SECONDS, Behaviour, Faults, Sandbox, World, midnight
from voxlake.transform import STATUSES, STREAMS

UNTIL = date(2026, 3, 10)

_SELECTING = {
    "order": ["asc", "desc", "random-per-request", "id"],
    "from_bound": ["inclusive", "exclusive"],
    "to_bound": ["inclusive", "exclusive"],
    "date_precision": ["second", "second", "second", "day"],
    "max_window_days": [None, None, "1", "2", "5"],
    "max_offset": [None, None, "100", "400", "1000"],
    "offset_mode": ["error", "empty", "clamp"],
    "max_count": ["1000", "300", "100"],
    "count_mode": ["error", "clamp"],
    "message_id_filter": ["on", "on", "off", "refused"],
}
"""What decides which rows come: drawn for every life."""

_SPELLING = {
    "default_window": ["all", "month"],
    "number_type": ["string", "number"],
    "id_type": ["number", "string"],
    "cost_type": ["number", "string"],
    "status_type": ["string", "number"],
    "direction_case": ["upper", "lower"],
    "delivery_type": ["name", "number"],
    "nulls": ["omit", "null"],
    "id_field": ["message_id", "sms_id", "id"],
    "date_field": ["documented", "processed_date", "processing_date"],
    "total_count": ["number", "string"],
    "envelope": ["plain", "extra"],
    "error_shape": ["error", "errors"],
    "csv_delimiter": [";", ","],
    "csv_bom": ["off", "on"],
    "csv_newline": ["lf", "crlf"],
    "csv_header": ["names", "title"],
    "csv_decimal": [".", ","],
    "csv_empty": ["header", "nothing"],
    "csv_content_type": ["octet-stream", "csv"],
    "gzip": ["off", "on"],
}
"""How they are written: some for every life."""

_MOVING = ("insert",)
"""What changes while it is read."""

_LIES = ("none", "half", "half-both")
"""Replies that lack rows, and of which two agree with themselves."""

_SHARES = (0, 0.01, 0.02, 0.05, 0.1)
"""The part of all replies in a night without faults that lie, of whatever kinds."""

_ODD = {
    "bounds_zone": ["+03:00", "-05:00", "+05:45"],
    "retention_days": ["24"],
    "clock_behind": ["600", "7200"],
    "clock_ahead": ["600", "7200"],
    "late_price": ["5", "30"],
    "misdated": ["50"],
}
"""What one life in three has one of."""


@dataclass(frozen=True)
class Night:
    """One run: hours since the last one, how many rows appear before it, its luck, and when it is killed, if at all."""

    hours: int
    appear: int
    faults: str
    kill_after: float | None


@dataclass(frozen=True)
class Scenario:
    """A world, an API and some nights."""

    seed: int
    rows: int
    days: int
    late: float
    switches: tuple[str, ...]
    output: str
    jobs: int
    settle_hours: int
    legacy: bool
    nights: tuple[Night, ...]


def draw(rng, *, kills=True, lies=None):
    """Draw a scenario; `lies` is the part of replies that lie in all nights, in place of a drawn one."""
    chosen = {name: rng.choice(values) for name, values in _SELECTING.items()}
    chosen |= {name: rng.choice(_SPELLING[name]) for name in rng.sample(sorted(_SPELLING), rng.randint(0, 6))}
    rows = rng.choice([3, 200, 1500, 1500, 4000, 12_000])
    if chosen["date_precision"] == "day":
        # What nobody can read of an API that looks at whole days: one that gives out only a part of a day, and one that
        # deals it out in another order for every page. Where the longest window may show neither of its two days,
        # nobody can prove an empty one.
        if rows > int(chosen["max_offset"] or rows):
            del chosen["max_offset"]
        if chosen["order"] == "random-per-request":
            chosen["order"] = "id"
        if chosen["max_window_days"] == "1" and "exclusive" in (chosen["from_bound"], chosen["to_bound"]):
            chosen["max_window_days"] = "2"
    if chosen["order"] == "random-per-request" and rows > int(chosen.get("max_offset") or rows):
        # To read such a history takes more requests than the ceiling allows: its days stay unverified, and say so.
        chosen["max_offset"] = None
    settle = rng.choice([0, 72, 1200])
    odd = rng.choice([*_ODD, *[None] * (2 * len(_ODD))])
    if odd == "bounds_zone":
        # What the API means is learned from what it counts of one message, and where that lies, from the next night on.
        # A day that is deeper than offsets reach is cut in time before that, which shows nothing of it.
        chosen |= {"message_id_filter": "on", "date_precision": "second", "max_window_days": None, "max_offset": None}
        chosen["order"] = "id"
        rows, lies = max(rows, 1500), 0
    if odd is not None and (odd != "late_price" or settle == 1200):
        chosen[odd] = rng.choice(_ODD[odd])
    return Scenario(
        seed=rng.randint(0, 999),
        rows=rows,
        days=rng.choice([1, 2, 2, 3, 5, 9]),
        late=rng.choice([0, 0.05]) if settle else 0,
        switches=tuple(f"{name}={value}" for name, value in chosen.items() if value is not None),
        output=rng.choice(["json", "csv"]),
        jobs=rng.choice([1, 4, 16]),
        settle_hours=settle,
        legacy=rng.choice([False, True]),
        # A row that appears in a final day is not looked for: the settling time says so.
        nights=tuple(_night(rng, kills=kills, inserts=settle == 1200, lies=lies) for _ in range(rng.randint(1, 4))),
    )


def _night(rng, *, kills, inserts, lies):
    kinds = rng.sample(sorted(set(KINDS) - {"stall", "drip", *_MOVING, *_LIES}), rng.randint(0, 3))
    kinds += rng.sample(_MOVING, rng.randint(0, 1)) if inserts else []
    parts = {kind: rng.choice([0.02, 0.1, 0.4]) for kind in kinds}
    share, liars = rng.choice(_SHARES) if lies is None else lies, rng.sample(_LIES, rng.randint(1, len(_LIES)))
    # What is sent again after a fault is answered, too: where these are many, most answers would lie.
    share *= max(0, 1 - sum(part for kind, part in parts.items() if kind not in _MOVING))
    # First, so that no other fault takes their place.
    rates = [f"{kind}={share / len(liars):.4f}" for kind in liars if share] + [f"{k}={v}" for k, v in parts.items()]
    return Night(
        hours=rng.choice([0, 7, 24, 24, 60]),
        appear=rng.choice([0, 1, 5]),
        faults=",".join([*rates, f"seed={rng.randint(0, 999)}"]),
        kill_after=rng.choice([None, None, 0.05, 0.2, 0.5, 1.0]) if kills else None,
    )


class Life:
    """A scenario at work in a folder; `tally` counts what was tried."""

    def __init__(self, scenario, folder):
        self.scenario, self.folder = scenario, Path(folder)
        self.tally = Counter()
        self._clock = [float(midnight(UNTIL)) + 3 * 3600]
        s = scenario
        self.world = World(rows=s.rows, days=s.days, seed=s.seed, until=UNTIL, late=s.late)
        credentials = self.folder / "credentials"
        credentials.mkdir()
        self.server = Sandbox(
            self.world,
            behaviour=Behaviour.parse(s.switches),
            directory=with_key(credentials),
            now=lambda: self._clock[0],
            world_now=lambda: self._clock[0],
        )
        self._rng = random.Random(s.seed)
        self._ids = iter(range(5 * 10**12, 6 * 10**12))
        self._stamps = {}
        self._behaviour = self.server.behaviour
        # Where the API gives no older days, they are asked for all the same.
        back = 27 if self._behaviour.retention_days else s.days + 1
        self._first = str(UNTIL - timedelta(days=back))

    def live(self):
        """Go through all nights, then let the faults end and time pass, and compare everything."""
        with self.server:
            for night in self.scenario.nights:
                self._clock[0] += night.hours * 3600
                self._appear(night.appear)
                self.server.faults = Faults.parse(night.faults)
                self._sleep(night.kill_after)
            self.server.faults = Faults()
            # Every row is seen and every status has settled; one run may still part what the faults left doubled.
            self._clock[0] += 60 * 3600
            self._sleep(None)
            report = self._sleep(None)
            if self._behaviour.misdated:
                # Days with a row whose date cannot be true stay unverified; the others were compared.
                return self.tally
            if self._is_ended_early(report):
                # What was verified was compared after each night.
                self.tally["ended at the ceiling"] += 1
                return self.tally
            assert report["exit_code"] == 0, report
            assert all(s["days"] == s["verified"] for s in report["streams"].values()), report
            self._compare_all()
        return self.tally

    @staticmethod
    def _is_ended_early(report):
        """Tell whether a run says that it ended because more requests would not help, and left days unverified."""
        problems = [problem for its in report["streams"].values() for problem in its["unverified"].values()]
        return report["exit_code"] == 4 and any(REACHED in said for said in (*report["errors"], *problems))

    def _sleep(self, kill_after):
        """Run one night, killed or not, and check what it left."""
        before = {stream: self._snapshot(stream) for stream in STREAMS}
        left = self.folder / "report.json"
        left.unlink(missing_ok=True)
        s = self.scenario
        asked = len(self.server.requests)
        credentials = None if s.legacy else str(self.server.credentials)
        arguments = (self.server.url, credentials, str(self.folder), self._clock[0], s.output, s.jobs, s.settle_hours)
        killed = self._run((*arguments, self._first), kill_after)
        self.tally["nights"] += 1
        self.tally["kills"] += killed
        self.tally["requests"] += len(self.server.requests) - asked
        self.tally["faults"] += self.server.faults.injected
        self._check_lake(before)
        self._check_database()
        return None if killed else json.loads(left.read_text())

    def _run(self, arguments, kill_after):
        """Export in a process of its own, and say whether it was killed."""
        process = CONTEXT.Process(target=night, args=arguments, daemon=True)
        process.start()
        if kill_after is not None:
            process.join(kill_after * self._rng.uniform(0.1, 1.5))
            process.kill()
        process.join(120)
        if process.exitcode is None:
            process.terminate()
            process.join()
        killed, process_code = process.exitcode == -signal.SIGKILL, process.exitcode
        process.close()
        assert killed or process_code == 0, f"a night ended with {process_code}"
        return killed

    def _snapshot(self, stream):
        """Return the world's rows by id, as they are seen now."""
        return {row["message_id"]: row for row in self.world.truth(stream)}

    def _check_lake(self, before):
        """No row is doubled or invented, and a day that this night verified holds what the world held."""
        for name, stream in STREAMS.items():
            after = self._snapshot(name)
            seen = Counter()
            for path in sorted((self.folder / "data" / "lake" / stream.table).glob("**/*.parquet")):
                file = pq.ParquetFile(path)
                proof = json.loads(file.metadata.metadata[b"voxlake"])
                held = {row["message_id"]: row for row in file.read().to_pylist()}
                seen.update(held.keys())
                day = date.fromisoformat(path.parent.name.partition("=")[2])
                assert len(held) == file.metadata.num_rows, path
                assert all(row["processed_at"].date() == day for row in held.values()), path
                assert held.keys() <= after.keys(), f"{path} holds invented rows"
                stamp = (path.stat().st_ino, path.stat().st_mtime_ns)
                if self._stamps.get(path) == stamp or not proof["verified"]:
                    continue
                self._stamps[path] = stamp
                # A day in progress is exported up to the present second, by the clock that is behind.
                now = datetime.fromtimestamp(int(self._clock[0]) - int(self._behaviour.clock_behind or 0), UTC)
                there = {
                    i for i, r in before[name].items() if r["processed_at"].date() == day and r["processed_at"] < now
                }
                assert there <= held.keys(), f"{path} is verified and lacks {sorted(there - held.keys())[:3]}"
                for message_id, row in held.items():
                    assert _ours(row, stream) == _theirs(self._priced(row, after[message_id]), stream), (path, proof)
                self.tally["rows"] += len(held)
            assert all(times == 1 for times in seen.values())

    def _priced(self, row, there):
        """Return a row of the world with the cost that it had when it was read: none, where that comes late."""
        hours = int(self._behaviour.late_price or 0)
        is_young = there["processed_at"].timestamp() > self._clock[0] - (hours + 1) * 3600
        return {**there, "cost": None} if hours and row["cost"] is None and is_young else there

    def _check_database(self):
        """Whoever opens the database finds a whole one: each message once, each day as its coverage says."""
        path = self.folder / "data" / "voxlake.duckdb"
        if not path.exists():
            return
        with duckdb.connect(str(path), read_only=True) as connection:
            for name, stream in STREAMS.items():
                ids, rows = connection.execute(
                    f"SELECT count(DISTINCT message_id), count(*) FROM {stream.table}"
                ).fetchone()
                assert ids == rows
                assert connection.execute(
                    "SELECT coalesce(sum(row_count), 0) FROM coverage WHERE stream = $1", [name]
                ).fetchone() == (rows,)

    def _compare_all(self):
        """Everything that is not final by the rules equals the world, in the lake and in the database."""
        path = self.folder / "data" / "voxlake.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            # Days that the API refuses as too old are named, and have no row.
            first = UNTIL - timedelta(days=self.scenario.days + 1)
            question = "SELECT count(*) FROM coverage WHERE NOT verified AND date >= $1"
            assert connection.execute(question, [first]).fetchone() == (0,)
            for name, stream in STREAMS.items():
                columns = ", ".join(stream.schema.names)
                rows = connection.execute(f"SELECT {columns} FROM {stream.table}").fetchall()
                held = {row[0]: _ours(dict(zip(stream.schema.names, row, strict=True)), stream) for row in rows}
                # A row may have appeared before the first day that was asked for, or that the API still gives.
                there = {i: row for i, row in self._snapshot(name).items() if i in held or self._is_given(row)}
                world = {i: _theirs(row, stream) for i, row in there.items()}
                assert held == world, sorted(held.keys() ^ world.keys())[:5]
                self.tally["compared"] += len(world)

    def _is_given(self, row):
        """Tell whether a row lies in the days that were asked for, and is not too old for the API by now."""
        day = str(row["processed_at"].date())
        oldest = datetime.fromtimestamp(self._clock[0], UTC) - timedelta(
            days=int(self._behaviour.retention_days or 999)
        )
        return day >= self._first and day > str(oldest.date())

    def _appear(self, count):
        """Let rows appear in days that are not final, as a vendor's late bookings do."""
        for _ in range(count):
            stream = self._rng.choice(sorted(STREAMS))
            row = next(self.world.truth(stream), None)
            final = self._final(stream)
            first = midnight(UNTIL - timedelta(days=self.scenario.days))
            at = self._rng.randrange(first, int(self._clock[0]))
            if row is None or at // SECONDS in final:
                continue
            instant = datetime.fromtimestamp(at, UTC)
            self.world.insert(stream, {**row, "message_id": next(self._ids), "processed_at": instant})
            self.tally["late rows"] += 1

    def _final(self, stream):
        """Return the days, counted from 1970, that the lake calls final: nothing is looked for in them any more."""
        path = self.folder / "data" / "voxlake.duckdb"
        days = set()
        for part in (self.folder / "data" / "lake" / STREAMS[stream].table).glob("**/*.parquet"):
            proof = json.loads(pq.read_metadata(part).metadata[b"voxlake"])
            day = midnight(date.fromisoformat(part.parent.name.partition("=")[2])) // SECONDS
            exported = datetime.fromisoformat(proof["exported_at"]).timestamp()
            if proof["verified"] and exported >= (day + 1) * SECONDS + self.scenario.settle_hours * 3600:
                days.add(day)
        assert path.exists() or not days or self.tally["kills"]
        return days


def _ours(row, stream):
    instant = row["processed_at"].replace(tzinfo=None)
    return (
        row["message_id"], row["source_number"], row["destination_number"], row["fragments"], row["cost"],
        row["status_id"], row["status"], row["error_message"], instant, row["transaction_id"], row["text"],
        row[stream.own], row["extra"],
    )  # fmt: skip


def _theirs(row, stream):
    return (
        row["message_id"], row["source_number"], row["destination_number"], row["fragments"], row["cost"],
        row["status_id"], STATUSES.get(row["status_id"], "unknown"), row["error_message"],
        row["processed_at"].replace(tzinfo=None), row["transaction_id"], row["text"], row[stream.own], None,
    )  # fmt: skip


class QuickLife(Life):
    """The same without a process or a socket for its nights, many times as fast: nobody is killed in it."""

    def _run(self, arguments, _kill_after):
        night(*arguments, server=self.server)
        return False


class HurriedClock:
    """A clock that moves when somebody sleeps, who waits a moment in place of the seconds."""

    def __init__(self, start):
        self._at = start

    def now(self):
        """Return the time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self._at, UTC)

    def time(self):
        """Return the time in UTC seconds."""
        return self._at

    def sleep(self, seconds):
        """Let time pass."""
        self._at += seconds
        time.sleep(min(seconds / 1000, 0.01))


def night(url, credentials, folder, clock, output, jobs, settle_hours, first, *, server=None):
    """Export once, in this process: real HTTP and files, a clock that moves when the client sleeps.

    A `server` is asked without HTTP. In a folder with a file `linked`, the database is a linked one.
    """
    from voxlake.api import ApiClient, ApiKey, HistoryApi, read_credentials  # noqa: PLC0415 - in the child alone
    from voxlake.lake import Lake  # noqa: PLC0415
    from voxlake.model import FinalityPolicy  # noqa: PLC0415
    from voxlake.pipeline import Context, DayRange, export, windows_at_once  # noqa: PLC0415
    from voxlake.sandbox import ACCOUNT_ID, API_KEY  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    ours = HurriedClock(clock)
    auth = ApiKey(ACCOUNT_ID, API_KEY) if credentials is None else read_credentials(Path(credentials), clock=ours)
    client = ApiClient(url, auth, jobs=jobs, timeout=5, clock=ours, random=random.Random(clock).random)
    api = HistoryApi(client, output=output)
    if server is not None:
        connect(api, server)
    lake = Lake(Path(folder) / "data")
    today = datetime.fromtimestamp(clock, UTC).date()
    finality = FinalityPolicy(timedelta(hours=settle_hours), timedelta(days=100))
    days = DayRange(date.fromisoformat(first), today + timedelta(days=1))
    with lake.locked(holder="a night"), ThreadPoolExecutor(windows_at_once(jobs)) as executor:
        database = "linked" if (Path(folder) / "linked").exists() else "auto"
        context = Context(api, lake, Warehouse(lake.root, database=database), ours, executor, finality)
        report = export(context, list(STREAMS.values()), days)
    (Path(folder) / "report.json").write_text(json.dumps(report.to_json()))
