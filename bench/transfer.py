"""What the pretrained trunk is worth with few labels: every way to use it, beside networks without it.

    python -m bench.transfer --trunks DIR --work DIR [--library DIR] [--test DIR] [--tracks 1,2,5,10,20,50]
                             [--families A,B] [--seeds 1,2,3] [--clips N] [--epochs N]

DIR of --trunks is a home's `trunks` folder. --library has a folder of audio files per genre, or the `truth.csv` that
`python -m bench.hard` writes; artists come from the tags or from there. A third of the artists is heard in the end, by
networks that learned from N tracks of each genre by the others (of every five one for validation; fewer where a genre
has fewer), and for `cnn2d-distilled` the rest of these artists' tracks are there without their genre. With --test, all
tracks of --library are learned from, and those of the other folder are heard, as far as genres have the same name.
Clips stay in --work. The table has the share of tracks right, over all seeds, and its standard deviation between them.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mutagen
import numpy as np

from tagger.audio.forms import ALL_FORMS
from tagger.audio.workers import input_stream
from tagger.base.errors import FileProblem
from tagger.base.records import ALONE, ClipSource, Split
from tagger.genres.map import default_map_path, load_map
from tagger.library.payload import fingerprint
from tagger.model.clips import ClipSet
from tagger.model.families import Network, Transfer, family_named
from tagger.model.fit import log_softmax
from tagger.model.teacher import targets, train_teacher
from tagger.model.train import learn
from tagger.model.training import Watch
from tagger.model.trunk_memory import TrunkAccess

FAMILIES = "cnn2d,cnn2d-wtsc,trunk-map,trunk-frozen,trunk-tuned,trunk,cnn2d-distilled"
TEST_SHARE = 1 / 3  # of the artists
VALIDATION = 5  # of so many labelled tracks one is for validation
TEACHER_SHARE = 0.5


@dataclass(frozen=True)
class Song:
    """One file: where it is, whose it is, what its label says and what is played."""

    path: Path
    track: str
    artist: str
    label: str
    truth: str


def songs_of(folder: Path) -> list[Song]:
    """Return the files of a library."""
    if (folder / "truth.csv").exists():
        return _synthetic(folder)
    found = []
    for path in sorted(path for path in folder.glob("*/**/*") if path.is_file()):
        genre = path.relative_to(folder).parts[0]
        track = fingerprint(os.fsencode(path))[:16]
        tags = mutagen.File(path, easy=True)
        artist = (tags.get("artist") if tags is not None else None) or [f"{ALONE}{track}"]
        found.append(Song(path, track, str(artist[0]), genre, genre))
    return found


def _synthetic(folder: Path) -> list[Song]:
    genre_map = load_map(default_map_path())
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["outside"] == "0"]
    return [
        Song(
            folder / row["path"],
            fingerprint(os.fsencode(folder / row["path"]))[:16],
            row["artist"],
            genre_map.match_all([row["genre_tag"]]).genre or row["genre"],
            row["genre"],
        )
        for row in rows
    ]


class Clips:
    """The clips of songs in any form, cut once."""

    def __init__(self, work: Path, clips: int) -> None:
        self._work = work
        self._clips = clips

    def of(self, songs: Sequence[Song], form: str, seconds: int) -> dict[str, np.ndarray]:
        """Return what a form makes of the clips, by track; files that cannot be decoded are missing."""
        folder = self._work / f"{form}-{seconds}s-{self._clips}"
        folder.mkdir(parents=True, exist_ok=True)
        missing = [song for song in songs if not (folder / f"{song.track}.npy").exists()]
        sources = [ClipSource(song.track, os.fsencode(song.path), 0.0) for song in missing]
        for source, found in input_stream(sources, [seconds], ALL_FORMS[form], self._clips, os.cpu_count() or 1):
            if not isinstance(found, FileProblem) and seconds in found:
                np.save(folder / f"{source.track}.npy", found[seconds])
        paths = {song.track: folder / f"{song.track}.npy" for song in songs}
        return {track: np.load(path) for track, path in paths.items() if path.exists()}


def clip_set(
    songs: Sequence[Song], clips: dict[str, np.ndarray], genres: Sequence[str], split_of: dict[str, Split]
) -> ClipSet:
    """Return the clips of the songs that are in a split."""
    chosen = [song for song in songs if song.track in split_of and song.track in clips]
    counts = [len(clips[song.track]) for song in chosen]

    def column(values: Sequence[Any]) -> np.ndarray:
        return np.repeat(np.array(values), counts)

    return ClipSet(
        np.concatenate([clips[song.track] for song in chosen]),
        column([genres.index(song.label) for song in chosen]),
        column([song.track for song in chosen]),
        column([song.artist for song in chosen]),
        column([str(split_of[song.track]) for song in chosen]),
    )


def joined(one: ClipSet, other: ClipSet) -> ClipSet:
    """Return the clips of both."""
    inputs, labels, tracks, groups, splits = (
        np.concatenate([getattr(one, name), getattr(other, name)])
        for name in ("inputs", "labels", "tracks", "groups", "splits")
    )
    return ClipSet(inputs, labels, tracks, groups, splits)


def deal(songs: Sequence[Song], genres: Sequence[str], count: int, seed: int) -> tuple[dict[str, Split], list[Song]]:
    """Return the split of the labelled tracks, and the other tracks of artists that are not heard in the end."""
    random = np.random.default_rng(seed)
    artists = random.permutation(np.unique([song.artist for song in songs]))
    held = set(artists[: round(TEST_SHARE * len(artists))].tolist())
    free = [song for song in songs if song.artist not in held]
    split_of = {song.track: Split.TEST for song in songs if song.artist in held}
    order = random.permutation(len(free)).tolist()
    for genre in genres:
        own = [free[i] for i in order if free[i].label == genre][:count]
        # Whole artists go to validation, so that it is honest.
        wanted, judges = len(own) // VALIDATION, set()
        for song in own:
            if sum(one.artist in judges for one in own) < wanted:
                judges.add(song.artist)
        split_of |= {song.track: Split.VAL if song.artist in judges else Split.TRAIN for song in own}
    teachers = {song.artist for song in free if split_of.get(song.track) is Split.TRAIN}
    for song in free:  # an artist who judges one genre may be learned from in another
        if split_of.get(song.track) is Split.VAL and song.artist in teachers:
            split_of[song.track] = Split.TRAIN
    return split_of, [song for song in free if song.track not in split_of]


def right(logits: Any, songs: Sequence[Song], clips: dict[str, np.ndarray], genres: Sequence[str]) -> float:
    """Return the share of tracks of which the truth is found."""
    heard = [song for song in songs if song.track in clips]
    counts = [len(clips[song.track]) for song in heard]
    logs = log_softmax(logits(np.concatenate([clips[song.track] for song in heard])))
    sums = np.add.reduceat(logs, np.concatenate([[0], np.cumsum(counts)[:-1]]), axis=0)
    return float(np.mean([genres[int(row.argmax())] == song.truth for row, song in zip(sums, heard, strict=True)]))


@dataclass
class Trial:
    """One division of one library, ready for any family."""

    clips: Clips
    access: TrunkAccess
    genres: list[str]
    songs: list[Song]
    split_of: dict[str, Split]
    untagged: list[Song]
    tested: list[Song]
    seed: int
    epochs: int

    def run(self, family: str) -> float:
        """Train a family, and return the share of test tracks that it gets right."""
        kind = family_named(family)
        lengths = kind.seconds or ((1, 2) if kind.any_length else (2,))
        parts = {
            seconds: clip_set(self.songs, self.clips.of(self.songs, kind.form, seconds), self.genres, self.split_of)
            for seconds in lengths
        }
        if isinstance(kind, Network) and kind.taught:
            parts = self._taught(parts)
        with tempfile.TemporaryDirectory() as work:
            found = learn(parts, self.genres, family, Path(work), seed=self.seed,
                          max_epochs=self.epochs, trunk=self.access, form=ALL_FORMS[kind.form].card())  # fmt: skip
        if isinstance(found, int):
            raise RuntimeError("no time limit was given")
        longest = max(lengths)
        heard = self.clips.of(self.tested, kind.form, longest)
        return right(self._hearing(found, kind, heard), self.tested, heard, self.genres)

    def _hearing(self, found: Any, kind: Any, heard: dict[str, np.ndarray]) -> Any:
        """Return what takes the clips; what the trunk makes of them comes from its memory."""
        if not isinstance(kind, Transfer):
            return found.logits
        from tagger.model.trunk_memory import pooled_features
        from tagger.model.trunk_model import halves

        front = halves(self.access.trunks).front

        def logits(inputs: np.ndarray) -> Any:
            names = np.concatenate([np.repeat(song.track, len(heard[song.track])) for song in self.tested
                                    if song.track in heard])  # fmt: skip
            zeros = np.zeros(len(inputs), np.int64)
            clips = ClipSet(inputs, zeros, names, names, names)
            return found.logits(pooled_features(front, clips, self.access.memory / "test", Watch()))

        return logits

    def _taught(self, parts: dict[int, ClipSet]) -> dict[int, ClipSet]:
        """Return pictures of tracks with and without label, with what the trunk's model says of them."""
        sound = self.clips.of(self.songs, "musicnn", 3)
        with tempfile.TemporaryDirectory() as work:
            teacher = train_teacher(
                clip_set(self.songs, sound, self.genres, self.split_of), self.genres, self.access, Path(work),
                seed=self.seed, deterministic=False, max_epochs=self.epochs, watch=Watch(),
            )  # fmt: skip
        if isinstance(teacher, int):
            raise RuntimeError("no time limit was given")
        named = [(ClipSource(song.track, b"", 0.0, label="?"), sound[song.track]) for song in self.untagged
                 if song.track in sound]  # fmt: skip
        said = {**(teacher.says(named, Watch()) if named else {}), **teacher.of_training()}
        unknown = [replace(song, label=self.genres[0]) for song in self.untagged if song.track in said]
        free = {song.track: Split.TRAIN for song in unknown}
        taught = {}
        for seconds, one in parts.items():
            labels = one.labels
            if unknown:
                more = clip_set(unknown, self.clips.of(unknown, "mel", seconds), self.genres, free)
                labels = np.concatenate([labels, np.full(len(more), len(self.genres))])
                one = joined(one, more)
            wanted = targets(one.with_labels(labels), self.genres, said, TEACHER_SHARE)
            labels = np.where(labels < len(self.genres), labels, wanted.argmax(axis=1))
            taught[seconds] = replace(one, labels=labels.astype(np.int64), targets=wanted)
        return taught


