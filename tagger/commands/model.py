"""Wiring of models: the current one, what it listens to, and where its promise stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.base.errors import FileProblem, NoModel
from tagger.base.records import NONE, ClipSource

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import ModelRow
    from tagger.model.heldout import Heldout
    from tagger.model.saved import Classifier


def current_model(session: Session) -> ModelRow:
    """Return the model that was promoted last, without loading it.

    Raises
    ------
    NoModel
        If there is none yet.
    """
    current = session.index.models.current()
    if current is None:
        raise NoModel("there is no model yet; train one with `tagger train` (or let `tagger nightly` do it)")
    return current


def model_in_use(session: Session) -> ModelRow | None:
    """Return the model that was promoted last; None if there is none, or it is of an earlier version's format."""
    from tagger.model.saved import outdated

    current = session.index.models.current()
    return None if current is None or outdated(Path(current.folder)) else current


def current_classifier(session: Session) -> Classifier:
    """Load the model that was promoted last.

    Raises
    ------
    NoModel
        If there is none yet, or it is damaged.
    """
    folder = Path(current_model(session).folder)
    from tagger.model.saved import load

    return load(folder)


def heldout_of(model: ModelRow) -> Heldout | None:
    """Return what a model says of artists that it never heard, without loading it; None if that is lost."""
    from tagger.model.heldout import read_heldout

    try:
        return read_heldout(heldout_file(model))
    except NoModel:
        return None


def heldout_file(model: ModelRow) -> Path:
    """Return where that is kept."""
    from tagger.model.saved import HELDOUT_NAME

    return Path(model.folder) / HELDOUT_NAME


def inputs_of(
    session: Session, classifier: Classifier, sources: Iterable[ClipSource]
) -> Iterator[tuple[ClipSource, np.ndarray | FileProblem]]:
    """Cut clips from tracks and turn them into what a model takes, in worker processes.

    Ends early when the run is to stop.

    Yields
    ------
    tuple
        The source, and an array (clips, ...) or what is wrong with the file.
    """
    from tagger.audio.forms import form_from_card
    from tagger.audio.workers import input_stream

    form = form_from_card(classifier.form_card)
    seconds = classifier.seconds
    settings = session.settings
    stream = input_stream(sources, [seconds], form, settings.clips, settings.workers, stopping=session.stopping)
    for source, found in stream:
        yield source, found if isinstance(found, FileProblem) else found[seconds]


def canonical(session: Session, genres: Sequence[str], probabilities: np.ndarray) -> dict[str, float]:
    """Return the probability of each canonical genre, 0 for those that the model has not learned, and of `NONE`."""
    known: dict[str, Any] = dict(zip(genres, probabilities.tolist(), strict=True))
    wanted = [genre.id for genre in session.genre_map.genres] + ([NONE] if NONE in known else [])
    return {genre: round(known.get(genre, 0.0), 6) for genre in wanted}


def votes_of(genres: Sequence[str], votes: np.ndarray) -> dict[str, int]:
    """Return for how many clips each genre was the likeliest, the most first; without those of none."""
    order = np.argsort(-votes, kind="stable")
    return {genres[i]: int(votes[i]) for i in order if votes[i]}
