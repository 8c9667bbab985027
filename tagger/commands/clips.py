"""Clips in the form that a family of models takes: brought up to date on disk, and read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.base.errors import UsageError
from tagger.base.records import NONE, ClipSource
from tagger.commands.libraries import track_at

if TYPE_CHECKING:
    import numpy as np

    from tagger.audio.dataset import DatasetResult
    from tagger.commands.session import Session
    from tagger.commands.sources import Sources
    from tagger.model.clips import ClipSet


@dataclass(frozen=True)
class Material:
    """What a family learns from: clips by length [s], genre ids in the order of the labels, the card of their form.

    `leaks` counts what was left out because it would have been known; empty where nobody looked.
    """

    clips: dict[int, ClipSet]
    genres: list[str]
    form: dict[str, Any]
    leaks: dict[str, int] = field(default_factory=dict)


# --- on disk --------------------------------------------------------------------------------------------------------


def is_picture(form: str) -> bool:
    """Say whether clips of this form lie in a data set of PNG files; the others are kept as sound."""
    from tagger.audio.spectrogram import FORMS

    return form in FORMS


def dataset_folder(session: Session, form: str) -> Path:
    """Return where pictures lie: `dataset/` in the home, for other forms than mel a place in its cache."""
    return session.home.dataset if form == "mel" else session.home.cache / f"dataset-{form}"


def outside_folder(session: Session, form: str) -> Path:
    """Return where the pictures lie that teach what is none of the genres; the data set has labels only."""
    return session.home.cache / f"outside-{form}"


def sound_folder(session: Session, seconds: int) -> Path:
    """Return where clips lie as sound."""
    return session.home.cache / f"audio-{seconds}s"


def prepare(session: Session, family: str, sources: Sources) -> bool:
    """Bring the clips that a family takes up to date; False if time or a signal ended it early."""
    from tagger.model.families import family_named

    kind = family_named(family)
    if is_picture(kind.form):
        done = build(session, sources.labelled, kind.form, dataset_folder(session, kind.form))
        beside = outside_folder(session, kind.form)
        if not done.complete or not (sources.outside or beside.is_dir()):
            return done.complete
        return build(session, sources.outside, kind.form, beside, [NONE]).complete
    return all(cache_sounds(session, sources, seconds) for seconds in kind.seconds)


def build(
    session: Session, sources: Sequence[ClipSource], form: str, out: Path, genres: Sequence[str] | None = None
) -> DatasetResult:
    """Bring a data set on disk up to date with the labels."""
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
            [genre.id for genre in session.genre_map.genres] if genres is None else genres,
            settings.seed,
            session.genre_map.hash,
            settings.workers,
            bar.step,
            _ending(session),
        )
    _remember(session, result.errors)
    return result


def cache_sounds(session: Session, sources: Sources, seconds: int) -> bool:
    """Bring the clips that are kept as sound up to date; False if time or a signal ended it early."""
    from tagger.audio.cache import cache_audio, write_listing

    settings, folder = session.settings, sound_folder(session, seconds)
    everything = sources.everything
    with session.console.bar("cutting clips", len(everything), "tracks") as bar:
        result = cache_audio(everything, folder, seconds, settings.clips, settings.workers, bar.step, _ending(session))
    write_listing(folder, everything)
    _remember(session, result.errors)
    return result.complete


def _ending(session: Session) -> Callable[[], bool]:
    return lambda: session.stopping() or session.out_of_time()


def _remember(session: Session, errors: Iterable[Any]) -> None:
    """Report files that cannot be decoded, and note it in the index."""
    problems = {}
    for problem in errors:
        session.report(problem)
        if (track := track_at(session, os.fsencode(problem.path))) is not None:
            problems[track.track_id] = problem
    session.index.tracks.save_audio_problems(problems)
    session.check()


# --- read again -----------------------------------------------------------------------------------------------------


def material_of(session: Session, family: str) -> Material:
    """Read the clips that `prepare` left for a family.

    Raises
    ------
    UsageError
        If there are none.
    """
    from tagger.model.families import family_named

    kind = family_named(family)
    if not is_picture(kind.form):
        return _sounds(session, kind.form, kind.seconds)
    return load_clips(session, dataset_folder(session, kind.form), outside_folder(session, kind.form))


def load_clips(session: Session, folder: Path, beside: Path | None = None) -> Material:
    """Read a data set of pictures, and the one `beside` it that teaches what is none of the genres, where it is there.

    The genres are in the map's order, those that it does not know behind them, and `NONE` last. The form is {} where
    the data set has no card.

    Raises
    ------
    UsageError
        If there is no such data set, or it is damaged.
    """
    from tagger.audio.dataset_info import dataset_classes, dataset_clips, dataset_lengths
    from tagger.audio.images import read_png
    from tagger.audio.manifest import read_card
    from tagger.model.clips import gather

    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such data set; `tagger dataset` makes one")
    folders = [folder, *([beside] if beside is not None and beside.is_dir() else [])]
    genres = _ordered(session, {label for one in folders for label in dataset_classes(one)})
    clips = {}
    for seconds in dataset_lengths(folder):
        if files := [clip for one in folders for clip in dataset_clips(one, seconds)]:
            clips[seconds] = gather(files, read_png, genres, session.home.cache)
    material = Material(clips, genres, (read_card(folder) or {}).get("form", {}))
    there = {genres[label] for one in clips.values() for label in set(one.labels.tolist())}
    return relabelled(material, [genre for genre in genres if genre in there])  # a folder may be empty


def _ordered(session: Session, labels: set[str]) -> list[str]:
    in_map = [genre.id for genre in session.genre_map.genres if genre.id in labels]
    return in_map + sorted(labels - set(in_map) - {NONE}) + sorted(labels & {NONE})


def _sounds(session: Session, form: str, lengths: Sequence[int]) -> Material:
    from tagger.audio.cache import read_listing
    from tagger.audio.sounds import SOUNDS
    from tagger.model.clips import gather_arrays

    clips, labels = {}, set()
    listings = {seconds: read_listing(sound_folder(session, seconds)) for seconds in lengths}
    for listed in listings.values():
        labels |= {source.label for source in listed}
    genres = _ordered(session, labels)
    for seconds, listed in listings.items():
        found = gather_arrays(inputs_in_cache(session, seconds, form, listed), genres, session.home.cache)
        if found is not None:
            clips[seconds] = found
    return Material(clips, genres, sound_card(SOUNDS[form]))


def inputs_in_cache(
    session: Session, seconds: int, form: str, sources: Sequence[ClipSource]
) -> Iterator[tuple[ClipSource, np.ndarray]]:
    """Yield the inputs of each track in the cache; tracks that could not be decoded were reported when it was made."""
    from tagger.audio.cache import cached_inputs
    from tagger.audio.sounds import SOUNDS
    from tagger.base.errors import UnreadableAudio

    tracks = [source.track for source in sources]
    with session.console.bar(f"preparing {form}", len(sources), "tracks") as bar:
        stream = cached_inputs(
            sound_folder(session, seconds), tracks, SOUNDS[form], session.settings.workers, bar.step, session.stopping
        )
        for source, (_, found) in zip(sources, stream, strict=False):
            session.check()
            if not isinstance(found, UnreadableAudio):
                yield source, found
    session.check()


def sound_card(form: Any) -> dict[str, Any]:
    """Return the card of a form of sound; where there are groups of features, with the places of each."""
    from tagger.audio.features import GROUPS

    card = dict(form.card())
    if form.name == "features":
        card["groups"] = {name: [place.start, place.stop] for name, place in GROUPS.items()}
    return card


def relabelled(material: Material, genres: Sequence[str]) -> Material:
    """Return the same clips with labels that count in another list of genres, which has all that there are clips of."""
    import numpy as np

    place = np.array([list(genres).index(genre) if genre in genres else -1 for genre in material.genres], np.int64)
    clips = {seconds: one.with_labels(place[one.labels]) for seconds, one in material.clips.items()}
    return replace(material, clips=clips, genres=list(genres))
