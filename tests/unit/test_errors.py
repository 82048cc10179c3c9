"""The tree of errors is the one in the docstring, and each error has the exit code that is drawn there."""

import pickle
import re

import pytest

from voxlake import errors
from voxlake.errors import ApiRejected, OutcomeUnknown, StorageFull, VoxlakeError, gravest

LINE = re.compile(r"^ {4}([ │├└─]*)(\w+) +(\d+)  ", re.MULTILINE)
INDENT = 4


def drawn():
    """Return what the docstring draws: the names of a class and of the one above it, and its exit code."""
    above, found = [], {}
    for lines, name, code in LINE.findall(errors.__doc__):
        level = len(lines) // INDENT
        del above[level:]
        found[name] = (above[-1] if above else "Exception", int(code))
        above.append(name)
    return found


def defined():
    """Return the same of the classes."""
    return {
        name: (thing.__base__.__name__, thing.exit_code)
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, VoxlakeError)
    }


def test_the_tree_is_as_drawn():
    """Every class is in the drawing, below its base class and beside its exit code, and the drawing has no other."""
    assert len(defined()) > 10
    assert drawn() == defined()


@pytest.mark.parametrize(
    ("codes", "gravest_code"), [(set(), 0), ({4, 75}, 75), ({3, 75, 4}, 3), ({1, 2}, 1), ({0, 4}, 4)]
)
def test_the_gravest_exit_code(codes, gravest_code):
    """Of several outcomes the exit code is that of the one that asks most of the operator."""
    assert gravest(codes) == gravest_code


@pytest.mark.parametrize(
    "error", [ApiRejected("No", code=497, advice="ask less"), OutcomeUnknown("lost."), StorageFull("full.")]
)
def test_errors_travel_between_processes(error):
    """A pickled error says what the original says, and has its code."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))
