"""Gives tag changes and decisions their track again: after a lost index, or where a file comes back.

They are stored with library, path and fingerprint. The same audio at the same path is the track; else the same audio
elsewhere is taken to be the file after a move; else the path alone decides, for audio that was replaced. The last two
are guesses, given up when the same audio turns up at the path (its library was scanned later).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, bindparam, or_, select, update

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
    query = select(c.seq, c.library, c.path, c.fingerprint, c.track_id).where(or_(c.track_id.is_(None), c.guessed))
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
    c = t.tracks.c
    prints, paths = [row.fingerprint for row in rows if row.fingerprint], [row.path for row in rows]
    query = (
        select(t.libraries.c.root, c.path, c.fingerprint, c.id)
        .join(t.libraries)
        .where(or_(c.fingerprint.in_(prints), c.path.in_(paths)))
        .order_by(c.missing_since.is_not(None), t.libraries.c.root, c.path)  # among copies, always the same one
    )
    owners = Owners({}, {}, {})
    for root, path, fingerprint, track_id in connection.execute(query):
        owners.by_place.setdefault((root, path), track_id)
        if fingerprint:
            owners.by_audio.setdefault(fingerprint, track_id)
            owners.by_both.setdefault((root, path, fingerprint), track_id)
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
