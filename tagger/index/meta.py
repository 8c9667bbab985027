"""Small facts about the index, by name, such as the hash of the genre map that the labels were made with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from tagger.index import tables as t
from tagger.index.database import VERSION, Database

GENERATION = "generation"  # how often tracks or labels have changed


class Meta:
    """`index.meta`. Values are what JSON can hold."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        with self._database.read() as connection:
            return meta_value(connection, key, default)

    def set(self, key: str, value: Any) -> None:
        """Store a value."""
        with self._database.write() as connection:
            set_meta_value(self._database, connection, key, value)

    @property
    def generation(self) -> int:
        """A number that grows whenever a file's tags or place or a person's label changes in the index."""
        return int(self.get(GENERATION, 0))

    @property
    def version(self) -> str | None:
        """A text that is another after every change to tracks, labels, predictions, models, tag changes or decisions.

        No two indexes share one, nor does it come back, so what was concluded under one stands while it does. None
        where nothing was changed yet.
        """
        found = self.get(VERSION)
        return None if found is None else f"{t.HEAD}-{found}"


def new_generation(database: Database, connection: Connection) -> None:
    """Note within a transaction that tracks or labels change; what was concluded from them is then out of date."""
    set_meta_value(database, connection, GENERATION, meta_value(connection, GENERATION, 0) + 1)


def meta_value(connection: Connection, key: str, default: Any = None) -> Any:
    """Return a value, or the default, within a transaction."""
    found = connection.execute(select(t.meta.c.value).where(t.meta.c.key == key)).first()
    return default if found is None else found[0]


def set_meta_value(database: Database, connection: Connection, key: str, value: Any) -> None:
    """Store a value within a transaction."""
    connection.execute(database.upsert(t.meta), {"key": key, "value": value})
