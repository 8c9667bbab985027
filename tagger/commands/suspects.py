"""Labels that are likely wrong, by models that never heard the artist: made now and then, kept in the home's cache."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tagger.base.files import write_text

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.model.suspects import Doubts, Opinions
    from tagger.model.suspects_table import TrackTable
    from tagger.outcome.audit import Doubt

FILE_NAME = "suspects.csv"
# Then a column for each genre.
COLUMNS = ("track", "label", "suspect", "suggested", "score", "clips", "agreeing", "others", "alike")


def suspects_file(session: Session) -> Path:
    """Return where they are kept."""
    return session.home.cache / FILE_NAME


def due(session: Session) -> bool:
    """Say whether it is time to look again: there are clips, and the last look was `suspects_days` ago or never."""
    if not session.home.dataset.is_dir():
        return False
    try:
        age = time.time() - suspects_file(session).stat().st_mtime
    except FileNotFoundError:
        return True
    return age > session.settings.suspects_days * 86_400 or age < 0


def refresh(session: Session) -> int:
    """Judge every label of the data set by models of the other artists, and keep what they say.

    Returns
    -------
    int
        How many labels are likely wrong.

    Raises
    ------
    UsageError
        If there is no data set, or it is damaged.
    """
    from tagger.commands.clips import load_clips
    from tagger.model.suspects import doubts, out_of_fold
    from tagger.model.suspects_table import track_table

    material = load_clips(session, session.home.dataset)
    clips, genres = material.clips, material.genres
    session.check()
    if not clips:
        write_text(suspects_file(session), _text(genres, []))
        return 0
    table = track_table(clips[max(clips)])
    session.check()
    opinions = out_of_fold(table, len(genres), seed=session.settings.seed)
    session.check()
    found = doubts(table, opinions.probabilities, seed=session.settings.seed)
    write_text(suspects_file(session), _text(genres, _rows(table, opinions, genres, found)))
    return int(found.suspect.sum())


def _rows(table: TrackTable, opinions: Opinions, genres: list[str], found: Doubts) -> list[list[object]]:
    from tagger.model.suspects import of_the_artist

    clips = np.bincount(table.owners, minlength=len(table))
    others = np.pad(of_the_artist(table), ((0, 0), (0, len(genres))))  # genres that no label has are 0
    rows: list[list[object]] = []
    for i in np.argsort(-found.scores, kind="stable"):
        known = [table.tracks[i], genres[table.labels[i]], "yes" if found.suspect[i] else "no"]
        said = [genres[found.suggested[i]], f"{found.scores[i]:.6f}"]
        votes = [clips[i], opinions.votes[i, found.suggested[i]], others[i].sum(), others[i, found.suggested[i]]]
        rows.append([*known, *said, *votes, *(f"{share:.6f}" for share in opinions.probabilities[i])])
    return rows


def _text(genres: list[str], rows: list[list[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *genres])
    writer.writerows(rows)
    return text.getvalue()


def current(session: Session) -> dict[tuple[str, str], Doubt]:
    """Return what was found when the labels were last judged, by track and the label that it had then.

    A label that has changed since finds no row, and what was said of the old one is void. A file that is damaged
    counts as none: the next refresh makes a new one.
    """
    try:
        with suspects_file(session).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        place = {genre: position for position, genre in enumerate(header) if position >= len(COLUMNS)}
        return {(row[0], row[1]): _doubt(row, place) for row in rows}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, IndexError, csv.Error) as error:
        session.console.warn(f"{suspects_file(session)} is damaged ({error}); `tagger audit --refresh` makes a new one")
        return {}


def _doubt(row: list[str], place: dict[str, int]) -> Doubt:
    from tagger.outcome.audit import Doubt

    _, label, suspect, suggested, score, *counts = row[: len(COLUMNS)]
    confidence, own = float(row[place[suggested]]), float(row[place[label]])
    clips, agreeing, others, alike = map(int, counts)
    return Doubt(suspect == "yes", suggested, confidence, own, clips, agreeing, others, alike, float(score))
