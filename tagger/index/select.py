"""Which tracks to learn from, to classify, to write, to export; and counts."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from tagger.base.batches import Once, in_batches
from tagger.base.records import Kin, TrackState
from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.labels import decisions_carried_out, dismissals, last_decisions
from tagger.index.reading import READABLE, prediction_row, track_row, tracks_with_root, walk
from tagger.index.rows import DecisionKind, FileCounts, GenreTagCount, TrackRow, TrackView

WITHOUT_LABEL = tuple(state for state in TrackState if state is not TrackState.LABELLED)


class Selections:
    """`index.select`. Unless said otherwise, only files that are there and can be read; in the order of their ids.

    The iterators read in batches, so the index may be written to while one of them is on its way. `library_ids` narrows
    a selection to some libraries; None takes all.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def tracks(
        self, library_ids: Collection[int] | None = None, states: Collection[TrackState] | None = None
    ) -> Iterator[TrackRow]:
        """Yield tracks, of some libraries, in some states."""
        return self._tracks(tracks_with_root().where(READABLE, *_narrowed(library_ids, states)))

    def by_ids(self, track_ids: Iterable[int]) -> dict[int, TrackRow]:
        """Return tracks by id, also missing or unreadable ones; ids that are unknown are left out."""
        found: dict[int, TrackRow] = {}
        for ids in in_batches(track_ids):
            query = tracks_with_root().where(t.tracks.c.id.in_(ids))
            found |= {track.track_id: track for track in self._tracks(query)}
        return found

    def at_path(self, library_id: int, path: bytes) -> TrackRow | None:
        """Return the track at a path, also a missing or unreadable one."""
        c = t.tracks.c
        return next(self._tracks(tracks_with_root().where(c.library_id == library_id, c.path == path)), None)

    def labelled(self, library_ids: Collection[int] | None = None) -> Iterator[TrackRow]:
        """Yield the tracks that a person labelled, but for those whose audio cannot be decoded."""
        c = t.tracks.c
        query = tracks_with_root().where(READABLE, c.audio_error.is_(None), c.label.is_not(None))
        return self._tracks(query.where(*_narrowed(library_ids, [TrackState.LABELLED])))

    def kin(self) -> Iterator[Kin]:
        """Yield every track as far as it tells with which others it belongs; `label` is a person's, or None.

        A name that many tracks share is one object for all of them.
        """
        c = t.tracks.c
        columns = (c.id, c.fingerprint, c.library_id, c.path, c.artist, c.album_artist, c.album, c.compilation)
        query = select(*columns, c.state, c.label).where(READABLE, c.fingerprint.is_not(None))
        once = Once()
        for rows in walk(self._database, query, c.id):
            for row in rows:
                said = row.label if row.state == TrackState.LABELLED else None
                names = (once(row.artist), once(row.album_artist), once(row.album), row.compilation)
                yield Kin(row.fingerprint, row.library_id, once(os.path.dirname(row.path)), *names, once(said))

    def to_classify(
        self,
        model_id: str,
        refresh: bool = False,
        states: Collection[TrackState] = WITHOUT_LABEL,
        library_ids: Collection[int] | None = None,
    ) -> Iterator[TrackRow]:
        """Yield the tracks without a label that this model has said nothing of yet; with `refresh`, all of them.

        Those whose audio cannot be decoded are left out, unless `refresh`.
        """
        c, p = t.tracks.c, t.predictions.c
        query = tracks_with_root().where(READABLE, *_narrowed(library_ids, states))
        if not refresh:
            said = exists().where(p.track_id == c.id, p.model_id == model_id)
            query = query.where(c.audio_error.is_(None), ~said)
        return self._tracks(query)

    def views(
        self,
        model_id: str | None,
        states: Collection[TrackState] | None = None,
        library_ids: Collection[int] | None = None,
        spoken_of: bool = False,
    ) -> Iterator[TrackView]:
        """Yield tracks with what the model and a person say of them: for plan, export, audit, review and report.

        Parameters
        ----------
        model_id : str or None
            Whose predictions; None for none.
        states, library_ids : collections
            Only those.
        spoken_of : bool
            Only tracks with a prediction by that model or a decision: the candidates of a plan.
        """
        c, p, d = t.tracks.c, t.predictions.c, t.decisions.c
        columns = [column.label(f"predictions_{column.name}") for column in t.predictions.columns]
        query = tracks_with_root().add_columns(*columns).where(READABLE, *_narrowed(library_ids, states))
        query = query.outerjoin(t.predictions, and_(p.track_id == c.id, p.model_id == (model_id or "")))
        if spoken_of:
            decided = exists().where(d.track_id == c.id, d.kind != DecisionKind.DISMISS)
            query = query.where(or_(p.track_id.is_not(None), decided))
        for rows in walk(self._database, query, c.id):
            ids = [row.id for row in rows]
            with self._database.read() as connection:
                decided_on = last_decisions(connection, ids)
                carried_out = decisions_carried_out(connection, decided_on)
                dismissed = dismissals(connection, ids)
            found = []
            with self._database.sound():
                for facts in (row._mapping for row in rows):
                    said = None if facts["predictions_model_id"] is None else prediction_row(facts, "predictions_")
                    decision = decided_on.get(facts["id"])
                    done = decision is not None and decision.decision_id in carried_out
                    found.append(TrackView(track_row(facts), said, decision, done, facts["id"] in dismissed))
            yield from found

    def unreadable(self, library_ids: Collection[int] | None = None) -> Iterator[TrackRow]:
        """Yield the files that are there and whose tags or audio cannot be read."""
        c = t.tracks.c
        query = tracks_with_root().where(c.missing_since.is_(None), *_narrowed(library_ids, None))
        return self._tracks(query.where(or_(c.error.is_not(None), c.audio_error.is_not(None))))

    def genre_tag_counts(
        self, library_ids: Collection[int] | None = None, states: Collection[TrackState] | None = None
    ) -> list[GenreTagCount]:
        """Return every genre tag with how often it occurs, the most frequent first."""
        tag = t.tracks.c.genre_tag
        query = select(tag, func.count()).where(READABLE, *_narrowed(library_ids, states)).group_by(tag)
        with self._database.read() as connection:
            found = [GenreTagCount(genre_tag, count) for genre_tag, count in connection.execute(query)]
        return sorted(found, key=lambda entry: (-entry.count, entry.genre_tag or ""))

    def counts(self, library_ids: Collection[int] | None = None) -> FileCounts:
        """Return how many files are in which state, unreadable and missing.

        Tracks whose label is due are counted with the state that they had; those that never had one are left out, so
        call `tracks.relabel` first.
        """
        c = t.tracks.c
        missing, unreadable = c.missing_since.is_not(None), c.error.is_not(None)
        narrowed = _narrowed(library_ids, None)
        query = (
            select(missing, unreadable, c.state, func.count()).where(*narrowed).group_by(missing, unreadable, c.state)
        )
        states = dict.fromkeys(TrackState, 0)
        sums = {"missing": 0, "unreadable": 0}
        with self._database.read() as connection:
            for gone, broken, state, count in connection.execute(query):
                if gone or broken:
                    sums["missing" if gone else "unreadable"] += count
                elif state is not None:
                    states[TrackState(state)] += count
        return FileCounts(states, **sums)

    def _tracks(self, query: Select[Any]) -> Iterator[TrackRow]:
        for rows in walk(self._database, query, t.tracks.c.id):
            with self._database.sound():
                tracks = [track_row(row._mapping) for row in rows]
            yield from tracks


def _narrowed(library_ids: Collection[int] | None, states: Collection[TrackState] | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if library_ids is not None:
        conditions.append(t.tracks.c.library_id.in_(library_ids))
    if states is not None:
        conditions.append(t.tracks.c.state.in_([str(state) for state in states]))
    return conditions
