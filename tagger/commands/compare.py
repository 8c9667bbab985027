"""`tagger compare`: families of models side by side, trained on one split and measured on the same tracks."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.base.files import write_text
from tagger.base.settings import FAMILY_NAMES
from tagger.commands.clips import Material, load_clips
from tagger.commands.console import table
from tagger.commands.costs import rate_of
from tagger.commands.learn import material_for, too_few, watch_of
from tagger.commands.session import Outcome, Session
from tagger.commands.sources import Sources, clip_sources
from tagger.commands.train import check_dataset
from tagger.commands.transfer import trunk_access

if TYPE_CHECKING:
    from tagger.model.contend import Contender, Standing
    from tagger.outcome.compare import FamilyRow

WITH_CONTEXT = "+context"  # ends the name of a row that also heeds people's labels of the same artist and album
KNOWING = "knows what people typed for the artists' other tracks"
WITH_PICTURES = ("cnn2d", "cnn2d-wtsc")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which families, on what, and where to."""
    parser.add_argument("--families", type=family_list, metavar="A,B", help="which ones (default: all)")
    context = "the best one again, with people's labels of the same artists (default with all families)"
    parser.add_argument("--context", action="store_true", help=context)
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="a data set of PNGs, for cnn2d and cnn2d-wtsc")
    parser.add_argument("--leaky", action="store_true", help="also show what each would claim on a split by clip")
    parser.add_argument("--seed", type=int, metavar="N", help="of split, clips and training (default: setting `seed`)")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data set at the most")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to put the page (default: in reports/)")


def family_list(text: str) -> tuple[str, ...]:
    """Return names of families; others are refused by the parser."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    strange = [name for name in names if name not in FAMILY_NAMES]
    if strange or not names:
        raise argparse.ArgumentTypeError(f"{text!r}: families are {', '.join(FAMILY_NAMES)}")
    return names


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Train and measure each family, and draw them up in a table, a page and pictures."""
    from tagger.model.clips import TooFewLabels

    families = arguments.families or (WITH_PICTURES if arguments.dataset else _usual(session))
    if arguments.dataset is not None:
        for family in families:
            check_dataset(arguments.dataset, family)
    session.begin()
    sources = None if arguments.dataset else clip_sources(session)
    reason = too_few(sources.labelled) if sources else None
    if reason:
        return Outcome({}, {"rows": []}, [reason.replace("Not trained", "Nothing to compare")], asked=True)
    try:
        contenders, rates, leaky = _contest(session, families, sources, arguments.dataset, arguments.leaky)
    except TooFewLabels as error:
        return Outcome({}, {"rows": []}, [f"Nothing to compare: {error}"], asked=True)
    if not contenders:
        return Outcome({}, {"rows": []}, ["No family is finished yet; the next `tagger compare` goes on."], asked=True)
    unfinished = len(families) - len(contenders)
    if sources is not None and (arguments.context or not arguments.families):
        _with_context(session, contenders, rates)
    return _outcome(session, contenders, rates, leaky, arguments.out, unfinished)


def _usual(session: Session) -> tuple[str, ...]:
    """Return all families that can be trained here."""
    from tagger.model.families import needs_trunk

    if trunk_access(session) is not None:
        return FAMILY_NAMES
    session.console.say("without the pretrained trunk (`tagger trunk install musicnn`): families on it are left out")
    return tuple(name for name in FAMILY_NAMES if not needs_trunk(name))


def _contest(
    session: Session, families: Sequence[str], sources: Sources | None, dataset: Path | None, with_leaky: bool
) -> tuple[list[Contender], dict[str, float], dict[str, dict[str, float]]]:
    """Train each family, and time it; families that the time did not suffice for are missing.

    Of families on the trunk there is no leaky figure: a split by clip takes nothing from what it knows beforehand.
    """
    from tagger.model.families import needs_trunk

    contenders, rates, leaky = [], {}, {}
    for family in families:
        session.check()
        session.console.say(f"{family} ...")
        material = _material(session, family, sources, dataset)
        if material is None:
            break
        found = _train(session, family, material, "honest")
        if found is None:
            break
        contenders.append(found)
        rates[family] = rate_of(session, found, material, sources)
        if with_leaky and not needs_trunk(family):
            claimed = _leaky(session, family, material)
            if claimed is None:
                break
            leaky[family] = claimed
    return contenders, rates, leaky


def _with_context(session: Session, contenders: list[Contender], rates: dict[str, float]) -> None:
    """Add the best family once more, with what people tagged for the same artists and albums beside the sound."""
    from tagger.commands.context import beside_people
    from tagger.model.contend import standings

    settings = session.settings
    stands = standings(contenders, settings.promise, settings.promise_confidence)
    best = max(contenders, key=lambda one: (stands[one.family].metrics["track_accuracy"], one.family))
    heldout = beside_people(session, best.heldout)
    if heldout is not None:
        name = f"{best.family}{WITH_CONTEXT}"
        contenders.append(replace(best, family=name, heldout=heldout, history=[]))
        rates[name] = rates[best.family]


def _material(session: Session, family: str, sources: Sources | None, dataset: Path | None) -> Material | None:
    """Return what a family learns from; None when the time was out."""
    if dataset is not None:
        return load_clips(session, dataset.absolute())
    return material_for(session, family, sources, every_genre=False) if sources is not None else None


