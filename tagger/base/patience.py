"""Patience with errors of a disk or its server that pass by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tagger.base.errors import FileProblem, WriteSkipped
from tagger.base.passing import gone, passing

PAUSES = (0.2, 0.8, 2.0)  # [s] before each further try: a hiccup is over by then, and a dead disk costs little time
SLICE = 0.1  # [s] slept at a time, so that a signal to stop is noticed

Result = TypeVar("Result")


def never() -> bool:
    """Say that nobody asked to stop."""
    return False


def system_error(error: BaseException) -> OSError | None:
    """Return the error of the system that is behind another error, or is it; None if there is none.

    Parsers put it into their own error's arguments, our own code into its cause.
    """
    seen: BaseException | None = error
    while seen is not None:
        for candidate in (seen, *seen.args):
            if isinstance(candidate, OSError) and candidate.errno is not None:
                return candidate
        seen = seen.__cause__
    return None


def passes(error: BaseException) -> bool:
    """Say whether the same may well succeed if it is tried again at once."""
    if isinstance(error, WriteSkipped):  # a conclusion, also where it was drawn from such an error
        return False
    found = system_error(error)
    if found is not None:
        return passing(found) and not gone(found)
    return isinstance(error, FileProblem) and error.postponed


def patiently(action: Callable[[], Result], stopping: Callable[[], bool] = never) -> Result:
    """Do something, again after a pause while it fails with an error that may pass; three times again at most.

    Parameters
    ----------
    action : callable
        May be done more than once.
    stopping : callable
        Says whether a signal asked to stop; then it is not tried again.

    Raises
    ------
    Exception
        What the last try raised.
    """
    for pause in PAUSES:
        try:
            return action()
        except (OSError, FileProblem) as error:
            if not passes(error) or not wait(pause, stopping):
                raise
    return action()


def wait(seconds: float, stopping: Callable[[], bool] = never) -> bool:
    """Sleep; return False, and at once, if a signal asked to stop."""
    end = time.monotonic() + seconds
    while not stopping():
        left = end - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(SLICE, left))
    return False
