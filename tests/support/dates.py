"""Days as the tests speak of them."""

from datetime import date

from support.clock import CLOCK


def days_ago(number, clock=CLOCK):
    """Return a UTC day before today, by the clock of the tests or by another."""
    return date.fromordinal(clock.now().date().toordinal() - number)
