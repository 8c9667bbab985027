"""Wiring of the pretrained trunk: which family is trained, the model for a station without labels, the teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.batches import in_batches
from tagger.base.errors import FileProblem
from tagger.base.records import ClipSource, Split, TrackState
from tagger.commands.clips import (
    Material,
    build,
    dataset_folder,
    material_of,
    outside_folder,
    prepare,
    relabelled,
    sound_card,
)  # fmt: skip
from tagger.commands.sources import Sources, groups_of, share_of
from tagger.commands.views import length_ok

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import ModelRow, TrackRow
    from tagger.model.saved import Classifier
    from tagger.model.teacher import Teacher
    from tagger.model.training import Watch
    from tagger.model.trunk_memory import TrunkAccess

UNTAGGED = "untagged"  # the folder of pictures of tracks that the teacher alone speaks of
MOST_UNTAGGED = 10_000  # such tracks at the most: the teacher needs half a second for each
HEARD_AT_ONCE = 64  # tracks that the teacher hears between two looks at the clock
UNLABELLED = (TrackState.UNTAGGED, TrackState.MACHINE, TrackState.UNMAPPED, TrackState.AMBIGUOUS)
TEACHER_SHARE = 0.5  # of the teacher's word in what is learned of a track that a person labelled too


def trunk_access(session: Session) -> TrunkAccess | None:
    """Return the way to the installed trunk; None where there is none."""
    from tagger.model.trunks import installed

    if not installed(session.home.trunks):
        return None
    from tagger.model.trunk_memory import TrunkAccess

    genre_map = session.genre_map
    return TrunkAccess(session.home.trunks, session.home.cache / "trunk", lambda text: genre_map.match(text).genre)


def family_wanted(session: Session) -> str:
    """Return the family to train: the setting's, and instead of the default one what makes the most of the trunk."""
    settings = session.settings
    if settings.family != "cnn2d" or settings.prefer == "scratch" or trunk_access(session) is None:
        return settings.family
    return "trunk" if settings.prefer == "accuracy" else "cnn2d-distilled"


def all_genres(session: Session, material: Material) -> list[str]:
    """Return every canonical genre, also those that nobody has labelled a track with yet, and what else is there."""
    known = [genre.id for genre in session.genre_map.genres]
    return [*known, *(genre for genre in material.genres if genre not in known)]


# --- without labels -------------------------------------------------------------------------------------------------


def cold_start(session: Session) -> ModelRow | None:
    """Let the map of the trunk's tags be the model as long as there is no other; None where there is no trunk."""
    access = trunk_access(session)
    if access is None:
        return None
    from tagger.model.train import write_map_alone

    genres = [genre.id for genre in session.genre_map.genres]
    card = write_map_alone(session.home.models, access, genres, _form(), {"map_hash": session.genre_map.hash})
    session.index.models.add(card["id"], card["family"], session.home.models / card["id"], card)
    session.index.models.promote(card["id"])
    session.console.say("no label to learn from yet: the pretrained trunk's tags speak, for review only")
    return session.index.models.current()


def cold_classifier(session: Session) -> Classifier | None:
    """Return the map of the trunk's tags as a model that lies nowhere; None where there is no trunk."""
    access = trunk_access(session)
    if access is None:
        return None
    from tagger.model.saved import Classifier
    from tagger.model.transfer import TRUNK_SECONDS, map_alone

    genres = [genre.id for genre in session.genre_map.genres]
    model = map_alone(access, genres)
    card = {
        "id": "cold-start", "family": "trunk-map", "genres": genres, "seconds": TRUNK_SECONDS, "form": _form(),
        "temperature": 1.0, "thresholds": {}, "cold_start": True,
    }  # fmt: skip
    return Classifier(model.hears or model.logits, model.shape, card, session.home.models)


def _form() -> dict[str, Any]:
    from tagger.audio.sounds import SOUNDS

    return sound_card(SOUNDS["musicnn"])


# --- the teacher ----------------------------------------------------------------------------------------------------


