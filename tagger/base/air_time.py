"""The hours in which the station is on air and no file is to be written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time

_WINDOW = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


def window(text: str) -> tuple[time, time]:
    """Return the beginning and end of a window such as ``22:30-06:00``; 24:00 is midnight.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = _WINDOW.fullmatch(text.strip())
    if found:
        hours = [
            (int(hour) % 24 if hour == "24" and minute == "00" else int(hour), int(minute))
            for hour, minute in (found.group(1, 2), found.group(3, 4))
        ]
        if all(hour < 24 and minute < 60 for hour, minute in hours):
            begin, end = (time(*pair) for pair in hours)
            return begin, end
    raise ValueError(f"{text!r} is no window of hours such as 06:00-22:00")


def on_air_until(windows: Sequence[str], now: datetime) -> str | None:
    """Say until when nothing is to be written; None if writing is fine now.

    Parameters
    ----------
    windows : sequence of str
        Such as ``06:00-22:00``; one that ends before it begins goes over midnight, one that ends where it begins is
        the whole day.
    now : datetime
        Local time.

    Returns
    -------
    str or None
        Such as "22:00".
    """
    moment = now.time().replace(second=0, microsecond=0)
    for text in windows:
        begin, end = window(text)
        inside = begin <= moment < end if begin < end else moment >= begin or moment < end
        if inside:
            return f"{end:%H:%M}"
    return None
