"""What a scan brings: files that are new, changed, moved, gone or unreadable; and the labels that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tagger.base.records import TrackLabel
from tagger.index.database import Database
from tagger.index.rows import KnownFile, LabelCase, ScannedFile, UnreadableFile


class Tracks:
    """`index.tracks`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known_files(self, library_id: int) -> Iterator[KnownFile]:
        """Yield every file of a library, the missing ones too, in the order in which they came into the index."""
        raise NotImplementedError

    def save(self, library_id: int, batch: Iterable[ScannedFile], run_id: str | None) -> None:
        """Store what was read from files, new or known, by their path.

        A file that is stored is no longer missing or unreadable, and its label is due (`relabel`). Where the audio
        is another than before, the predictions for it are dropped.
        """
        raise NotImplementedError

    def save_unreadable(self, library_id: int, batch: Iterable[UnreadableFile], run_id: str | None) -> None:
        """Store that files cannot be read; what was known of them is kept, except for state and label."""
        raise NotImplementedError

    def save_audio_problems(self, causes: Mapping[int, str]) -> None:
        """Store, by track id, why the audio cannot be decoded; `to_classify` and `labelled` then leave the track out
        until the file changes."""
        raise NotImplementedError

    def move(self, library_id: int, moves: Mapping[int, bytes]) -> None:
        """Give tracks, by id, the paths in this library where their files are now; two may change places.

        A row that stands in the way is of a file that is gone, and is dropped. Call `save` with what was read at the
        new paths afterwards.
        """
        raise NotImplementedError

    def mark_missing(self, track_ids: Iterable[int]) -> None:
        """Note that the files are not where they were; they take part in nothing until they are found again."""
        raise NotImplementedError

    def mark_found(self, track_ids: Iterable[int]) -> None:
        """Note that missing files are back, unchanged."""
        raise NotImplementedError

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop tracks with their predictions. Their tag changes and decisions stay, without a track."""
        raise NotImplementedError

    def relabel(self, label: Callable[[LabelCase], TrackLabel], everything: bool = False) -> int:
        """Give tracks their state, label and closedness.

        Only readable tracks whose label is due: those stored, written to or decided on since the last time, and copies
        of such audio. With `everything`, all readable tracks; for when the genre map changed.

        Returns
        -------
        int
            How many tracks were looked at.
        """
        raise NotImplementedError
