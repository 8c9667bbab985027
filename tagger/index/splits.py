"""Which groups of tracks (artists, albums) are trained on and which are held out."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from tagger.base.records import Split
from tagger.index import tables as t
from tagger.index.database import Database


class Splits:
    """`index.splits`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, seed: int) -> dict[str, Split]:
        """Return the stored split of every group under this seed."""
        c = t.split_groups.c
        with self._database.read() as connection:
            rows = connection.execute(select(c.group, c.split).where(c.seed == seed).order_by(c.group)).all()
        return {group.decode("utf-8", "surrogatepass"): Split(split) for group, split in rows}

    def save(self, seed: int, groups: Mapping[str, Split]) -> None:
        """Store the split of groups, all of them or none; groups that are not named stay as they are."""
        rows = [
            {"seed": seed, "group": group.encode("utf-8", "surrogatepass"), "split": str(split)}
            for group, split in groups.items()
        ]
        if rows:
            with self._database.write() as connection:
                connection.execute(self._database.upsert(t.split_groups), rows)
