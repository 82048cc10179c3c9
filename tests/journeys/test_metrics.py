"""`voxlake status --format prometheus`: read by the reference parser, equal to what status says, documented."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from support.contexts import StandingClock
from support.dates import days_ago
from support.lakes import ACCOUNT, FIRST, Hand, row
from support.paths import DOCS

import voxlake
from voxlake.library import metrics
from voxlake.reporting import METRICS, render_metrics


def parsed(text):
    """Return the samples of metrics by name and labels, as Prometheus reads them."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - for these tests alone

    families = list(text_string_to_metric_families(text))
    assert all(family.type == "gauge" and family.documentation for family in families)
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return {
        (sample.name.removeprefix("voxlake_"), *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_of_an_export(sandbox, voxlake):
    """A file is put in place as a whole; its numbers are those of the run and of the lake."""
    server, out = sandbox(rows=60, days=5), voxlake.folder / "voxlake.prom"
    out.write_text("before")
    voxlake("export", "--since", days_ago(4), server=server)
    assert voxlake("status", "--format", "prometheus", "--out", out).stdout == ""
    assert sorted(path.name for path in voxlake.folder.iterdir()) == ["data", out.name]
    its = parsed(out.read_text())
    account, stream = ("account", str(server.account_id)), ("stream", "sms")
    assert {its["days", account, ("state", state), stream] for state in ("missing", "unverified")} == {0}
    days = [its["days", account, ("state", state), stream] for state in ("final", "open")]
    assert sum(days) == 5
    assert sum(value for (name, *_), value in its.items() if name == "rows") > 0
    assert its["last_good_export_age_seconds", account] < 3600
    assert (its["last_export_exit_code", account], its["run_exit_code", ("command", "export")]) == (0, 0)
    assert its["run_requests", ("command", "export")] == its["last_export_requests", account] == len(server.requests)
    assert 0 < its["run_least_requests", ("command", "export")] <= len(server.requests)
    assert its["database_age_seconds",] >= 0
    assert {name for name, *_ in its} <= set(METRICS)
    assert "--out is for --format prometheus" in voxlake("status", "--out", out, code=2).stderr
    assert "holds no export" in voxlake("status", "--format", "prometheus", "--data-dir", "nowhere", code=2).stderr


@pytest.mark.parametrize("index", [True, False])
def test_metrics_are_what_status_says(tmp_path, index):
    """The days of each state and the rows are those of `status`, with an index and without; killed runs are seen."""
    hand = Hand(tmp_path / "data")
    hand.know(ACCOUNT, name='Sh"op\\ \n1', last_good_run=datetime(2026, 1, 8, 2, tzinfo=UTC))
    for day in (1, 2, 3, 5, 7):
        on = FIRST.replace(day=day)
        at = datetime(2026, 1, 8, 1, tzinfo=UTC)
        hand.put(on, [row(day, on)], verified=day not in (1, 7), exported_at=at)
    hand.publish()
    (hand.root / "runs.jsonl").write_text(
        '{"run": "x", "started_at": "2026-01-08T01:00:00Z", "command": "export", "version": "9"}\n'
    )
    if not index:
        (hand.root / "ledger.sqlite").unlink()
    clock = StandingClock(datetime(2026, 1, 9, 2, tzinfo=UTC))
    samples, found = metrics(hand.root, clock=clock, max_age=timedelta(hours=12))
    its = parsed(render_metrics(samples))
    (stream,) = voxlake.status(hand.root, clock=clock).streams
    labels = [("account", str(ACCOUNT)), ("stream", "sms")]
    shown = {state: its["days", labels[0], ("state", state), labels[1]] for state in ("final", "open", "unverified")}
    assert shown == {"final": stream.final, "open": stream.open, "unverified": stream.unverified}
    assert shown == {"final": 2, "open": 1, "unverified": 2}
    # Days after the last export that ended well are a matter of age.
    assert its["days", labels[0], ("state", "missing"), labels[1]] == 2
    assert its["rows", *labels] == stream.rows == 5
    newest = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
    assert its["newest_verified_day_timestamp_seconds", *labels] == newest
    assert its["account_info", labels[0], ("name", 'Sh"op\\ \n1')] == 1
    assert its["last_good_export_age_seconds", labels[0]] == 24 * 3600
    assert its["check_exit_code",] == found.exit_code == 4
    assert its["run_unfinished", ("command", "export")] == 1
    assert ("run_exit_code", ("command", "export")) not in its


def test_documented_names():
    """Each metric is in the documentation, and the example rules use metrics that exist."""
    page, rules = (DOCS / "monitoring.md").read_text(), (DOCS / "alerts.yml").read_text()
    documented = set(re.findall(r"^\| `voxlake_(\w+)", page, re.MULTILINE))
    assert documented == set(METRICS)
    expressions = re.findall(r"^ +expr: (.*)$", rules, re.MULTILINE)
    assert len(expressions) == rules.count("- alert: ") > 5
    for expression in expressions:
        used = re.findall(r"\bvoxlake_(\w+)", expression)
        assert used
        assert set(used) <= set(METRICS)
        assert expression.count("(") == expression.count(")")