def _train(session: Session, family: str, material: Material, where: str) -> Contender | None:
    from tagger.model.contend import contend
    from tagger.model.families import needs_trunk

    settings = session.settings
    with session.console.bar(family, settings.epochs, "epochs") as bar:
        return contend(
            family,
            material.clips,
            material.genres,
            material.form,
            session.home.cache / "compare" / where,
            seed=settings.seed,
            max_epochs=settings.epochs,
            promise=settings.promise,
            confidence=settings.promise_confidence,
            watch=watch_of(session, bar),
            trunk=trunk_access(session) if needs_trunk(family) else None,
        )


def _leaky(session: Session, family: str, material: Material) -> dict[str, float] | None:
    from tagger.model.contend import dealt_by_clip, standings

    dealt = Material(dealt_by_clip(material.clips, session.settings.seed), material.genres, material.form)
    found = _train(session, family, dealt, "leaky")
    if found is None:
        return None
    settings = session.settings
    return standings([found], settings.promise, settings.promise_confidence)[family].metrics


# --- what is shown --------------------------------------------------------------------------------------------------


def _outcome(
    session: Session,
    contenders: Sequence[Contender],
    rates: dict[str, float],
    leaky: dict[str, dict[str, float]],
    out: Path | None,
    unfinished: int,
) -> Outcome:
    from tagger.model.contend import standings
    from tagger.outcome import compare as shown

    settings = session.settings
    stands = standings(contenders, settings.promise, settings.promise_confidence)
    best = max(contenders, key=lambda one: (stands[one.family].metrics["track_accuracy"], one.family))
    rows = shown.best_first(
        _row(one, stands[one.family], stands[best.family], rates[one.family], leaky.get(one.family))
        for one in contenders
    )
    folder = out.absolute() if out else session.home.reports / f"compare-{session.run_id}"
    about = _about(session, next(iter(stands.values())))
    _publish(folder, rows, about, contenders, stands, settings.promise)
    header, cells = shown.table(rows)
    lines = [*table(header, cells), "", f"Page, pictures and Markdown: {folder / 'compare.html'}"]
    if unfinished:
        lines.append(f"{unfinished} families are not finished; the next `tagger compare` goes on.")
    measures = next(iter(stands.values())).measures
    counts = {"families": len(rows), "tracks": measures.tracks, "clips": measures.clips}
    own = {"rows": [shown.facts(row) for row in rows], "report": str(folder / "compare.html")}
    return Outcome(counts, own, lines, asked=True)


def _row(one: Contender, stand: Standing, best: Standing, rate: float, leaky: dict[str, float] | None) -> FamilyRow:
    from tagger.outcome.compare import FamilyRow

    notes = [KNOWING] if one.family.endswith(WITH_CONTEXT) else []
    notes += [] if stand is best else [_behind(stand, best)]
    notes += [] if rate else ["stopped before it was timed"]
    return FamilyRow(
        one.family, stand.metrics, stand.intervals, one.parameters, one.train_seconds, rate, f"{one.seconds} s", leaky,
        "; ".join(notes),
    )  # fmt: skip


def _behind(stand: Standing, best: Standing) -> str:
    """Say how far a family is behind the best on the same tracks: closer than their intervals, which both share."""
    from tagger.model.figures import paired_difference

    difference, low, high = paired_difference(best.heldout, stand.heldout)
    return f"{difference:.3f} behind the best (95% interval {low:.3f} to {high:.3f})"


def _about(session: Session, stand: Standing) -> Any:
    import tagger
    from tagger.outcome.compare import About

    measures = stand.measures
    known = {genre.id: genre.name for genre in session.genre_map.genres}
    ids = [str(row["genre"]) for row in measures.genres]
    return About(
        measures.tracks,
        measures.groups,
        tuple(known.get(genre, genre) for genre in ids),
        stand.metrics["majority_baseline"],
        measures.split,
        started=time.strftime("%Y-%m-%dT%H:%M:%S"),
        version=tagger.__version__,
    )


def _publish(
    folder: Path,
    rows: Sequence[FamilyRow],
    about: Any,
    contenders: Sequence[Contender],
    stands: dict[str, Standing],
    promise: float,
) -> None:
    """Write the page, the Markdown and the pictures into a folder."""
    from tagger.model import pictures_compare as draw
    from tagger.outcome.compare import facts, to_markdown
    from tagger.outcome.compare_page import page

    folder.mkdir(parents=True, exist_ok=True)
    order = [row.family for row in rows]
    heard = {family: stands[family].heldout for family in order}
    best = heard[order[0]]
    histories = {one.family: one.history for one in contenders if one.history}
    bars = [facts(row) for row in rows]
    pictures = [
        ("Tracks right", "accuracy.png", lambda path: draw.bars_picture(path, bars)),
        ("Right among the surest", "risk.png", lambda path: draw.risk_coverage_picture(path, heard, promise)),
        ("ROC curves", "roc.png", lambda path: draw.roc_picture(path, heard)),
        (
            f"Is {order[0]} as sure as it is right?",
            "reliability.png",
            lambda path: draw.reliability_picture(path, best, order[0]),
        ),
        (
            "Who is taken for whom",
            "confusions.png",
            lambda path: draw.confusions_picture(
                path, {family: stands[family].measures.confusion for family in order}, best.genres
            ),
        ),
    ]
    if histories:
        pictures.append(("Learning", "learning.png", lambda path: draw.learning_curves_picture(path, histories)))
    for _, name, make in pictures:
        make(folder / name)
    write_text(folder / "compare.md", to_markdown(rows, about))
    write_text(folder / "compare.html", page(rows, about, [(title, name) for title, name, _ in pictures]))
