"""How well a demo library was tagged, counted against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tagger.demo.entry import BROKEN, MISLABELLED, SHORT, UNCLEAR_TAG, UNTAGGED
from tagger.demo.library import DemoTruth


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What became of one file.

    `path` is relative to the library; `written` is the genre id that was put into the file (None: nothing was),
    `predicted` the model's best guess, `flagged` says that the audit found its genre tag suspicious.
    """

    path: bytes
    written: str | None = None
    predicted: str | None = None
    unreadable: bool = False
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of files.

    Of `untagged` tracks, `filled` got a genre (`right` or `wrong`) and `abstained` did not; `guessable` of these would
    have been right had the best guess been written. `intruded` counts files that had a genre tag, were too short or
    broken, and were written all the same: it must be 0. `found` of `mislabelled` tracks were flagged; `unreadable` of
    `broken` files were reported as such.
    """

    untagged: int
    filled: int
    right: int
    wrong: int
    abstained: int
    guessable: int
    mislabelled: int
    found: int
    broken: int
    unreadable: int
    short: int
    unclear: int
    intruded: int

    @property
    def precision(self) -> float | None:
        """Share of the filled genres that are right; None if nothing was filled."""
        return self.right / self.filled if self.filled else None

    def text(self) -> str:
        """Return the verdict for people: a few plain lines without a trailing newline."""
        precision = "" if self.precision is None else f" ({self.precision:.0%} of what was written is right)"
        lines = [
            f"Without a genre   {self.untagged} tracks",
            f"  filled          {self.filled}: {self.right} right, {self.wrong} wrong{precision}",
            f"  left open       {self.abstained}, not sure enough; the best guess is right for {self.guessable}",
            f"Wrong genre tag   {self.mislabelled} tracks, of which the audit points at {self.found}",
            f"Unclear genre tag {self.unclear} tracks, left alone",
            f"Broken files      {self.broken}, of which {self.unreadable} are reported",
            f"Jingles           {self.short}, left alone",
        ]
        if self.intruded:
            lines.append(f"WRONGLY TOUCHED   {self.intruded} files that should have been left alone: this is a fault")
        return "\n".join(lines)


def verdict(truth: DemoTruth, rows: Iterable[VerdictRow]) -> Verdict:
    """Count what became of a demo library.

    Parameters
    ----------
    truth : DemoTruth
        What every file really is.
    rows : iterable of VerdictRow
        What happened; a file of the truth that has no row counts as left alone. Rows of other files are ignored.
    """
    by_path = {row.path: row for row in rows}
    seen = {path: by_path.get(path, VerdictRow(path)) for path in truth.files}

    def rows_of(state: str) -> list[VerdictRow]:
        return [seen[path] for path in truth.paths(state)]

    untagged = rows_of(UNTAGGED)
    filled = [row for row in untagged if row.written is not None]
    left = [row for row in untagged if row.written is None]
    right = sum(row.written == truth.files[row.path].genre for row in filled)
    return Verdict(
        untagged=len(untagged),
        filled=len(filled),
        right=right,
        wrong=len(filled) - right,
        abstained=len(left),
        guessable=sum(row.predicted == truth.files[row.path].genre for row in left),
        mislabelled=len(rows_of(MISLABELLED)),
        found=sum(row.flagged for row in rows_of(MISLABELLED)),
        broken=len(rows_of(BROKEN)),
        unreadable=sum(row.unreadable for row in rows_of(BROKEN)),
        short=len(rows_of(SHORT)),
        unclear=len(rows_of(UNCLEAR_TAG)),
        intruded=sum(row.written is not None for path, row in seen.items() if truth.files[path].state != UNTAGGED),
    )
