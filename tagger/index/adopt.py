"""Gives tag changes and decisions their track again: after a lost index, or where a file comes back.

They are stored with library, path and fingerprint. The same audio at the same path is the track; else the same audio
elsewhere is taken to be the file after a move, until the same audio turns up at the path; else the path alone decides,
for audio that was replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, bindparam, or_, select, update

from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.reading import walk


class Candidate(NamedTuple):
    """A track that a change may belong to."""

    root: bytes
    path: bytes
    track_id: int
    fingerprint: str | None


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
            candidates = _candidates(connection, rows)
        found = [match for row in rows if (match := _match(row, candidates)) and match["track"] != row.track_id]
        if found:
            with database.write() as connection:
                values = {"track_id": bindparam("track"), "guessed": bindparam("guess")}
                connection.execute(update(table).where(c.seq == bindparam("row")).values(values), found)
                ids = {match["track"] for match in found} | {row.track_id for row in rows if row.track_id}
                connection.execute(update(t.tracks).where(t.tracks.c.id.in_(ids)).values(label_due=True))
        adopted += len(found)
    return adopted


def _candidates(connection: Connection, rows: Sequence[Row[Any]]) -> list[Candidate]:
    """Return the tracks with the audio or the path of one of the rows, in an order that does not change."""
    c = t.tracks.c
    query = (
        select(t.libraries.c.root, c.path, c.id, c.fingerprint)
        .join(t.libraries)
        .where(
            or_(
                c.fingerprint.in_([row.fingerprint for row in rows if row.fingerprint]),
                c.path.in_([row.path for row in rows]),
            )
        )
        .order_by(t.libraries.c.root, c.path)
    )
    return [Candidate(*row) for row in connection.execute(query)]


def _match(row: Row[Any], candidates: Sequence[Candidate]) -> dict[str, Any] | None:
    same_path = [found for found in candidates if (found.root, found.path) == (row.library, row.path)]
    same_audio = [found for found in candidates if row.fingerprint and found.fingerprint == row.fingerprint]
    both = [found for found in same_path if found in same_audio]
    chosen = (both or same_audio or same_path or [None])[0]
    if chosen is None or (row.track_id is not None and not both):
        return None  # a guess is given up only for what is certain
    return {"row": row.seq, "track": chosen.track_id, "guess": not same_path}
