"""The accounts of a voxlake.toml: what can be written, and the sentence for what cannot."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from voxlake.errors import SettingsError
from voxlake.library import read_sections

MAIN = '[main]\ncredentials = "main.json"\n'


def read(text):
    """Return the sections of a table `accounts`, written without that prefix."""
    return read_sections(tomllib.loads(text), "voxlake.toml")


def test_what_can_be_written():
    """Accounts with a key of their own, children of one, and what each may have for itself."""
    found = read(
        MAIN + '[shop]\nparent = "main"\naccount_id = 414877\nsince = 2026-01-31\nstreams = ["sms"]\njobs = 2\n'
        'currency = "RUR"\ntime_zone = "Europe/Berlin"\nenabled = false\n'
        '[few]\nparent = "main"\nchildren = [5, 6]\nsince = "2026-01-31"\nstreams = "a2p"\n'
        '[rest]\nparent = "main"\nchildren = "all"\n'
    )
    assert found["main"].credentials == Path("main.json")
    assert found["main"].enabled
    shop, few = found["shop"], found["few"]
    assert (shop.parent, shop.ids, shop.since, shop.streams) == ("main", (414877,), date(2026, 1, 31), ("sms",))
    assert (shop.jobs, shop.currency, shop.time_zone, shop.enabled) == (2, "RUB", "Europe/Berlin", False)
    assert (few.ids, few.since, few.streams) == ((5, 6), date(2026, 1, 31), ("a2p",))
    assert (found["rest"].children, found["rest"].ids) == ("all", ())


CHILD = MAIN + '[shop]\nparent = "main"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("main = 3", r"\[accounts\.main\] in voxlake\.toml is not a section: write credentials ="),
        ("[main]", r"\[accounts\.main\] in voxlake\.toml says neither how it signs in nor whose child it is: write"),
        (MAIN + 'key = "s3cret"', r"has no setting 'key'.*: use credentials, parent"),
        (MAIN + "curency = 1", r"\[accounts\.main\] .*'curency' \(did you mean 'currency'\?\)"),
        (MAIN + "account_id = 5", "has account_id beside credentials"),
        (MAIN + 'parent = "main"', "has parent beside credentials"),
        (CHILD, "has neither account_id nor children: write account_id = NUMBER"),
        (CHILD + "account_id = 5\nchildren = [6]", "has both account_id and children"),
        (CHILD + 'account_id = "5"', "account_id of .*shop.* is not the number of an account"),
        (CHILD + "account_id = true", "is not the number of an account"),
        (CHILD + "account_id = -5", "is not the number of an account"),
        (CHILD + "children = []", 'must be "all", or a list'),
        (CHILD + 'children = "every"', 'must be "all", or a list'),
        (CHILD + 'children = [5, "6"]', 'must be "all", or a list'),
        (CHILD + "children = [5, 5]", "has 5 twice"),
        ('[shop]\nparent = "mian"\naccount_id = 5\n' + MAIN, r"'mian', which is not there \(did you mean 'main'\?\)"),
        ('[shop]\nparent = "shop"\naccount_id = 5', "is itself: name an account that has credentials"),
        (
            '[a]\nparent = "b"\naccount_id = 5\n[b]\nparent = "a"\naccount_id = 6',
            "'b', which is a child itself: name an account that has credentials",
        ),
        (CHILD + 'account_id = 5\n[b]\nparent = "shop"\naccount_id = 6', "'shop', which is a child itself"),
        (
            CHILD + 'account_id = 5\n[b]\nparent = "main"\nchildren = [5]',
            r"Account 5 is in \[accounts\.shop\].*again in",
        ),
        (
            MAIN.replace("main", "two") + CHILD + 'account_id = 5\n[b]\nparent = "two"\naccount_id = 5',
            r"Account 5 is in \[accounts\.shop\] in voxlake\.toml and again in \[accounts\.b\] in voxlake\.toml",
        ),
        (CHILD + 'children = "all"\n[b]\nparent = "main"\nchildren = "all"', "both list all children of 'main'"),
        (MAIN + '[Main]\ncredentials = "b.json"', "have one name, 'main' and 'Main'"),
        (CHILD + 'account_id = 5\n[5]\ncredentials = "b.json"', "has the number of another account for its name"),
        ('["a*"]\ncredentials = "b.json"', r"\[accounts\.'a\*'\] .* has a name that --account cannot mean"),
        ('[""]\ncredentials = "b.json"', "has a name that --account cannot mean"),
        (MAIN + 'since = "31.1.2026"', r"since of \[accounts\.main\] in voxlake\.toml is not a UTC day"),
        (MAIN + "since = 2026-01-31T12:00:00", "is not a UTC day"),
        (MAIN + "since = 1999-01-31", "is not a UTC day from 2000 on"),
        (MAIN + 'streams = ["voice"]', "must be a list of sms and a2p"),
        (MAIN + "streams = []", "must be a list of sms and a2p"),
        (MAIN + "jobs = 0", "jobs of .* must be a whole number from 1 to 1000"),
        (MAIN + "jobs = true", "must be a whole number from 1 to 1000"),
        (MAIN + 'enabled = "no"', "enabled of .* must be true or false"),
        (MAIN + 'currency = "eur"', 'three capital letters, such as "EUR"'),
        (MAIN + 'time_zone = "europe/berlin"', r"time zone \(did you mean 'Europe/Berlin'\?\)"),
        (MAIN + "time_zone = 3", "is not a time zone: write one"),
        (MAIN.replace('"main.json"', "3"), "credentials of .*main.* is not a path"),
        (MAIN.replace('"main.json"', '"~nobody-here/main.json"'), "there is no such home directory"),
    ],
)
def test_what_cannot(text, sentence):
    """The sentence names the file, the section, and what to write."""
    with pytest.raises(SettingsError, match=sentence) as caught:
        read(text)
    assert "voxlake.toml" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).count("\n") == 0
