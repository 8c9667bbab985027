"""Gives tag changes and decisions their track again: after a lost index, or where a file comes back.

They are stored with library, path and fingerprint. The same audio at the same path is the track; else the same audio
elsewhere is taken to be the file after a move; else the path alone decides, for audio that was replaced. The last two
are guesses, given up when the same audio turns up at the path (its library was scanned later).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, bindparam, select, update

from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.reading import walk


class Owners(NamedTuple):
    """The tracks that a batch of rows may belong to: by place, by audio, and by both."""

    by_place: dict[tuple[bytes, bytes], int]
    by_audio: dict[str, int]
    by_both: dict[tuple[bytes, bytes, str], int]


def adopt(database: Database, table: Table) -> int:
    """Give rows of `tag_changes` or `decisions` their track where it can be found.

    Returns
    -------
    int
        How many rows found one, or a better one.
    """
    c = table.c
    query = select(c.seq, c.library, c.path, c.fingerprint, c.track_id).where(t.UNOWNED)
    adopted = 0
    for rows in walk(database, query, c.seq):
        with database.read() as connection:
            owners = _owners(connection, rows)
        found = [match for row in rows if (match := _match(row, owners))]
        if found:
            with database.write() as connection:
                values: dict[str, Any] = {"track_id": bindparam("track"), "guessed": bindparam("guess")}
                connection.execute(update(table).where(c.seq == bindparam("row")).values(values), found)
                ids = {match["track"] for match in found} | {row.track_id for row in rows if row.track_id}
                connection.execute(update(t.tracks).where(t.tracks.c.id.in_(ids)).values(label_due=True))
        adopted += len(found)
    return adopted


def _owners(connection: Connection, rows: Sequence[Row[Any]]) -> Owners:
    c, libraries = t.tracks.c, t.libraries.c
    query = select(libraries.root, c.path, c.fingerprint, c.id).join(t.libraries)
    roots = select(libraries.id).where(libraries.root.in_({row.library for row in rows}))
    at_place = query.where(c.library_id.in_(roots), c.path.in_([row.path for row in rows]))
    of_audio = query.where(c.fingerprint.in_([row.fingerprint for row in rows if row.fingerprint]))
    # Among copies, always the same one; one that is there before one that is missing.
    of_audio = of_audio.order_by(c.missing_since.is_not(None), libraries.root, c.path)
    owners = Owners({}, {}, {})
    for root, path, fingerprint, track_id in connection.execute(at_place):
        owners.by_place[root, path] = track_id
        if fingerprint:
            owners.by_both[root, path, fingerprint] = track_id
    for _, _, fingerprint, track_id in connection.execute(of_audio):
        owners.by_audio.setdefault(fingerprint, track_id)
    return owners


def _match(row: Row[Any], owners: Owners) -> dict[str, Any] | None:
    place = (row.library, row.path)
    certain = owners.by_both.get((*place, row.fingerprint or ""))
    if certain is not None:
        return {"row": row.seq, "track": certain, "guess": False}
    if row.track_id is not None:
        return None  # a guess is given up only for what is certain
    guess = owners.by_audio.get(row.fingerprint or "", owners.by_place.get(place))
    return None if guess is None else {"row": row.seq, "track": guess, "guess": True}
