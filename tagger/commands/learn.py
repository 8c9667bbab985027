"""Learning from the labels: which tracks, which clips, training, promotion. Used by `dataset`, `train`, `nightly`."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.base.errors import UsageError
from tagger.base.records import ClipSource, Split
from tagger.commands.libraries import track_at
from tagger.commands.views import length_ok

if TYPE_CHECKING:
    from tagger.audio.dataset import DatasetResult
    from tagger.commands.session import Session
    from tagger.index.rows import TrackRow
    from tagger.model.clips import ClipSet
    from tagger.model.train import Epoch, TrainResult

FORM_OF_FAMILY = {"cnn2d-wtsc": "wtsc"}  # the others take mel
LAST_TRAINING = "last_training"  # key in the index's meta table: when, on how many labels, of which genres
POSTPONED = "training_postponed"


@dataclass
class Learned:
    """What came of an attempt to learn; `text` is one line for people."""

    text: str
    counts: dict[str, int] = field(default_factory=dict)
    model_id: str | None = None
    promoted: bool = False
    card: dict[str, Any] = field(default_factory=dict)


# --- which tracks ---------------------------------------------------------------------------------------------------


def labelled_tracks(session: Session) -> list[TrackRow]:
    """Return the tracks to learn from: labelled by a person, of the right length, each audio once.

    Copies of one audio that people labelled differently are left out: nobody knows which of them is right.
    """
    copies: dict[str, list[TrackRow]] = defaultdict(list)
    for track in session.index.select.labelled():
        if length_ok(session, track):
            copies[track.fingerprint].append(track)
    rows = [min(same, key=lambda t: t.absolute) for same in copies.values() if len({t.label for t in same}) == 1]
    return sorted(rows, key=lambda track: track.track)


def clip_sources(session: Session) -> list[ClipSource]:
    """Return the tracks to learn from with the split of each, and store which artists are held out."""
    from tagger.genres.split import GroupRow, assign_splits, group_tracks

    tracks = labelled_tracks(session)
    rows = [
        GroupRow(
            track=track.track,
            library=track.library_id,
            folder=track.folder,
            artist=track.artist,
            album_artist=track.album_artist,
            album=track.album,
            compilation=track.compilation,
        )
        for track in tracks
    ]
    group_of = group_tracks(rows, session.genre_map)
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for track in tracks:
        labels[group_of[track.track]][track.label or ""] += 1
    seed = session.settings.seed
    splits = assign_splits(labels, session.index.splits.load(seed), seed)
    session.index.splits.save(seed, splits)
    return [
        ClipSource(
            track=track.track,
            path=track.absolute,
            duration=track.duration or 0.0,
            group=group_of[track.track],
            label=track.label or "",
            split=splits[group_of[track.track]].value,
        )
        for track in tracks
    ]


# --- clips ----------------------------------------------------------------------------------------------------------


def dataset_folder(session: Session, family: str) -> Path:
    """Return where the clips of a family lie: `dataset/` in the home, for other forms a place in its cache."""
    form = FORM_OF_FAMILY.get(family, "mel")
    return session.home.dataset if form == "mel" else session.home.cache / f"dataset-{form}"


def build(session: Session, sources: Sequence[ClipSource], form: str, out: Path) -> DatasetResult:
    """Bring the data set on disk up to date with the labels."""
    from tagger.audio.dataset import build_dataset
    from tagger.audio.spectrogram import FORMS

    settings = session.settings
    with session.console.bar("cutting clips", len(sources), "tracks") as bar:
        result = build_dataset(
            sources,
            out,
            settings.clip_seconds,
            FORMS[form],
            settings.clips,
            [genre.id for genre in session.genre_map.genres],
            settings.seed,
            session.genre_map.hash,
            settings.workers,
            bar.step,
            lambda: session.stopping() or session.out_of_time(),
        )
    problems = {}
    for problem in result.errors:
        session.report(problem)
        if (track := track_at(session, os.fsencode(problem.path))) is not None:
            problems[track.track_id] = problem
    session.index.tracks.save_audio_problems(problems)
    session.check()
    return result


# --- training -------------------------------------------------------------------------------------------------------


def load_clips(session: Session, folder: Path) -> tuple[dict[int, ClipSet], list[str], dict[str, Any]]:
    """Read a data set for training or evaluation.

    Returns
    -------
    tuple
        Clips by length in seconds, genre ids in the order of the labels, the form of the spectrograms ({}: unknown).
    """
    from tagger.audio.dataset_info import dataset_clips, dataset_lengths
    from tagger.audio.images import read_png
    from tagger.audio.manifest import read_card
    from tagger.model.clips import gather

    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such data set; `tagger dataset` makes one")
    files = {seconds: dataset_clips(folder, seconds) for seconds in dataset_lengths(folder)}
    present = {clip.label for clips in files.values() for clip in clips}
    in_map = [genre.id for genre in session.genre_map.genres if genre.id in present]
    genres = in_map + sorted(present - set(in_map))
    clips = {seconds: gather(found, read_png, genres, session.home.cache) for seconds, found in files.items() if found}
    return clips, genres, (read_card(folder) or {}).get("form", {})


def train_on(session: Session, folder: Path, family: str, deterministic: bool = False) -> Learned:
    """Train on a data set, and promote the model if it is not worse than the current one."""
    from tagger.model.clips import TooFewLabels
    from tagger.model.train import Watch, train

    settings = session.settings
    try:
        clips, genres, form = load_clips(session, folder)
        with session.console.bar("training", settings.epochs, "epochs") as bar:

            def show(epoch: Epoch) -> None:
                bar.step()
                bar.note("" if epoch.val_accuracy is None else f"{epoch.val_accuracy:.0%} of val clips right")

            result = train(
                clips,
                genres,
                family,
                session.home.models,
                session.home.cache / f"training-{family}",
                seed=settings.seed,
                deterministic=deterministic,
                max_epochs=settings.epochs,
                promise=settings.promise,
                promise_confidence=settings.promise_confidence,
                form=form,
                facts={"map_hash": session.genre_map.hash, "split_seed": settings.seed, "clips": settings.clips},
                watch=Watch(session.time_left, session.stopping, show),
            )
    except TooFewLabels as error:
        return Learned(f"Not trained: {error}")
    if result.postponed:
        session.index.meta.set(POSTPONED, True)
        return Learned(f"Training is not finished after {result.epochs} epochs; it goes on in the next run.")
    return _take_in(session, result, clips, genres, form)


def _take_in(
    session: Session, result: TrainResult, clips: dict[int, ClipSet], genres: list[str], form: dict[str, Any]
) -> Learned:
    """Register a finished model, and let it take the current one's place if it is not worse."""
    from tagger.commands.model import current_classifier
    from tagger.model.promote import judge

    index, card = session.index, result.card
    model_id = result.model_id or ""
    index.models.add(model_id, card["family"], result.folder or "", card)
    index.meta.set(POSTPONED, False)
    known = {genre.id for genre in session.genre_map.genres}
    metrics = card["metrics"]
    text = (
        f"Trained {model_id}: {metrics['track_accuracy']:.0%} of {card['measured_tracks']} held-out tracks right "
        f"(always the most frequent genre: {metrics['majority_baseline']:.0%})"
    )
    if not form or not set(genres) <= known:
        why = "its pictures have no card" if not form else "its classes are not the genre map's"
        return Learned(f"{text}; not used for tagging, since {why}.", _counts(card), model_id, False, card)
    old = current_classifier(session) if index.models.current() else None
    verdict = judge(result.heldout, old, clips, genres) if result.heldout is not None else None
    promoted = verdict is None or verdict.promote
    if promoted:
        index.models.promote(model_id)
    retire(session)
    words = "is used from now on" if promoted else "the old one stays"
    why = f": {verdict.reason}" if verdict else ""
    return Learned(f"{text}; {words}{why}.", _counts(card), model_id, promoted, card)


