"""Pages over a scripted client: what is asked, in which order pages come, when a csv is doubted."""

import json
from datetime import UTC, datetime

import pytest
from support.replies import READ, reply

from voxlake.api import HistoryApi
from voxlake.api.errors import ApiAnswerError, refusal
from voxlake.model import Window
from voxlake.transform import A2P, SMS, BrokenReplyError

WINDOW = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, 12, 30, 5, tzinfo=UTC))
BROKEN = b'{"result": [{"message_id"'
CSV = b"message_id,processed_date\n3,2019-06-04 21:00:00\n"


class ScriptedClient:
    """A client that replies what a function of the parameters says, and repeats what `read` finds broken."""

    account_id, requests, jobs = 7, 5, 3

    def __init__(self, reply_to):
        self.reply_to, self.asked, self.closed = reply_to, [], False

    def call(self, method, parameters, read, *, roles):
        """Reply; an API's error becomes what the real client raises."""
        for _ in range(5):
            self.asked.append((method, dict(parameters)))
            try:
                return read(self.reply_to(parameters))
            except BrokenReplyError:
                continue
            except ApiAnswerError as answer:
                raise refusal(answer, method, roles) from None
        pytest.fail("the reply stayed broken")

    def close(self):
        """Note that it was closed."""
        self.closed = True


@pytest.fixture
def histories():
    """Make histories over a scripted client; all are closed at the end."""
    made = []

    def make(reply_to, output="json"):
        made.append(HistoryApi(ScriptedClient(reply_to), output=output))
        return made[-1]

    yield make
    for history in made:
        history.close()
        assert history.client.closed


def row(message_id):
    """Return a reply with one large row, so that it is decoded together with others."""
    return reply({"message_id": message_id, "processed_date": "2026-03-01 10:00:00", "text": "x" * 5000})


def ids(pages):
    """Return the ids of pages in order."""
    return [id_ for page in pages for id_ in page.table["message_id"].to_pylist()]


def test_what_is_asked(histories):
    """The window in UTC seconds, the page, the format and the filters, by the method of the stream."""
    history = histories(lambda _: reply())
    history.page(A2P, WINDOW, offset=20, count=10, filters={"source_number": "1"})
    history.total(SMS, WINDOW, filters={"message_id": "3;4"})
    assert history.client.asked == [
        ("A2PGetSmsHistory", {
            "from_date": "2026-03-01 00:00:00", "to_date": "2026-03-02 12:30:05", "count": "10", "offset": "20",
            "output": "json", "source_number": "1",
        }),
        ("GetSmsHistory", {
            "from_date": "2026-03-01 00:00:00", "to_date": "2026-03-02 12:30:05", "count": "1", "offset": "0",
            "output": "json", "message_id": "3;4",
        }),
    ]  # fmt: skip
    assert (history.account_id, history.requests) == (7, 5)


def test_a_total_is_the_apis_count(histories):
    """One row is asked for, and the count of all is returned, also where csv is asked for otherwise."""
    history = histories(lambda _: reply(total_count=1234), output="csv")
    assert history.total(SMS, WINDOW) == 1234
    assert history.client.asked[0][1]["output"] == "json"


def test_a_count_that_comes_without_its_row_is_asked_for_again(histories):
    """Half of one row is none: such a reply contradicts itself. An API that gives none twice is believed."""
    replies = [reply(total_count=6), reply({"message_id": 3}, total_count=12)]
    history = histories(lambda _: replies[min(len(history.client.asked), 2) - 1])
    assert history.total(SMS, WINDOW) == 12
    assert len(history.client.asked) == 2
    hidden = histories(lambda _: reply(total_count=6))
    assert hidden.total(SMS, WINDOW) == 6
    assert len(hidden.client.asked) == 2
    none = histories(lambda _: reply(total_count=0))
    assert (none.total(SMS, WINDOW), len(none.client.asked)) == (0, 1)


