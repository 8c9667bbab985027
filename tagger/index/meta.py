"""Small facts about the index, by name, such as the hash of the genre map that the labels were made with."""

from __future__ import annotations

from typing import Any

from tagger.index.database import Database


class Meta:
    """`index.meta`. Values are what JSON can hold."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        raise NotImplementedError

    def set(self, key: str, value: Any) -> None:
        """Store a value."""
        raise NotImplementedError