def taught_material(session: Session, sources: Sources, watch: Watch, every_genre: bool = True) -> Material | None:
    """Return pictures of all tracks, tagged or not, with what the trunk's model says of each.

    The teacher learns from the labels of training artists like any model. It then speaks of every track but those of
    held-out artists, whose labels stay as they are. Without `every_genre` it knows those with labels only.

    Returns
    -------
    Material or None
        None when the time was out; the next call goes on.
    """
    if not prepare(session, "cnn2d", sources) or not prepare(session, "trunk", sources):
        return None
    teacher = _teacher(session, watch, every_genre)
    if isinstance(teacher, int):
        return None
    untagged = untagged_sources(session, sources)
    said = _spoken_of(session, teacher, untagged, watch)
    if said is None:
        return None
    folder = session.home.cache / f"{UNTAGGED}-mel"
    if untagged or folder.is_dir():
        heard = [source for source in untagged if source.track in said]
        if not build(session, heard, "mel", folder, [UNTAGGED]).complete:
            return None
    return _with_targets(session, folder, teacher.genres, {**said, **teacher.of_training()})


def _teacher(session: Session, watch: Watch, every_genre: bool) -> Teacher | int:
    from tagger.base.errors import UsageError
    from tagger.model.teacher import train_teacher
    from tagger.model.transfer import MISSING

    access, settings = trunk_access(session), session.settings
    if access is None:
        raise UsageError(f"cnn2d-distilled: {MISSING}")
    material = material_of(session, "trunk")
    if every_genre:
        material = relabelled(material, all_genres(session, material))
    return train_teacher(
        material.clips[max(material.clips)], material.genres, access, session.home.cache / "training-teacher",
        seed=settings.seed, deterministic=False, max_epochs=settings.epochs, watch=watch,
    )  # fmt: skip


def untagged_sources(session: Session, sources: Sources) -> list[ClipSource]:
    """Return tracks without a label, of the right length, whose artist is not held out; the same ones every night."""
    held = {source.group for source in sources.everything if source.split != Split.TRAIN}
    known = {source.track for source in sources.everything}
    rows: dict[str, TrackRow] = {}
    for row in session.index.select.tracks(states=UNLABELLED):
        if row.audio_error is None and length_ok(session, row) and row.track not in known:
            rows.setdefault(row.track, row)
    groups = groups_of(session, rows.values())
    free = [row for row in rows.values() if groups[row.track] not in held]
    return [
        ClipSource(row.track, row.absolute, row.duration or 0.0, groups[row.track], UNTAGGED, Split.TRAIN.value)
        for row in sorted(free, key=lambda row: share_of(row.track))[:MOST_UNTAGGED]
    ]


def _spoken_of(
    session: Session, teacher: Teacher, sources: Sequence[ClipSource], watch: Watch
) -> dict[str, NDArray[np.float32]] | None:
    """Return what the teacher says of tracks, by track; None when the time was out. What it heard is kept."""
    from tagger.audio.sounds import SOUNDS
    from tagger.audio.workers import input_stream
    from tagger.model.families import TRUNK_LENGTHS

    settings, seconds = session.settings, TRUNK_LENGTHS[0]
    said: dict[str, NDArray[np.float32]] = {}
    stream = input_stream(
        sources, [seconds], SOUNDS["musicnn"], settings.clips, settings.workers, stopping=session.stopping
    )
    with session.console.bar("asking the trunk", len(sources), "tracks") as bar:
        for batch in in_batches(stream, HEARD_AT_ONCE):
            heard = [
                (source, found[seconds])
                for source, found in batch
                if not isinstance(found, FileProblem) and seconds in found
            ]
            said |= teacher.says(heard, watch)
            bar.step(len(batch))
            session.check()
            if session.out_of_time():
                return None
    return said


def _with_targets(
    session: Session, folder: Path, genres: Sequence[str], said: Mapping[str, NDArray[np.float32]]
) -> Material:
    """Read the pictures of all tracks, and put beside each what is to be learned of it."""
    from tagger.audio.dataset_info import dataset_clips, dataset_lengths
    from tagger.audio.images import read_png
    from tagger.audio.manifest import read_card
    from tagger.model.clips import gather
    from tagger.model.teacher import targets

    home = dataset_folder(session, "mel")
    folders = [one for one in (home, outside_folder(session, "mel"), folder) if one.is_dir()]
    clips = {}
    for seconds in dataset_lengths(home):
        files = [clip for one in folders for clip in dataset_clips(one, seconds)]
        read = gather(files, read_png, [*genres, UNTAGGED], session.home.cache)
        wanted = targets(read, genres, said, TEACHER_SHARE)
        # A track without a label counts for the genre that the teacher finds likeliest, where genres are counted.
        labels = np.where(read.labels < len(genres), read.labels, wanted.argmax(axis=1))
        clips[seconds] = replace(read, labels=labels.astype(np.int64), targets=wanted)
    return Material(clips, list(genres), (read_card(home) or {}).get("form", {}))