def _counts(card: dict[str, Any]) -> dict[str, int]:
    parts = [card["counts"][split.value] for split in Split]
    return {"tracks": sum(part["tracks"] for part in parts), "clips": sum(part["clips"] for part in parts)}


def retire(session: Session) -> None:
    """Let the oldest models go, but never the current one."""
    from tagger.model.folder import remove_models

    models, kept = session.index.models.all(), session.settings.keep_models
    session.index.predictions.keep_only([model.model_id for model in models if model.current])
    old = [model.model_id for model in models if not model.current][kept - 1 :]
    for model_id in old:
        session.index.models.forget(model_id)
    remove_models(session.home.models, old, [model.model_id for model in models], kept)


# --- nightly --------------------------------------------------------------------------------------------------------


def why_due(session: Session) -> str | None:
    """Return why it is time to train, in words; None if it is not."""
    index, settings = session.index, session.settings
    if index.meta.get(POSTPONED):
        return "the last training is not finished"
    if index.models.current() is None:
        return "there is no model yet"
    last = index.meta.get(LAST_TRAINING)
    if last is None:
        return "nobody knows when it was trained last"
    if set(last["genres"]) != {genre.id for genre in session.genre_map.genres}:
        return "the genres of the map are others"
    age = datetime.now(UTC) - datetime.fromisoformat(last["at"])
    if age.total_seconds() > settings.retrain_days * 86_400:
        return f"the last training was {age.days} days ago"
    labels = len(labelled_tracks(session))
    if labels > last["labels"] * (1 + settings.retrain_growth):
        return f"the labels grew from {last['labels']:,} to {labels:,}"
    return None


def learn(session: Session, due: str, deterministic: bool = False) -> Learned:
    """Bring the data set up to date and train on it."""
    session.console.say(f"training, since {due}")
    family = session.settings.family
    sources = clip_sources(session)
    learned = Learned(_too_few(sources) or "")
    if not learned.text:
        folder = dataset_folder(session, family)
        done = build(session, sources, FORM_OF_FAMILY.get(family, "mel"), folder)
        if not done.complete:
            session.index.meta.set(POSTPONED, True)
            return Learned("The data set is not finished; it goes on in the next run.")
        learned = train_on(session, folder, family, deterministic)
    if learned.model_id:
        now = datetime.now(UTC).isoformat()
        genres = [genre.id for genre in session.genre_map.genres]
        session.index.meta.set(LAST_TRAINING, {"at": now, "labels": len(sources), "genres": genres})
    return learned


def _too_few(sources: Sequence[ClipSource]) -> str | None:
    """Say why there is too little to learn from, before any clip is cut."""
    genres = {source.label for source in sources if source.split == Split.TRAIN}
    if len(genres) >= 2:
        return None
    have = f"only {next(iter(genres))}" if genres else "none"
    return (
        f"Not trained: at least two genres need labelled tracks by several artists, there are {have}. Tracks outside "
        "min_seconds and max_seconds do not count; `tagger genres` shows what the genre tags map to."
    )
