"""`tagger classify`: predictions for the tracks that have no label."""

from __future__ import annotations

import argparse
from array import array
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tagger.base.batches import in_batches
from tagger.base.errors import FileProblem
from tagger.base.records import ClipSource, Decision, Prediction, TrackState
from tagger.commands.console import problem_lines
from tagger.commands.decisions import TYPED, Rules, Said, decide_anew_where_due, rules_of
from tagger.commands.libraries import mounted_libraries
from tagger.commands.model import canonical, current_classifier, current_model, inputs_of, votes_of
from tagger.commands.session import Outcome, Session
from tagger.commands.transfer import cold_start
from tagger.commands.views import length_ok

if TYPE_CHECKING:
    from tagger.index.rows import TrackRow
    from tagger.model.saved import Classifier

Heard = tuple["TrackRow", "np.ndarray | FileProblem"]
BATCH = 16  # tracks per call of the network and per transaction: more, and decoding waits for the network


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which tracks to look at."""
    parser.add_argument("--refresh", action="store_true", help="predict again, also for genres that a model wrote")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Classify with the current model."""
    session.begin()
    if session.index.models.current() is None:
        cold_start(session)
    current_model(session)  # without one, say so before anything else
    libraries = [row.library_id for row in mounted_libraries(session)]
    counts = classify(session, libraries, arguments.refresh)
    return Outcome(counts, {}, summary(session, counts), bool(session.new_problems), looked_at=sum(counts.values()))


def classify(session: Session, library_ids: Collection[int], refresh: bool = False) -> dict[str, int]:
    """Predict the tracks without a label that the current model has not heard yet, and save it in batches.

    The network is loaded only if there are such tracks: most nights bring few or none.

    Returns
    -------
    dict
        The counts of the command.
    """
    current = current_model(session)
    rules = decide_anew_where_due(session, current)
    counts = Counter(classified=0, accepted=0, abstained=0, unreadable=0)
    wanted = array("q")  # ids alone: in the first night there may be a million
    wanted.extend(
        row.track_id
        for row in session.index.select.to_classify(current.model_id, refresh, _states(refresh), library_ids)
        if length_ok(session, row)
    )
    if not wanted:
        return dict(counts)
    classifier = current_classifier(session)
    rules = rules or rules_of(session, current, classifier.heldout())
    with session.console.bar("classifying", len(wanted), "tracks") as bar:
        for batch in _heard(session, classifier, wanted):
            bar.step(len(batch))
            predictions = _predict(session, classifier, rules, batch, counts)
            session.index.predictions.save(predictions, session.run_id)
            session.tally["classified"] += len(predictions)
            session.check()
            if session.out_of_time():
                break
    session.check()
    return dict(counts)


def _states(refresh: bool) -> tuple[TrackState, ...]:
    """Return the states to listen to: what people left open, and with `refresh` what a model wrote."""
    states = (TrackState.UNTAGGED, *TYPED)
    return (*states, TrackState.MACHINE) if refresh else states


def _heard(session: Session, classifier: Classifier, track_ids: Iterable[int]) -> Iterator[list[Heard]]:
    """Yield batches of tracks with their clips, in the order of `track_ids`."""
    on_the_way: deque[TrackRow] = deque()

    def sources() -> Iterator[ClipSource]:
        for ids in in_batches(track_ids):
            rows = session.index.select.by_ids(ids)
            for row in (rows[track_id] for track_id in ids if track_id in rows):
                on_the_way.append(row)
                yield ClipSource(row.track, row.absolute, row.duration or 0.0)

    heard = inputs_of(session, classifier, sources())
    yield from in_batches(((on_the_way.popleft(), clips) for _, clips in heard), BATCH)


def _predict(
    session: Session,
    classifier: Classifier,
    rules: Rules,
    batch: Sequence[Heard],
    counts: Counter[str],
) -> list[Prediction]:
    readable: list[tuple[TrackRow, np.ndarray]] = []
    unreadable: dict[int, FileProblem] = {}
    for row, clips in batch:
        if isinstance(clips, FileProblem):
            session.report(clips)
            counts["unreadable"] += 1
            unreadable[row.track_id] = clips
        else:
            readable.append((row, clips))
    session.index.tracks.save_audio_problems(unreadable)
    if not readable:
        return []
    chances, votes = classifier.hear([clips for _, clips in readable])
    said = [
        Said(canonical(session, classifier.genres, row), votes_of(classifier.genres, own))
        for row, own in zip(chances, votes, strict=True)
    ]
    predictions = rules.decided([row for row, _ in readable], classifier.id, said)
    for prediction in predictions:
        counts["classified"] += 1
        counts["accepted" if prediction.decision is Decision.ACCEPT else "abstained"] += 1
    return predictions


def summary(session: Session, counts: dict[str, int]) -> list[str]:
    """Return what was predicted, for people."""
    lines = [
        f"{counts['classified']:,} tracks classified: {counts['accepted']:,} surely enough to write, "
        f"{counts['abstained']:,} for review."
    ]
    if counts["unreadable"]:
        lines.append(f"{counts['unreadable']:,} could not be decoded:")
        lines += problem_lines(session.problems)
    return lines
