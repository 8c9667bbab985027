"""What a scan brings: files that are new, changed, moved, gone or unreadable; and the labels that follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from tagger.base.batches import in_batches
from tagger.base.errors import FileProblem
from tagger.base.records import TrackLabel
from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.labels import make_labels_due, relabel
from tagger.index.meta import new_generation
from tagger.index.reading import walk
from tagger.index.rows import STRIKES, KnownFile, LabelCase, ScannedFile, UnreadableFile

KNOWN_AT_ONCE = 5000  # rows of a few columns, read together

Values = dict[str, Any]


class Tracks:
    """`index.tracks`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known_files(self, library_id: int) -> Iterator[KnownFile]:
        """Yield every file of a library, the missing ones too, sorted by the bytes of their paths."""
        c = t.tracks.c
        columns = (c.id, c.path, c.size, c.mtime_ns, c.fingerprint, c.missing_since, c.error, c.strikes)
        query = select(*columns).where(c.library_id == library_id)
        for rows in walk(self._database, query, c.path, b"", KNOWN_AT_ONCE):
            for track_id, path, size, mtime_ns, fingerprint, since, error, strikes in rows:
                yield KnownFile(track_id, path, size, mtime_ns, fingerprint, since is not None, error, strikes)

    def save(self, library_id: int, batch: Iterable[ScannedFile], run_id: str | None) -> None:
        """Store what was read from files, new or known, by their path.

        A file that is stored is no longer missing or unreadable, and its label is due (`relabel`). Where the audio
        is another than before, the predictions for it are dropped.
        """
        for files in in_batches(batch):
            read = {scanned.file.path: _values_of_tags(scanned) for scanned in files}
            with self._database.write() as connection:
                known = _known(connection, library_id, read)
                other = [track_id for path, (track_id, was) in known.items() if was != read[path]["fingerprint"]]
                if other:
                    gone = t.predictions.c.track_id.in_(other)
                    connection.execute(delete(t.predictions).where(gone))
                    connection.execute(update(t.tracks).where(t.tracks.c.id.in_(other)).values(audio_hash=None))
                _store(connection, library_id, read, known, run_id)
                new_generation(self._database, connection)

    def save_unreadable(self, library_id: int, batch: Iterable[UnreadableFile], run_id: str | None) -> None:
        """Store that files cannot be read; what was known of them is kept, except for state and label.

        Strikes add up while the file stays as it is.
        """
        for files in in_batches(batch):
            said = {unreadable.file.path: _values_of_error(unreadable) for unreadable in files}
            with self._database.write() as connection:
                known = _known(connection, library_id, said)
                _add_strikes(connection, known, said)
                for path in said.keys() - known.keys():
                    said[path] |= {"container": "", "genre_blocks": [], "compilation": False}
                _store(connection, library_id, said, known, run_id)
                new_generation(self._database, connection)

    def save_audio_problems(self, problems: Mapping[int, FileProblem]) -> None:
        """Store, by track id, why the audio cannot be decoded; `to_classify` and `labelled` then leave the track out
        until the file changes. A strike does so only when it is the last one; what is postponed is not remembered."""
        lasting = {track: problem for track, problem in problems.items() if not problem.postponed}
        c = t.tracks.c
        for ids in in_batches(lasting):
            with self._database.write() as connection:
                before = {
                    row.id: row.strikes for row in connection.execute(select(c.id, c.strikes).where(c.id.in_(ids)))
                }
                values = [_values_of_audio(track, lasting[track], before[track]) for track in ids if track in before]
                if values:
                    connection.execute(_update_by_id("audio_error", "strikes"), values)

    def forgive(self, library_ids: Iterable[int]) -> None:
        """Forget what was held against the audio of files, and their strikes; they are tried again."""
        query = update(t.tracks).where(t.tracks.c.library_id.in_(list(library_ids)))
        with self._database.write() as connection:
            connection.execute(query.values(audio_error=None, strikes=0))

    def move(self, library_id: int, moves: Mapping[int, bytes]) -> None:
        """Give tracks, by id, the paths in this library where their files are now; two may change places.

        A row that stands in the way is of a file that is gone, and is dropped. Call `save` with what was read at the
        new paths afterwards.
        """
        if not moves:
            return
        c = t.tracks.c
        # By way of names that no file can have, since paths are unique and two tracks may change places.
        aside = [{"id_": track_id, "path": b"\0%d" % track_id} for track_id in moves]
        there = [
            {"id_": track_id, "path": path, "path_text": t.path_as_text(path), "missing_since": None}
            for track_id, path in moves.items()
        ]
        with self._database.write() as connection:
            connection.execute(_update_by_id("path"), aside)
            for paths in in_batches(moves.values()):
                connection.execute(delete(t.tracks).where(c.library_id == library_id, c.path.in_(paths)))
            new_generation(self._database, connection)
            connection.execute(
                _update_by_id("path", "path_text", "missing_since").values(library_id=library_id, label_due=True), there
            )

    def mark_missing(self, track_ids: Iterable[int]) -> None:
        """Note that the files are not where they were; they take part in nothing until they are found again.

        The labels of other copies of their audio are then due: one of them may be the file, in another library.
        """
        now, c = t.now(), t.tracks.c
        for ids in in_batches(track_ids):
            there = (c.id.in_(ids), c.missing_since.is_(None))
            with self._database.write() as connection:
                prints = connection.execute(select(c.fingerprint).where(*there)).scalars().all()
                connection.execute(update(t.tracks).where(*there).values(missing_since=now))
                if prints:
                    new_generation(self._database, connection)
                make_labels_due(connection, prints, ())

    def mark_found(self, track_ids: Iterable[int]) -> None:
        """Note that missing files are back, unchanged. The labels of other copies of their audio are then due."""
        c = t.tracks.c
        for ids in in_batches(track_ids):
            with self._database.write() as connection:
                connection.execute(update(t.tracks).where(c.id.in_(ids)).values(missing_since=None))
                new_generation(self._database, connection)
                prints = connection.execute(select(c.fingerprint).where(c.id.in_(ids))).scalars().all()
                make_labels_due(connection, prints, ())

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop tracks with their predictions. Their tag changes and decisions stay, without a track."""
        for ids in in_batches(track_ids):
            with self._database.write() as connection:
                connection.execute(delete(t.tracks).where(t.tracks.c.id.in_(ids)))
                new_generation(self._database, connection)

    def relabel(self, label: Callable[[LabelCase], TrackLabel], everything: bool = False) -> int:
        """Give tracks their state, label and closedness.

        Only readable tracks whose label is due: those stored, written to or decided on since the last time, and copies
        of such audio. With `everything`, all readable tracks; for when the genre map changed. Changes and decisions
        that have no track yet get theirs first.

        Returns
        -------
        int
            How many tracks were looked at.
        """
        return relabel(self._database, label, everything)


def _update_by_id(*names: str) -> Any:
    """Return the statement that sets columns, by the id under the name `id_`."""
    return update(t.tracks).where(t.tracks.c.id == bindparam("id_")).values({name: bindparam(name) for name in names})


def _known(connection: Connection, library_id: int, paths: Iterable[bytes]) -> dict[bytes, tuple[int, str | None]]:
    """Return id and fingerprint of those paths that the index knows."""
    c = t.tracks.c
    query = select(c.path, c.id, c.fingerprint).where(c.library_id == library_id, c.path.in_(list(paths)))
    return {path: (track_id, fingerprint) for path, track_id, fingerprint in connection.execute(query)}


def _store(
    connection: Connection,
    library_id: int,
    files: Mapping[bytes, Values],
    known: Mapping[bytes, tuple[int, str | None]],
    run_id: str | None,
) -> None:
    """Insert the files that are new and update the others."""
    seen = {"seen_run": run_id, "missing_since": None}
    again = [{"id_": known[path][0], **seen, **values} for path, values in files.items() if path in known]
    fresh = [
        {"library_id": library_id, "path": path, "path_text": t.path_as_text(path), "closed": False, **seen, **values}
        for path, values in files.items()
        if path not in known
    ]
    if fresh:
        connection.execute(insert(t.tracks), fresh)
    if again:
        connection.execute(_update_by_id(*(name for name in again[0] if name != "id_")), again)


def _values_of_tags(scanned: ScannedFile) -> Values:
    tags = scanned.tags
    return {
        "size": scanned.file.size,
        "mtime_ns": scanned.file.mtime_ns,
        "container": tags.container,
        "fingerprint": tags.fingerprint,
        "genre_blocks": [[block.block, list(block.values)] for block in tags.genre_blocks],
        "genre_tag": scanned.genre_tag,
        "artist": tags.artist,
        "album_artist": tags.album_artist,
        "album": tags.album,
        "title": tags.title,
        "track_number": tags.track_number,
        "year": tags.year,
        "duration": tags.duration,
        "compilation": tags.compilation,
        "provenance": dataclasses.asdict(tags.provenance) if tags.provenance else None,
        "error": None,
        "audio_error": None,
        "strikes": 0,
        "label_due": True,
    }


def _values_of_error(unreadable: UnreadableFile) -> Values:
    file = unreadable.file
    return {
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "error": unreadable.cause,
        "strikes": int(unreadable.struck),
        "state": None,
        "label": None,
        "label_due": False,
    }


def _add_strikes(
    connection: Connection, known: Mapping[bytes, tuple[int, str | None]], said: Mapping[bytes, Values]
) -> None:
    """Add the strikes that the index knows to those in `said`, for files that are as they were."""
    c = t.tracks.c
    query = select(c.path, c.size, c.mtime_ns, c.strikes).where(c.id.in_([track for track, _ in known.values()]))
    for path, size, mtime_ns, strikes in connection.execute(query):
        values = said[path]
        if values["strikes"] and (size, mtime_ns) == (values["size"], values["mtime_ns"]):
            values["strikes"] += strikes


def _values_of_audio(track_id: int, problem: FileProblem, strikes: int) -> Values:
    strikes += problem.struck
    final = not problem.struck or strikes >= STRIKES
    return {"id_": track_id, "strikes": strikes, "audio_error": problem.cause if final else None}
