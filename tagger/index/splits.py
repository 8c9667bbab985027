"""Which groups of tracks (artists, albums) are trained on and which are held out."""

from __future__ import annotations

from collections.abc import Mapping

from tagger.base.records import Split
from tagger.index.database import Database


class Splits:
    """`index.splits`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, seed: int) -> dict[str, Split]:
        """Return the stored split of every group under this seed."""
        raise NotImplementedError

    def save(self, seed: int, groups: Mapping[str, Split]) -> None:
        """Store the split of groups; groups that are not named stay as they are."""
        raise NotImplementedError
