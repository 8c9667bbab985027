"""The libraries of the index."""

from __future__ import annotations

from tagger.index.database import Database
from tagger.index.rows import LibraryRow


class Libraries:
    """`index.libraries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, root: bytes, create: bool = False) -> LibraryRow | None:
        """Return the library with this absolute root; None if there is none and `create` is false."""
        raise NotImplementedError

    def all(self) -> list[LibraryRow]:
        """Return every library, by root."""
        raise NotImplementedError

    def scanned(self, library_id: int) -> None:
        """Note that a scan of this library has just come to its end."""
        raise NotImplementedError
