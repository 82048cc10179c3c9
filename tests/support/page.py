"""Read the tables of a page, and make figures for one by hand."""

from decimal import Decimal
from html.parser import HTMLParser

from voxlake.reporting.dashboard.figures import Figures, Period
from voxlake.reporting.scope import Scope


class Tables(HTMLParser):
    """The cells of the tables of a page, by the id of its section: the main one, and those that unfold."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.folds, self.text, self.tags = {}, {}, [], set()
        self._section, self._open = None, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Open what a tag opens; cells and rows are not closed."""
        self.tags.add(tag)
        attrs = dict(attrs)
        assert not any(name.startswith("on") for name in attrs)
        if tag == "section":
            self._section = attrs["id"]
            self.rows[self._section], self.folds[self._section] = [], []
        elif tag == "table":
            self._open.append([])
            found = self.rows[self._section]
            if attrs.get("class") == "bars" and found:
                self._open[-1] = found  # the rows that are folded
            elif attrs.get("class") == "bars" or not self._in_fold:
                self.rows[self._section] = self._open[-1]
            else:
                self.folds[self._section].append(self._open[-1])
        elif tag == "tr":
            (self._open[-1] if attrs.get("class") != "more" else []).append([])
        elif tag in ("td", "th"):
            self._open[-1][-1].append("")
        elif tag == "div" and attrs.get("class") == "fold":
            self._in_fold = True

    _in_fold = False

    def handle_endtag(self, tag):
        """Close a table."""
        if tag == "table":
            self._open.pop()
            self._in_fold = False

    def handle_data(self, data):
        """Collect text."""
        self.text.append(data)
        if self._open and self._open[-1] and self._open[-1][-1]:
            self._open[-1][-1][-1] += data.strip("\n")


def figures_of(span, *, daily=(), coverage=(), **others):
    """Give figures made by hand; nothing else is in them but a message of each stream."""
    rows = dict.fromkeys(("hours", "errors", "countries", "senders", "accounts"), ())
    days = daily or [daily_row(span.first, stream) for stream in ("sms", "a2p")]
    made = {"whole": Period(span, days, [], None), "week": None, "coverage": coverage, **rows, **others}
    return Figures(span=span, scope=Scope((), ()), **made)


def daily_row(day, stream, *, cost="0.10", **others):
    """Return what is known of a day and stream; `others` differ."""
    numbers = {"messages": 1, "sent": 1, "settled": 1, "arrived": 1, "moving": 0}
    return {"date": day, "stream": stream, **numbers, "costs": {"EUR": Decimal(cost)}, **others}


def covered(span, *, state="final", accounts=(1,), **others):
    """Return the days of a span in a state, `others` by their date, for both streams of some accounts."""
    return [
        {"account_id": n, "account": f"account-{n}", "stream": stream, "date": day, "messages": 1, "counted": 1}
        | {"state": others.get(str(day), state)}
        for n in accounts
        for stream in ("sms", "a2p")
        for day in span
    ]
