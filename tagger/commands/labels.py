"""Labels: what people's genre tags mean under the genre map in force, kept in the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tagger.base.records import TrackLabel

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import LabelCase

MAP_IN_FORCE = "map_hash"  # key in the index's meta table


def relabel_if_map_changed(session: Session) -> None:
    """Label every track anew if the genre map is not the one that the labels were made with."""
    index, current = session.index, session.genre_map.hash
    if index.meta.get(MAP_IN_FORCE) == current:
        return
    index.tracks.relabel(_labeller(session), everything=True)
    index.meta.set(MAP_IN_FORCE, current)


def label_due_tracks(session: Session) -> None:
    """Label the tracks that were stored, written to or decided on since then, also by a run that was killed."""
    session.index.tracks.relabel(_labeller(session))


def _labeller(session: Session) -> Callable[[LabelCase], TrackLabel]:
    from tagger.genres.labels import label_track

    def label(case: LabelCase) -> TrackLabel:
        track = case.track
        return label_track(session.genre_map, track.genre_blocks, track.provenance, case.past, case.rejected)

    return label
