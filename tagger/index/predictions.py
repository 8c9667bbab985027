"""What the models say of the tracks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tagger.base.records import Prediction
from tagger.index.database import Database


class Predictions:
    """`index.predictions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, batch: Iterable[Prediction], run_id: str | None) -> None:
        """Store predictions; one of the same track and model is replaced. The model must be known (`models.add`)."""
        raise NotImplementedError

    def of_model(self, model_id: str) -> Iterator[Prediction]:
        """Yield a model's predictions, for deciding anew when the promise changed; they may be saved meanwhile."""
        raise NotImplementedError

    def keep_only(self, model_ids: Collection[str]) -> int:
        """Drop the predictions of all other models; return how many."""
        raise NotImplementedError
