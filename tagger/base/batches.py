"""Many things, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

BATCH = 500  # rows per transaction and per IN list; SQLite takes 32,766 parameters in a statement


def in_batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield lists of at most `size` items, none of them empty."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
