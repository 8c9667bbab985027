"""Many things, some at a time, and each kept once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
Same = TypeVar("Same", bound=Hashable)

BATCH = 500  # rows per transaction and per IN list; SQLite takes 32,766 parameters in a statement


def in_batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield lists of at most `size` items, none of them empty."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


class Once:
    """Gives the object that it was given first for all that equal it, so that what comes a million times is kept once.

    Forgets what it knows when that is more than a library's albums in a row: names come together.
    """

    def __init__(self, most: int = 1 << 16) -> None:
        self._most = most
        self._known: dict[Hashable, Hashable] = {}

    def __call__(self, one: Same) -> Same:
        if len(self._known) > self._most:
            self._known.clear()
        return self._known.setdefault(one, one)  # type: ignore[return-value]
