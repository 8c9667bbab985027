"""What the models say of the tracks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import delete, select

from tagger.base.batches import BATCH, in_batches
from tagger.base.records import Prediction
from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.reading import prediction_row, walk


class Predictions:
    """`index.predictions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, batch: Iterable[Prediction], run_id: str | None) -> None:
        """Store predictions; one of the same track and model is replaced. The model must be known (`models.add`)."""
        insert, made_at = self._database.upsert(t.predictions), t.now()
        for predictions in in_batches(batch):
            rows = [
                {
                    "track_id": prediction.track_id,
                    "model_id": prediction.model,
                    "probabilities": dict(prediction.probabilities),
                    "genre": prediction.genre,
                    "confidence": prediction.confidence,
                    "decision": str(prediction.decision),
                    "reason": prediction.reason,
                    "made_at": made_at,
                    "run_id": run_id,
                    "context": None if prediction.context is None else dict(prediction.context),
                }
                for prediction in predictions
            ]
            with self._database.write() as connection:
                connection.execute(insert, rows)

    def of_model(self, model_id: str) -> Iterator[Prediction]:
        """Yield a model's predictions, for deciding anew when the promise changed; they may be saved meanwhile."""
        c = t.predictions.c
        for rows in walk(self._database, select(t.predictions).where(c.model_id == model_id), c.track_id):
            with self._database.sound():
                predictions = [prediction_row(row._mapping) for row in rows]
            yield from predictions

    def keep_only(self, model_ids: Collection[str]) -> int:
        """Drop the predictions of all other models; return how many."""
        c = t.predictions.c
        dropped = 0
        with self._database.read() as connection:
            stored = connection.execute(select(c.model_id).distinct()).scalars().all()
        for model_id in set(stored) - set(model_ids):
            some = select(c.track_id).where(c.model_id == model_id).limit(BATCH)
            query = delete(t.predictions).where(c.model_id == model_id, c.track_id.in_(some))
            while True:
                with self._database.write() as connection:
                    count = connection.execute(query).rowcount
                dropped += count
                if count == 0:
                    break
        return dropped
