"""The models, and which one is current."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagger.index.database import Database
from tagger.index.rows import ModelRow


class Models:
    """`index.models`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, model_id: str, family: str, folder: str | Path, card: Mapping[str, Any]) -> None:
        """Store a model, or what changed of a known one; whether it is current stays as it is."""
        raise NotImplementedError

    def promote(self, model_id: str) -> None:
        """Make a known model the current one.

        Raises
        ------
        NoModel
            The index does not know it.
        """
        raise NotImplementedError

    def current(self) -> ModelRow | None:
        """Return the current model, if there is one."""
        raise NotImplementedError

    def get(self, model_id: str) -> ModelRow | None:
        """Return a model, if it is known."""
        raise NotImplementedError

    def all(self) -> list[ModelRow]:
        """Return all models, the newest first."""
        raise NotImplementedError

    def forget(self, model_id: str) -> None:
        """Drop a model with its predictions."""
        raise NotImplementedError
