"""The journal: one line of JSON for every stage of every tag change, and for every decision; only ever appended to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


class Journal:
    """`journal.jsonl` of a home."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, *entries: Mapping[str, Any]) -> tuple[int, int]:
        """Write entries at the end and wait until the disk has them."""
        raise NotImplementedError

    def read(self, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each entry with the offset after it."""
        raise NotImplementedError
