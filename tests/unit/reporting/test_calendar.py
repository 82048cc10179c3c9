"""The calendar in a terminal."""

from datetime import date, timedelta

from voxlake.reporting.calendar import ASCII_GLYPHS, GLYPHS, draw_calendar

MONDAY = date(2026, 6, 1)


def states(days, **others):
    """Make that many final days from a Monday on, others as told by number."""
    return {MONDAY + timedelta(days=n): "final" for n in range(days)} | {
        MONDAY + timedelta(days=n): state for state, numbers in others.items() for n in numbers
    }


def test_a_glyph_a_day():
    """Weeks stand side by side, Monday on top, one glyph a day, nothing where there is no day."""
    drawn = draw_calendar(
        states(10, missing=[2], unverified=[3], open=[9]), width=80, glyphs=ASCII_GLYPHS, colour=False
    )
    assert drawn == [
        "      Jun",
        "  Mon # #",
        "  Tue # #",
        "  Wed x o",
        "  Thu !",
        "  Fri #",
        "  Sat #",
        "  Sun #",
    ]


def test_every_month_that_begins_is_named():
    """A month that begins in the second week takes the place of the one that goes on from before."""
    for first, head in (
        (date(2026, 5, 25), "        Jun"),
        (date(2026, 5, 18), "      May Jun"),
        (date(2026, 5, 11), "      May   Jun"),
        (date(2026, 12, 28), "      2027"),
        (date(2026, 12, 21), "        2027"),
    ):
        days = {first + timedelta(days=n): "final" for n in range(28)}
        assert draw_calendar(days, width=80, glyphs=ASCII_GLYPHS, colour=False)[0] == head


def test_fits_the_terminal():
    """A year fits eighty columns; what is longer is folded, and older bands that are final are one line."""
    year = draw_calendar(states(364), width=80, glyphs=GLYPHS, colour=False)
    assert len(year) == 8
    assert max(map(len, year)) <= 80
    assert year[1].count(GLYPHS["final"]) == 52
    long = draw_calendar(states(3650), width=80, glyphs=GLYPHS, colour=False)
    assert long[0] == "  2026-06-01 to 2033-07-31: 2,618 days, all final"
    assert len(long) == 1 + 2 * 8
    flawed = draw_calendar(states(3650, missing=[700]), width=80, glyphs=GLYPHS, colour=False)
    assert sum(line.count(GLYPHS["missing"]) for line in flawed) == 1
    assert len(flawed) == 1 + 8 + 1 + 2 * 8
    assert sum(line.count(" days, all final") for line in flawed) == 2
    for width in (1, 7, 20):
        assert max(map(len, draw_calendar(states(70), width=width, glyphs=ASCII_GLYPHS, colour=False)[1:])) <= max(
            width, 9
        )


def test_every_day_is_drawn_once():
    """Whatever the width, the glyphs are as many as the days."""
    for days in (1, 6, 8, 100):
        for width in (8, 30, 200):
            drawn = draw_calendar(states(days, open=range(days)), width=width, glyphs=ASCII_GLYPHS, colour=False)
            assert "".join(line[6:] for line in drawn if line[2:5] in "MonTueWedThuFriSatSun").count("o") == days
