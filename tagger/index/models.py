"""The models, and which one is current."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from tagger.base.errors import NoModel
from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.rows import ModelRow


class Models:
    """`index.models`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, model_id: str, family: str, folder: str | Path, card: Mapping[str, Any]) -> None:
        """Store a model, or what changed of a known one; whether it is current stays as it is."""
        facts: dict[str, Any] = {"family": family, "folder": str(folder), "card": dict(card)}
        with self._database.write() as connection:
            known = connection.execute(update(t.models).where(t.models.c.id == model_id).values(facts)).rowcount
            if not known:
                facts |= {"id": model_id, "created_at": t.now(), "is_current": False}
                connection.execute(insert(t.models).values(facts))

    def promote(self, model_id: str) -> None:
        """Make a known model the current one.

        Raises
        ------
        NoModel
            The index does not know it.
        """
        c = t.models.c
        with self._database.write() as connection:
            connection.execute(update(t.models).where(c.is_current, c.id != model_id).values(is_current=False))
            if not connection.execute(update(t.models).where(c.id == model_id).values(is_current=True)).rowcount:
                raise NoModel(f"the index knows no model {model_id}")

    def current(self) -> ModelRow | None:
        """Return the current model, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(select(t.models).where(t.models.c.is_current)).first()
        return _model_row(row) if row is not None else None

    def get(self, model_id: str) -> ModelRow | None:
        """Return a model, if it is known."""
        with self._database.read() as connection:
            row = connection.execute(select(t.models).where(t.models.c.id == model_id)).first()
        return _model_row(row) if row is not None else None

    def all(self) -> list[ModelRow]:
        """Return all models, the newest first."""
        c = t.models.c
        with self._database.read() as connection:
            rows = connection.execute(select(t.models).order_by(c.created_at.desc(), c.id.desc())).all()
        return [_model_row(row) for row in rows]

    def forget(self, model_id: str) -> None:
        """Drop a model with its predictions."""
        with self._database.write() as connection:
            connection.execute(delete(t.models).where(t.models.c.id == model_id))


def _model_row(row: Row[Any]) -> ModelRow:
    return ModelRow(row.id, row.family, row.folder, row.card, row.created_at, row.is_current)
