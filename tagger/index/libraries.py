"""The libraries of the index."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.rows import LibraryRow


class Libraries:
    """`index.libraries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, root: bytes, create: bool = False) -> LibraryRow | None:
        """Return the library with this absolute root; None if there is none and `create` is false."""
        query = select(t.libraries).where(t.libraries.c.root == root)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None and create:
            facts = {"root": root, "root_text": t.path_as_text(root), "added_at": t.now()}
            with self._database.write() as connection:
                connection.execute(insert(t.libraries).values(facts))
                row = connection.execute(query).one()
        return _library_row(row) if row is not None else None

    def all(self) -> list[LibraryRow]:
        """Return every library, by root."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.libraries).order_by(t.libraries.c.root)).all()
        return [_library_row(row) for row in rows]

    def scanned(self, library_id: int) -> None:
        """Note that a scan of this library has just come to its end."""
        with self._database.write() as connection:
            connection.execute(update(t.libraries).where(t.libraries.c.id == library_id).values(scanned_at=t.now()))


def _library_row(row: Row[Any]) -> LibraryRow:
    return LibraryRow(row.id, row.root, row.added_at, row.scanned_at)
