"""What writing a genre would cost a file, found out before the file is touched.

A skeleton of the file, its tags without its audio, is saved and compared just as the file would be. So the answer is
that of the save itself, at the price of reading the tags.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tagger.base.errors import FileProblem, UnreadableTags, WriteFailed, WriteSkipped
from tagger.base.losses import ALLOWABLE
from tagger.base.records import Provenance
from tagger.library import provenance as note_text
from tagger.library.checks import check_genre
from tagger.library.family import Entry, Family, TagView
from tagger.library.loss import Loss, losses_between
from tagger.library.preflight_changes import Raw, changes_between, way_back_is_short
from tagger.library.skeleton import skeleton_of
from tagger.library.tags import family_of

USUAL_NOTE = Provenance("Alternative", "cnn2d-20260101-000000", 0.95, "20260101T000000-0000")


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a write would do beside setting the genre.

    Parameters
    ----------
    losses : tuple of Loss
        What would not survive. The write is refused unless it is allowed to lose exactly this.
    changes : tuple of str
        What would change and loses nothing, for people.
    exact_undo : bool
        Whether `undo` will give back the same bytes as long as nothing else touches the file. If not, it may have to
        give back the values only.
    """

    losses: tuple[Loss, ...]
    changes: tuple[str, ...]
    exact_undo: bool = True

    @property
    def allowable(self) -> bool:
        """Whether a station can allow all that would be lost."""
        return all(loss.kind in ALLOWABLE for loss in self.losses)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a skeleton holds."""

    family: Family
    container: str
    view: TagView
    entries: Counter[Entry]
    raw: Raw


def preflight(path: bytes, genre: str, provenance: Provenance | None = USUAL_NOTE) -> Preflight:
    """Say what `write_genre` would lose or change.

    Parameters
    ----------
    path : bytes
        The file, absolute. It is only read: its tags, and a few kilobytes of its audio.
    genre : str
        The name to be written.
    provenance : Provenance or None
        The note to be left beside it.

    Returns
    -------
    Preflight

    Raises
    ------
    UnreadableTags
        If the file cannot be read now.
    OSError
        If there is no room for the skeleton in the system's folder for temporary files.
    """
    note = note_text.to_text(provenance) if provenance is not None else None
    with skeleton_of(path) as skeleton:
        try:
            before = _seen(skeleton)
        except UnreadableTags as problem:
            raise UnreadableTags(path, problem.cause, problem.postponed) from problem
        losses: list[Loss] = []
        try:
            before.family.save(skeleton, lambda block: (genre,), note, losses.append)
            losses = list(dict.fromkeys(losses))
            after = _seen(skeleton)
            losses += losses_between(before.view, before.entries, after.view, after.entries)
            check_genre(path, before.view, after.view, lambda block: (genre,), note)
        except (UnreadableTags, WriteFailed, WriteSkipped) as problem:
            return Preflight(_with_the_last(path, losses, problem), ())
        exact = way_back_is_short(before.raw, after.raw)
        return Preflight(tuple(losses), changes_between(before.view, after.view, before.raw, after.raw, exact), exact)


def _seen(skeleton: bytes) -> _Seen:
    container, family = family_of(skeleton)
    view, entries = family.read(skeleton), Counter(family.entries(skeleton))
    return _Seen(family, container, view, entries, Raw.of(skeleton, container))


def _with_the_last(path: bytes, losses: list[Loss], problem: FileProblem) -> tuple[Loss, ...]:
    """Return the losses of a save that gave up; what may pass is no loss but a problem.

    Raises
    ------
    FileProblem
    """
    if problem.postponed or isinstance(problem.__cause__, OSError):
        raise type(problem)(path, problem.cause, problem.postponed) from problem
    told = tuple(dict.fromkeys(losses))
    refused = any(loss.text == problem.cause for loss in told)
    return told if refused else (*told, Loss("damaged", problem.cause))
