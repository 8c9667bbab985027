"""`tagger evaluate`: the current model on the held-out artists."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from tagger.base.errors import UsageError
from tagger.commands.learn import dataset_folder, load_clips
from tagger.commands.model import current_classifier
from tagger.commands.session import Outcome, Session
from tagger.commands.train import measured, metrics_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Another data set than the home's."""
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="a data set made by `tagger dataset`")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Hear the held-out clips once more, and draw the pictures anew."""
    session.look()
    from tagger.model.clips import ClipSet
    from tagger.model.evaluate import evaluate

    classifier = current_classifier(session)
    folder = arguments.dataset.absolute() if arguments.dataset else dataset_folder(session, classifier.card["family"])
    clips, genres, form = load_clips(session, folder)
    classifier.require(sorted(clips), form or None)
    strange = sorted(set(genres) - set(classifier.genres))
    if strange:
        raise UsageError(f"{folder}: the model does not know {', '.join(strange)}; train a new one")
    place = np.array([classifier.genres.index(genre) for genre in genres])
    ours = {s: ClipSet(c.images, place[c.labels], c.tracks, c.groups, c.splits) for s, c in clips.items()}
    out = session.home.reports / f"evaluation-{classifier.id}"
    found = evaluate(classifier, ours, out, session.settings.promise, session.settings.promise_confidence)
    card: dict[str, Any] = {
        "metrics": found.metrics,
        "intervals": {name: list(ends) for name, ends in found.intervals.items()},
        "genre_rows": found.genres,
        "measured_tracks": found.measures.tracks,
        "measured_on": found.measures.split,
        "measured_groups": found.measures.groups,
    }
    own = {"model": classifier.id, **measured(card), "pictures": [str(path) for path in found.pictures]}
    lines = [f"Model {classifier.id}", *metrics_lines(card), "", *(f"Picture: {path}" for path in found.pictures)]
    counts = {"tracks": found.measures.tracks, "clips": found.measures.clips}
    return Outcome(counts, own, lines, asked=True)
