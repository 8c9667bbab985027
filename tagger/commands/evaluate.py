"""`tagger evaluate`: the current model on the held-out artists."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tagger.base.errors import UsageError
from tagger.base.records import NONE
from tagger.commands.clips import load_clips, material_of, relabelled
from tagger.commands.model import current_classifier
from tagger.commands.session import Outcome, Session
from tagger.commands.train import check_dataset, measured, metrics_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Another data set than the home's."""
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="a data set made by `tagger dataset`")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Hear the held-out clips once more, and draw the pictures anew."""
    session.look()
    from tagger.model.evaluate import evaluate

    classifier = current_classifier(session)
    family = str(classifier.card["family"])
    if arguments.dataset is not None:
        check_dataset(arguments.dataset, family)
        material = load_clips(session, arguments.dataset.absolute())
    else:
        material = material_of(session, family)
    classifier.require(sorted(material.clips), material.form or None)
    strange = sorted(set(material.genres) - set(classifier.genres) - {NONE})
    if strange:
        raise UsageError(f"the model does not know {', '.join(strange)}; train a new one")
    ours = relabelled(material, [*classifier.genres, *({NONE} & set(material.genres) - set(classifier.genres))]).clips
    if NONE not in classifier.genres:
        ours = {seconds: one.only(one.labels < len(classifier.genres)) for seconds, one in ours.items()}
    out = session.home.reports / f"evaluation-{classifier.id}"
    found = evaluate(classifier, ours, out, session.settings.promise, session.settings.promise_confidence)
    card: dict[str, Any] = {
        "metrics": found.metrics,
        "intervals": {name: list(ends) for name, ends in found.intervals.items()},
        "genre_rows": found.genres,
        "measured_tracks": found.measures.tracks,
        "measured_on": found.measures.split,
        "measured_groups": found.measures.groups,
        "outside": found.measures.outside,
    }
    own = {"model": classifier.id, **measured(card), "pictures": [str(path) for path in found.pictures]}
    lines = [f"Model {classifier.id}", *metrics_lines(card), "", *(f"Picture: {path}" for path in found.pictures)]
    counts = {"tracks": found.measures.tracks, "clips": found.measures.clips}
    return Outcome(counts, own, lines, asked=True)
