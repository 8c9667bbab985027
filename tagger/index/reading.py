"""Turns what the tables hold into rows, and walks through tables in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, RowMapping, Select, select

from tagger.base.batches import BATCH
from tagger.base.records import Decision, GenreBlock, Prediction, Provenance, TrackState
from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.rows import ChangeRow, DecisionKind, DecisionRow, NewChange, Stage, TrackRow

READABLE = t.tracks.c.error.is_(None) & t.tracks.c.missing_since.is_(None)


def tracks_with_root() -> Select[Any]:
    """Return the query that `track_row` understands."""
    return select(t.tracks, t.libraries.c.root).join(t.libraries)


def walk(
    database: Database, query: Select[Any], key: ColumnElement[Any], before: Any = -1, batch: int = BATCH
) -> Iterator[list[Row[*tuple[Any, ...]]]]:
    """Yield a query's rows in batches, each read in a transaction of its own.

    So the caller may write between two batches without waiting for himself, and a long walk does not keep the
    write-ahead log from being taken in. Rows come in the order of `key`, of which each has its own, all greater than
    `before`; those that are added on the way come too.
    """
    last = before
    while True:
        with database.read() as connection:
            rows = connection.execute(query.where(key > last).order_by(key).limit(batch)).all()
        if not rows:
            return
        last = rows[-1]._mapping[key]
        yield list(rows)


def track_row(row: RowMapping) -> TrackRow:
    """Return the track of a row of `tracks_with_root`."""
    state = row["state"]
    return TrackRow(
        track_id=row["id"],
        library_id=row["library_id"],
        root=row["root"],
        path=row["path"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        container=row["container"],
        fingerprint=row["fingerprint"] or "",
        audio_hash=row["audio_hash"],
        genre_blocks=tuple(GenreBlock(block, tuple(values)) for block, values in row["genre_blocks"]),
        genre_tag=row["genre_tag"],
        artist=row["artist"],
        album_artist=row["album_artist"],
        album=row["album"],
        title=row["title"],
        track_number=row["track_number"],
        year=row["year"],
        duration=row["duration"],
        compilation=row["compilation"],
        provenance=Provenance(**row["provenance"]) if row["provenance"] else None,
        state=TrackState(state) if state else None,
        label=row["label"],
        closed=row["closed"],
        error=row["error"],
        audio_error=row["audio_error"],
        missing_since=row["missing_since"],
        seen_run=row["seen_run"],
    )


def prediction_row(row: RowMapping, prefix: str = "") -> Prediction:
    """Return the prediction of a row that holds the columns of `predictions`, under names with a prefix."""
    return Prediction(
        track_id=row[f"{prefix}track_id"],
        model=row[f"{prefix}model_id"],
        probabilities=row[f"{prefix}probabilities"],
        genre=row[f"{prefix}genre"],
        confidence=row[f"{prefix}confidence"],
        decision=Decision(row[f"{prefix}decision"]),
        reason=row[f"{prefix}reason"],
        context=row[f"{prefix}context"],
    )


def change_row(row: RowMapping) -> ChangeRow:
    """Return the change of a row of `tag_changes`."""
    change = NewChange(
        change_id=row["id"],
        run_id=row["run_id"],
        kind=row["kind"],
        by=row["by"],
        library=row["library"],
        path=row["path"],
        track_id=row["track_id"],
        genre=row["genre"],
        written=row["written"],
        model=row["model"],
        confidence=row["confidence"],
        undoes=row["undoes"],
    )
    return ChangeRow(change, Stage(row["status"]), row["fingerprint"], row["audio_hash"], row["facts"], row["at"])


def decision_row(row: RowMapping) -> DecisionRow:
    """Return the decision of a row of `decisions`."""
    return DecisionRow(
        decision_id=row["id"],
        track_id=row["track_id"],
        library=row["library"],
        path=row["path"],
        fingerprint=row["fingerprint"] or "",
        kind=DecisionKind(row["kind"]),
        genre=row["genre"],
        genre_tag=row["genre_tag"],
        run_id=row["run_id"],
        at=row["at"],
    )