def matcher(genres: Sequence[str]) -> Any:
    """Return what finds the genre that a genre tag names: by its own name, else as the default map has it."""
    genre_map = load_map(default_map_path())
    own = {re.sub(r"[^a-z0-9]", "", genre.lower()): genre for genre in genres}

    def genre_of(text: str) -> str | None:
        plain = re.sub(r"[^a-z0-9]", "", text.lower())
        mapped = genre_map.match(text).genre
        return own.get(plain) or (mapped if mapped in genres else None)

    return genre_of


def main() -> None:
    """Train and judge what was asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trunks", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--tracks", default="1,2,5,10,20,50")
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--clips", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=40)
    asked = parser.parse_args()
    songs = songs_of(asked.library)
    genres = sorted({song.label for song in songs})
    others = [song for song in songs_of(asked.test) if song.truth in genres] if asked.test else []
    clips, access = Clips(asked.work, asked.clips), TrunkAccess(asked.trunks, asked.work / "trunk", matcher(genres))
    families = asked.families.split(",")
    counts = [len(songs)] if asked.test else [int(count) for count in asked.tracks.split(",")]
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    print(f"{len(songs)} tracks by {len({song.artist for song in songs})} artists, {len(genres)} genres"
          + (f"; {len(others)} tracks heard in the end" if others else ""), flush=True)  # fmt: skip
    print(f"| labelled per genre | {' | '.join(families)} |\n|{' --- |' * (len(families) + 1)}", flush=True)
    for count in counts:
        cells = []
        for family in families:
            started, found = time.monotonic(), []
            for seed in seeds:
                if asked.test:
                    split_of, untagged, tested = {song.track: Split.TRAIN for song in songs}, [], others
                else:
                    split_of, untagged = deal(songs, genres, count, seed)
                    tested = [song for song in songs if split_of.get(song.track) is Split.TEST]
                    split_of = {track: split for track, split in split_of.items() if split is not Split.TEST}
                trial = Trial(clips, access, genres, songs, split_of, untagged, tested, seed, asked.epochs)
                found.append(trial.run(family))
            cells.append(f"{np.mean(found):.3f} ± {np.std(found):.3f}")
            print(f"    {count} {family}: {cells[-1]}, {time.monotonic() - started:.0f} s", flush=True)
        print(f"| {'all' if asked.test else count} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