def test_a_page_of_csv_has_no_total(histories):
    """A csv that ends with its line is a page; an error comes as JSON, whatever was asked."""
    page = histories(lambda _: CSV, output="csv").page(SMS, WINDOW, offset=0, count=10)
    assert (ids([page]), page.total) == ([READ["message_id"]], None)
    refused = histories(lambda _: json.dumps({"error": {"code": 497, "msg": "m"}}).encode(), output="csv")
    with pytest.raises(Exception, match="497"):
        refused.page(SMS, WINDOW, offset=0, count=10)


@pytest.mark.parametrize("cut", [CSV[:-1], CSV[:-9], b""])
def test_a_csv_that_is_cut_twice_alike_is_asked_for_as_json(histories, cut):
    """Nobody can see whether a csv without its last line end is whole: JSON decides."""
    history = histories(lambda asked: cut if asked["output"] == "csv" else row(3), output="csv")
    page = history.page(SMS, WINDOW, offset=0, count=10)
    assert (ids([page]), page.total) == ([3], 1)
    assert [parameters["output"] for _, parameters in history.client.asked] == ["csv", "csv", "json"]


def test_a_csv_that_is_cut_differently_is_asked_for_again(histories):
    """A cut that moves is a fault of the moment."""
    replies = iter([CSV[:-1], CSV[:-5], CSV])
    history = histories(lambda _: next(replies), output="csv")
    assert ids([history.page(SMS, WINDOW, offset=0, count=10)]) == [3]
    assert len(history.client.asked) == 3


@pytest.mark.parametrize("output", ["json", "csv"])
def test_pages_come_in_the_order_of_their_offsets(histories, output):
    """Side by side, decoded together or not, each page is where it belongs."""

    def answer(asked):
        if asked["output"] == "csv":
            return CSV.replace(b"\n3,", f"\n{asked['offset']},".encode())
        return row(int(asked["offset"]))

    pages = histories(answer, output=output).pages(SMS, WINDOW, offsets=range(10, 60, 10), count=10)
    assert ids(pages) == [10, 20, 30, 40, 50]


def test_small_and_large_replies_together(histories):
    """Replies that are decoded on arrival and those that wait for others keep their places."""
    small = reply({"message_id": 20, "processed_date": "2026-03-01 10:00:00"})
    history = histories(lambda asked: small if asked["offset"] == "20" else row(int(asked["offset"])))
    assert ids(history.pages(SMS, WINDOW, offsets=[10, 20, 30], count=10)) == [10, 20, 30]


def test_a_page_that_looked_whole_is_asked_for_again(histories):
    """What cannot be decoded with the others is decoded alone, and what cannot be decoded at all is asked again."""
    tried = []

    def answer(asked):
        tried.append(asked["offset"])
        if asked["offset"] == "20" and tried.count("20") == 1:
            return b'{"result": [{"message_id": ' + b"x" * 5000 + b"}"
        return row(int(asked["offset"]))

    assert ids(histories(answer).pages(SMS, WINDOW, offsets=[10, 20, 30], count=10)) == [10, 20, 30]
    assert sorted(tried) == ["10", "20", "20", "30"]


@pytest.mark.parametrize("rejected", [0, 2])
def test_pages_up_to_the_first_that_is_rejected(histories, rejected):
    """Beyond the deepest offset nothing comes, and what lies before it is not lost."""

    def answer(asked):
        at = int(asked["offset"])
        return row(at) if at < rejected else json.dumps({"error": {"code": 497, "msg": "m"}}).encode()

    assert ids(histories(answer).pages(SMS, WINDOW, offsets=range(4), count=1)) == list(range(rejected))


def test_side_by_side(histories):
    """Results come in the order of the windows, and an error is raised where its turn comes."""
    history = histories(lambda _: reply())
    days = WINDOW.split(2)
    assert list(history.side_by_side(str, days)) == [str(day) for day in days]
    with pytest.raises(ZeroDivisionError):
        list(history.side_by_side(lambda _: 1 / 0, days))
