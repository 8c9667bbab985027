"""The hours on air: windows within a day, over midnight, and around the clock."""

from __future__ import annotations

from datetime import datetime

import pytest

from tagger.base.air_time import on_air_until, window


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{text}")


@pytest.mark.parametrize(
    ("windows", "now", "until"),
    [
        (("06:00-22:00",), "05:59:59", None),
        (("06:00-22:00",), "06:00:00", "22:00"),
        (("06:00-22:00",), "21:59:59", "22:00"),
        (("06:00-22:00",), "22:00:00", None),
        (("22:30-06:00",), "23:59:00", "06:00"),
        (("22:30-06:00",), "00:00:00", "06:00"),
        (("22:30-06:00",), "06:00:00", None),
        (("6:00-9:00", "16:00-24:00"), "12:00:00", None),
        (("6:00-9:00", "16:00-24:00"), "23:59:59", "00:00"),
        (("00:00-24:00",), "12:00:00", "00:00"),
        ((), "12:00:00", None),
    ],
)
def test_writing_waits_for_the_end_of_a_window(windows: tuple[str, ...], now: str, until: str | None) -> None:
    assert on_air_until(windows, at(now)) == until


@pytest.mark.parametrize(
    "text", ["", "6-22", "06:00", "25:00-26:00", "06:60-07:00", "06:00-22:00 daily", "24:30-01:00"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no window of hours"):
        window(text)
