"""Patience: what may pass is tried again, what may not is not, and nobody waits once asked to stop."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest
from mutagen import MutagenError

from tagger.base import patience
from tagger.base.errors import DiskTrouble, UnreadableTags, WriteSkipped
from tagger.base.patience import passes, patiently, wait


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return what was slept, all of it without sleeping."""
    asleep: list[float] = []
    monkeypatch.setattr(patience, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(patience.time, "sleep", asleep.append)
    return asleep


def failing(error: Exception, times: int) -> tuple[Callable[[], str], list[int]]:
    """Return an action that fails so many times, and how often it was done."""
    done = [0]

    def action() -> str:
        done[0] += 1
        if done[0] <= times:
            raise error
        return "done"

    return action, done


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def caused(problem: Exception, by: Exception) -> Exception:
    problem.__cause__ = by
    return problem


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(system(errno.EIO), True, id="EIO"),
        pytest.param(system(errno.ESTALE), True, id="ESTALE"),
        pytest.param(system(errno.ENOENT), False, id="gone"),
        pytest.param(system(errno.ENOSPC), False, id="full"),
        pytest.param(ValueError("bug"), False, id="a bug"),
        pytest.param(MutagenError(system(errno.EIO)), True, id="in a parser's arguments"),
        pytest.param(caused(UnreadableTags("x", "y"), system(errno.EIO)), True, id="as a cause"),
        pytest.param(caused(UnreadableTags("x", "y"), MutagenError(system(errno.EIO))), True, id="deeper"),
        pytest.param(UnreadableTags("x", "damaged"), False, id="a damaged file"),
        pytest.param(UnreadableTags("x", "read by another process", postponed=True), True, id="said to pass"),
        pytest.param(caused(DiskTrouble("x", "y", postponed=True), system(errno.EIO)), False, id="a conclusion"),
        pytest.param(WriteSkipped("x", "fresh", postponed=True), False, id="another night"),
    ],
)
def test_what_may_pass(error: Exception, expected: bool) -> None:
    assert passes(error) is expected


def test_what_passes_is_done_in_the_end() -> None:
    action, done = failing(system(errno.EIO), times=2)
    assert patiently(action) == "done"
    assert done == [3]


def test_what_stays_is_raised_after_the_last_try() -> None:
    action, done = failing(system(errno.EIO), times=99)
    with pytest.raises(OSError, match="Input/output"):
        patiently(action)
    assert done == [3]


def test_what_does_not_pass_is_raised_at_once() -> None:
    action, done = failing(system(errno.EACCES), times=99)
    with pytest.raises(PermissionError):
        patiently(action)
    assert done == [1]


def test_nobody_waits_once_asked_to_stop(slept: list[float]) -> None:
    action, done = failing(system(errno.EIO), times=99)
    with pytest.raises(OSError, match="Input/output"):
        patiently(action, stopping=lambda: True)
    assert (done, slept) == ([1], [])
    assert not wait(60, lambda: True)
