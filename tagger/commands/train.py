"""`tagger train`: train a model, evaluate it on held-out artists, promote it if it is not worse."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tagger.base.errors import UsageError
from tagger.base.settings import FAMILY_NAMES
from tagger.commands.clips import Material, is_picture, load_clips
from tagger.commands.console import table
from tagger.commands.learn import Learned, learn, train_on
from tagger.commands.seek import seek
from tagger.commands.session import Outcome, Session
from tagger.commands.transfer import family_wanted

FAMILY_HELP = f"the kind of model (default: setting `family`), of {', '.join(FAMILY_NAMES)}"
SEARCH_HELP = "try recipes first, at random or by a small grid, and train with the best (default of the option: random)"
TRIES = 20
LEAKS = {
    "copy": "copies of tracks that are learned from",
    "artist": "tracks with a guest who is learned from",
    "song": "recordings that are learned from under another name",
    "machine": "genres written by tagger itself",
}
METRICS = (
    *("track_accuracy", "clip_accuracy", "balanced_accuracy", "macro_f1", "top3_accuracy"),
    *("ece", "majority_baseline", "precision", "coverage"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to train on, and how."""
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="a folder-per-class data set of PNGs to train on")
    parser.add_argument("--family", choices=FAMILY_NAMES, metavar="NAME", help=FAMILY_HELP)
    parser.add_argument("--seed", type=int, metavar="N", help="of split, clips and training (default: setting `seed`)")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data set at the most")
    parser.add_argument("--deterministic", action="store_true", help="same data and seed, same bits; slower")

    parser.add_argument("--search", nargs="?", const="random", choices=("grid", "random"), help=SEARCH_HELP)
    parser.add_argument("--tries", type=int, default=TRIES, metavar="N", help=f"of a random search (default: {TRIES})")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Train on a data set from anywhere, or on the labels of the index."""
    family = session.settings.family if arguments.family or arguments.dataset else family_wanted(session)
    if arguments.search:
        check_search(family)
    if arguments.dataset is not None:
        check_dataset(arguments.dataset, family)
    session.begin()
    lines: list[str] = []
    if arguments.dataset is not None:
        material = load_clips(session, arguments.dataset.absolute())
        learned = _on(session, material, family, arguments, lines)
    else:
        learned = learn(
            session, "it was asked for", lambda material: _on(session, material, family, arguments, lines), family
        )
    lines.append(learned.text)
    if learned.card:
        lines += metrics_lines(learned.card)
        lines.append(f"Pictures and card: {session.home.models / str(learned.model_id)}")
    own = {"model": learned.model_id, "promoted": learned.promoted, **measured(learned.card)}
    counts = learned.counts or {"tracks": 0, "clips": 0}
    return Outcome(counts, own, lines, noteworthy=True, looked_at=counts["tracks"])


def _on(session: Session, material: Material, family: str, arguments: argparse.Namespace, lines: list[str]) -> Learned:
    """Train on clips; with a search, find a recipe first."""
    from tagger.model.clips import TooFewLabels

    if not arguments.search:
        return train_on(session, material, family, arguments.deterministic)
    try:
        found = seek(session, material, family, arguments.search, arguments.tries, arguments.deterministic)
    except TooFewLabels as error:
        return Learned(f"Not trained: {error}")
    lines += found.lines
    if found.material is None:
        return Learned("The search is not finished; the next `tagger train --search` goes on.")
    return train_on(session, found.material, family, arguments.deterministic, found.recipe, found.facts)


def check_search(family: str) -> None:
    """Refuse a search for a family that finds its recipe by itself, or learns from a teacher.

    Raises
    ------
    UsageError
    """
    from tagger.model.families import needs_trunk

    if needs_trunk(family):
        raise UsageError(f"{family} has no recipe to search for; name another --family, such as cnn2d")


def check_dataset(folder: Path, family: str) -> None:
    """Refuse a data set of pictures that is not there, or that the family does not look at.

    Raises
    ------
    UsageError
    """
    from tagger.model.families import family_named, needs_trunk

    if needs_trunk(family):
        raise UsageError(f"{family} learns from files of music and takes no --dataset of pictures; cnn2d does")
    if not is_picture(family_named(family).form):
        raise UsageError(f"{family} listens to sound and takes no --dataset of pictures; cnn2d and cnn2d-wtsc do")
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such data set folder")


def measured(card: dict[str, Any]) -> dict[str, Any]:
    """Return metrics, intervals and the rows per genre of a card for JSON; zeros where there is no model."""
    if not card:
        zeros = dict.fromkeys(METRICS, 0.0)
        return {"metrics": zeros, "intervals": {name: [0.0, 0.0] for name in METRICS}, "genres": []}
    return {"metrics": card["metrics"], "intervals": card["intervals"], "genres": card["genre_rows"]}


def _beside(card: dict[str, Any]) -> list[str]:
    """Return what else was found: tracks outside the genres, and what the audit of the split left out."""
    lines = []
    outside = card.get("outside", {})
    if outside.get("tracks"):
        lines.append(
            f"Of {outside['tracks']:,} held-out tracks that are none of the genres, {outside['written']:,} would be "
            f"written ({outside['share']:.1%}; 95% interval {outside['low']:.1%} to {outside['high']:.1%})."
        )
    leaks = {kind: count for kind, count in card.get("leaks", {}).items() if count}
    if leaks:
        told = ", ".join(f"{count:,} {LEAKS[kind]}" for kind, count in leaks.items())
        lines.append(f"Left out, since they would have been known: {told}.")
    return lines


def _interval(card: dict[str, Any], name: str, nothing: set[str]) -> str:
    return "" if name in nothing else "{:.3f} to {:.3f}".format(*card["intervals"][name])


def metrics_lines(card: dict[str, Any]) -> list[str]:
    """Return the figures of a model for people, each with its 95% interval, and the genres one by one."""
    names = {
        "track_accuracy": "tracks right",
        "majority_baseline": "  always the most frequent genre",
        "clip_accuracy": "clips right",
        "balanced_accuracy": "balanced over genres",
        "macro_f1": "macro F1",
        "top3_accuracy": "among the first three",
        "ece": "calibration error",
        "precision": "right among those written",
        "coverage": "share that would be written",
    }
    nothing = {"precision"} if card["metrics"]["coverage"] == 0 else set()  # of nothing written, no share is right
    rows = [
        (text, "-" if name in nothing else f"{card['metrics'][name]:.3f}", _interval(card, name, nothing))
        for name, text in names.items()
    ]
    genres = [
        (
            row["genre"],
            row["tracks"],
            row["groups"],
            f"{row['precision']:.2f}",
            f"{row['recall']:.2f}",
            "never" if row["threshold"] is None else f"{row['threshold']:.2f}",
            "" if row["measured"] else "unmeasured: too few artists",
        )
        for row in card["genre_rows"]
    ]
    header = ("genre", "tracks", "artists", "precision", "recall", "written from", "")
    on = f"On {card['measured_tracks']:,} {card['measured_on']} tracks by {card['measured_groups']:,} unheard artists:"
    return [
        on,
        *table(("", "", "95% interval"), rows),
        *_beside(card),
        "",
        *table(header, genres, frozenset({1, 2, 3, 4})),
    ]
