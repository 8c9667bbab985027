"""Which tracks to learn from, to classify, to write, to export; and counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tagger.base.records import TrackState
from tagger.index.database import Database
from tagger.index.rows import FileCounts, GenreTagCount, TrackRow, TrackView

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
        raise NotImplementedError

    def by_ids(self, track_ids: Iterable[int]) -> dict[int, TrackRow]:
        """Return tracks by id, also missing or unreadable ones; ids that are unknown are left out."""
        raise NotImplementedError

    def at_path(self, library_id: int, path: bytes) -> TrackRow | None:
        """Return the track at a path, also a missing or unreadable one."""
        raise NotImplementedError

    def labelled(self, library_ids: Collection[int] | None = None) -> Iterator[TrackRow]:
        """Yield the tracks that a person labelled, but for those whose audio cannot be decoded."""
        raise NotImplementedError

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
        raise NotImplementedError

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
        raise NotImplementedError

    def unreadable(self, library_ids: Collection[int] | None = None) -> Iterator[TrackRow]:
        """Yield the files that are there and whose tags or audio cannot be read."""
        raise NotImplementedError

    def genre_tag_counts(
        self, library_ids: Collection[int] | None = None, states: Collection[TrackState] | None = None
    ) -> list[GenreTagCount]:
        """Return every genre tag with how often it occurs, the most frequent first."""
        raise NotImplementedError

    def counts(self, library_ids: Collection[int] | None = None) -> FileCounts:
        """Return how many files are in which state, unreadable and missing."""
        raise NotImplementedError
