"""Review with a spreadsheet: uncertain and suspicious tracks out as CSV, a person's decisions in.

The person fills the column ``decision`` of the rows that she cares about:

``accept``
    the predicted genre is right;
``reject``
    it is wrong, and nobody should ask again;
``dismiss``
    the tag that is there is right as it is;
a genre
    (id or name; or in the column ``genre``) is the right one.

An empty decision leaves the track for another day.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tagger.base.cells import cell_path, path_cell, text_cell, unguarded
from tagger.base.errors import UsageError, path_text, printable
from tagger.base.records import Problem

COLUMNS = ("path", "artist", "album", "title", "genre_tag", "predicted", "confidence", "reason", "decision", "genre")
NEEDED = ("path", "decision")
DELIMITERS = (",", ";", "\t")  # Excel's depends on the country; tabs are its "Unicode text"
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the country's old code page

_DELIMITER_HINT = re.compile(r"sep=.?(\r\n|\r|\n)", re.IGNORECASE)  # a first line that tells Excel the delimiter

ACCEPT, GENRE, REJECT, DISMISS = "accept", "genre", "reject", "dismiss"
WORDS = (ACCEPT, REJECT, DISMISS)


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A track that a person should decide on. `path` is absolute, `predicted` a genre id."""

    path: bytes
    artist: str | None
    album: str | None
    title: str | None
    genre_tag: str | None
    predicted: str | None
    confidence: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """What a person decided. `kind` is ``accept genre reject dismiss``; `genre` is an id, for the first two.

    An accepted genre is the one that stood in the file that the person saw, whatever the model says by now.
    """

    path: bytes
    kind: str
    genre: str | None
    line: int


def export_rows(rows: Iterable[ReviewRow]) -> str:
    """Return CSV text to fill in, for a file in UTF-8.

    Safe to open in a spreadsheet: no cell is taken for a formula, and paths come back as the bytes that they were.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in rows:
        people = [text_cell(text) for text in (row.artist, row.album, row.title, row.genre_tag, row.predicted)]
        confidence = "" if row.confidence is None else f"{row.confidence:.2f}"
        writer.writerow([path_cell(row.path), *people, confidence, text_cell(row.reason), "", ""])
    return BYTE_ORDER_MARK + file.getvalue()


def import_rows(
    content: str | bytes, genre_of: Callable[[str], str | None]
) -> tuple[list[ReviewDecision], list[Problem]]:
    """Read the decisions that a person filled in.

    Commas, semicolons or tabs, any line ends, a byte order mark, UTF-8, UTF-16 or a Western Windows code page: all
    that spreadsheets make of the file is read.

    Parameters
    ----------
    content : str or bytes
        The file.
    genre_of : callable
        Returns the canonical genre (id) that a text means, None if none.

    Returns
    -------
    decisions : list of ReviewDecision
        In the order of the file, one per path.
    problems : list of Problem
        Rows that cannot be followed, each with its line. Rows that decide differently about one path are all left out.

    Raises
    ------
    UsageError
        If it is no review file at all.
    """
    text = _decoded(content) if isinstance(content, bytes) else content.removeprefix(BYTE_ORDER_MARK)
    found: dict[bytes, list[ReviewDecision]] = {}
    problems: list[Problem] = []
    for line, cells in _records(text):
        path = cell_path(cells.get("path", ""))
        try:
            decided = _decision(cells, genre_of)
            if decided and not path:
                raise ValueError("there is a decision, but no path")
        except ValueError as error:
            problems.append(Problem(path_text(path), f"line {line}: {error}"))
            continue
        if decided:
            found.setdefault(path, []).append(ReviewDecision(path, *decided, line))
    decisions = []
    for path, same in found.items():
        if len({(decision.kind, decision.genre) for decision in same}) == 1:
            decisions.append(same[0])
        else:
            lines = " and ".join(str(decision.line) for decision in same)
            problems.append(Problem(path_text(path), f"lines {lines} decide differently about this file"))
    return decisions, problems


def _decision(cells: dict[str, str], genre_of: Callable[[str], str | None]) -> tuple[str, str | None] | None:
    """Return kind and genre of one row; None if it is left open.

    Raises
    ------
    ValueError
        With what is wrong, in words.
    """
    said, named = cells.get("decision", "").strip(), cells.get("genre", "").strip()
    word = said.lower()
    if word == GENRE and not named:
        raise ValueError("the decision is 'genre', but the column genre is empty")
    genre = _known(named, genre_of) if named else None
    if word in ("", GENRE, REJECT):  # a prediction that is rejected with the right genre beside it: that genre
        if genre:
            return GENRE, genre
        return (REJECT, None) if word == REJECT else None
    if word == DISMISS:
        if genre:
            raise ValueError(f"dismiss keeps the tag as it is, but the column genre says {printable(named)!r}")
        return DISMISS, None
    if word == ACCEPT:
        predicted = cells.get("predicted", "").strip()
        if not predicted:
            raise ValueError("there is no prediction to accept; write a genre instead")
        accepted = _known(predicted, genre_of)
        if genre not in (None, accepted):
            raise ValueError(f"accept means {accepted}, but the column genre says {printable(named)!r}")
        return ACCEPT, accepted
    decided = _known(said, genre_of)
    if genre not in (None, decided):
        raise ValueError(f"the decision says {printable(said)!r}, but the column genre {printable(named)!r}")
    return GENRE, decided


def _known(text: str, genre_of: Callable[[str], str | None]) -> str:
    genre = genre_of(unguarded(text))
    if genre is None:
        raise ValueError(f"{printable(text)!r} is neither {', '.join(WORDS)} nor a genre of the map")
    return genre


# --- the file -------------------------------------------------------------------------------------------------------


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise UsageError("the review file is cut short: it says that it is UTF-16 and is not") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Excel saves as plain "CSV" on Windows; bytes that the code page lacks become U+FFFD, and a path with
        # one in it is simply not found.
        return content.decode("cp1252", "replace")


def _records(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line on which each row begins, and its cells by column."""
    hint = _DELIMITER_HINT.match(text)
    skipped = 1 if hint else 0
    text = text[hint.end() :] if hint else text
    if "\0" in text:
        raise UsageError("the review file is no CSV file: it has zero bytes in it")
    best = max(DELIMITERS, key=lambda mark: len(set(COLUMNS) & set(_header(text, mark))))
    header = _header(text, best)
    missing = [column for column in NEEDED if column not in header]
    if missing:
        raise UsageError(
            f"the review file has no column {' and no column '.join(missing)}; its first line must name the columns"
            " as `tagger review export` writes them"
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=best)
    before = 0
    try:
        for row in reader:
            line, before = before + 1 + skipped, reader.line_num
            if line > 1 + skipped and any(cell.strip() for cell in row):
                yield line, dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise UsageError(f"the review file cannot be read at line {reader.line_num + skipped}: {error}") from None


def _header(text: str, delimiter: str) -> list[str]:
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return []
    return [cell.strip().lower() for cell in first]
