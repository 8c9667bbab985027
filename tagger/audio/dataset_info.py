"""Read a data set: what it holds, what is wrong with it, and its clips. Any folder-per-class set of PNG files will do.

The shape is `DIR/<n>s/{train,val,test}/<class>/*.png`, or the same without the `<n>s` level. Where there is no
manifest, the part of a file's name before `__` is its track and its group; a name without `__` is a track of its own.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tagger.audio.images import UnreadableImage, png_size
from tagger.audio.manifest import ClipRow, length_folder, read_card, read_manifest
from tagger.base.errors import UsageError, printable
from tagger.base.records import Split

UNKNOWN_LENGTH = 0  # the length [s] of clips in a data set without the `<n>s` level


@dataclass(frozen=True, slots=True)
class ClipFile:
    """One clip on disk, at `place` in the data set's `folder`."""

    folder: Path
    place: str
    track: str
    group: str
    label: str
    split: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.place


@dataclass(frozen=True, slots=True)
class LengthInfo:
    """The clips of one length [s] (0: not known): how many pictures of which size (rows x columns), and of what."""

    seconds: int
    clips: int
    tracks: int
    sizes: dict[str, int]
    counts: dict[str, dict[str, int]]  # split: class: clips


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A data set's structure, and its faults in plain words."""

    path: str
    classes: tuple[str, ...]
    lengths: tuple[LengthInfo, ...]
    card: dict[str, Any] | None
    has_manifest: bool
    faults: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)


def dataset_lengths(folder: Path) -> list[int]:
    """Return the lengths [s] of the clips that a data set has; `UNKNOWN_LENGTH` without the `<n>s` level.

    There are none in a data set that was built from no tracks.

    Raises
    ------
    UsageError
        If the folder is no data set.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: a data set is one, with train, val and test in it")
    lengths = sorted(int(path.name[:-1]) for path in folder.iterdir() if re.fullmatch(r"[1-9]\d*s", path.name))
    found = [length for length in lengths if _has_splits(folder / length_folder(length))]
    if _has_splits(folder):
        found.insert(0, UNKNOWN_LENGTH)
    if not found and read_card(folder) is None:
        raise UsageError(f"{folder} is not a data set: there is no train, val or test folder in it or in a folder 1s")
    return found


def dataset_classes(folder: Path) -> list[str]:
    """Return the classes of a data set: in the card's order where it has one, else sorted."""
    found = {
        path.name
        for length in dataset_lengths(folder)
        for split in Split
        for path in _root(folder, length).glob(f"{split}/*")
        if path.is_dir() and not path.name.startswith(".")
    }
    listed = (read_card(folder) or {}).get("genres", [])
    return [genre for genre in listed if genre in found] + sorted(found.difference(listed))


def dataset_clips(folder: Path, seconds: int) -> list[ClipFile]:
    """Return the clips of one length, in the order of their paths.

    Parameters
    ----------
    folder : Path
        The data set.
    seconds : int
        One of `dataset_lengths`.

    Returns
    -------
    list of ClipFile
        Every PNG; where there is a manifest, only those that it lists, with the groups that it gives.

    Raises
    ------
    UsageError
        If the folder is no data set, or has no clips of this length.
    """
    if seconds not in dataset_lengths(folder):
        raise UsageError(f"{folder} has no clips of {seconds} s; it has {dataset_lengths(folder)}")
    rows = read_manifest(folder)
    listed = None if rows is None else {row.clip: row for row in rows if row.seconds == seconds}
    return list(_clips(folder, seconds, listed))


def read_dataset(folder: Path) -> DatasetInfo:
    """Look through a data set and every picture in it.

    Parameters
    ----------
    folder : Path
        The data set.

    Returns
    -------
    DatasetInfo
        Structure, counts, sizes and faults.

    Raises
    ------
    UsageError
        If the folder is no data set, or its card or manifest cannot be read.
    """
    card, lines = read_card(folder), read_manifest(folder)
    rows = None if lines is None else list(lines)
    groups = {row.clip: row.group for row in rows or ()}
    lengths, faults = [], []
    everything: list[ClipFile] = []
    for seconds in dataset_lengths(folder):
        clips = [_with_group(clip, groups.get(clip.place)) for clip in _clips(folder, seconds, None)]
        info, found = _look(folder, seconds, clips, card)
        lengths.append(info)
        faults += found
        everything += clips
    faults += _mixed(everything)
    if rows is not None:
        faults += _unlisted(rows, everything)
    if card is not None and not card.get("complete", True):
        faults.append("the last build was stopped before it was done; `tagger dataset` goes on with it")
    return DatasetInfo(
        path=str(folder),
        classes=tuple(dataset_classes(folder)),
        lengths=tuple(lengths),
        card=card,
        has_manifest=rows is not None,
        faults=tuple(printable(fault) for fault in faults),
    )


def _has_splits(folder: Path) -> bool:
    return any((folder / split).is_dir() for split in Split)


def _root(folder: Path, seconds: int) -> Path:
    return folder if seconds == UNKNOWN_LENGTH else folder / length_folder(seconds)


def _clips(folder: Path, seconds: int, listed: dict[str, ClipRow] | None) -> Iterator[ClipFile]:
    """Yield the PNG files of one length; with a manifest only those that it lists."""
    root = _root(folder, seconds)
    for split in Split:
        for label in sorted(path for path in (root / split).glob("*") if path.is_dir()):
            where = label.relative_to(folder).as_posix()
            for name in sorted(os.listdir(label)):
                stem, suffix = os.path.splitext(name)
                if suffix.lower() != ".png" or name.startswith("."):
                    continue
                place = f"{where}/{name}"
                track, many, _ = stem.partition("__")
                if not many:
                    track = f"{split}/{label.name}/{track}"
                if listed is None:
                    yield ClipFile(folder, place, track, track, label.name, split.value)
                elif row := listed.get(place):
                    yield ClipFile(folder, row.clip, row.track, row.group, row.label, row.split)


def _with_group(clip: ClipFile, group: str | None) -> ClipFile:
    return clip if group is None else replace(clip, group=group)


def _look(
    folder: Path, seconds: int, clips: list[ClipFile], card: dict[str, Any] | None
) -> tuple[LengthInfo, list[str]]:
    """Open every picture of one length."""
    sizes: dict[str, list[str]] = defaultdict(list)
    unreadable = []
    for clip in clips:
        try:
            rows, columns = png_size(clip.path)
        except UnreadableImage as problem:
            unreadable.append(f"{clip.place} ({problem.cause})")
        else:
            sizes[f"{rows} x {columns}"].append(clip.place)
    counts = {split.value: dict(Counter(clip.label for clip in clips if clip.split == split)) for split in Split}
    info = LengthInfo(
        seconds,
        clips=len(clips),
        tracks=len({clip.track for clip in clips}),
        sizes={size: len(paths) for size, paths in sizes.items()},
        counts=counts,
    )
    stated = ((card or {}).get("sizes") or {}).get(length_folder(seconds))
    right = "{} x {}".format(*stated) if stated else max(info.sizes, key=lambda size: info.sizes[size], default="")
    faults = [
        f"{len(paths)} of {len(clips)} pictures are {size}, not {right}: {_few(paths)}"
        for size, paths in sizes.items()
        if size != right
    ]
    if unreadable:
        faults.append(f"{len(unreadable)} pictures cannot be read: {_few(unreadable)}")
    where = str(_root(folder, seconds))
    faults += [f"{where}: no pictures in {split}" for split in Split if not counts[split.value]]
    untaught = sorted({label for split in Split for label in counts[split.value]} - counts[Split.TRAIN.value].keys())
    if untaught and counts[Split.TRAIN.value]:
        faults.append(f"{where}: nothing to learn these classes from in train: {', '.join(untaught)}")
    return info, faults


def _mixed(clips: Iterable[ClipFile]) -> list[str]:
    """Find what makes accuracies look better than they are: one artist in two splits, one track in two classes."""
    splits, labels = defaultdict(set), defaultdict(set)
    for clip in clips:
        splits[clip.group].add(clip.split)
        labels[clip.track].add(clip.label)
    leaks = [f"{group} ({', '.join(sorted(found))})" for group, found in splits.items() if len(found) > 1]
    torn = [f"{track} ({', '.join(sorted(found))})" for track, found in labels.items() if len(found) > 1]
    faults = []
    if leaks:
        faults.append(f"{len(leaks)} groups are in more than one split, so accuracies would be too good: {_few(leaks)}")
    if torn:
        faults.append(f"{len(torn)} tracks are in more than one class: {_few(torn)}")
    return faults


def _unlisted(rows: list[ClipRow], clips: list[ClipFile]) -> list[str]:
    """Compare the manifest with what is there."""
    listed, there = {row.clip for row in rows}, {clip.place for clip in clips}
    false = [row.clip for row in rows if row.clip.split("/")[1:3] != [row.split, row.label]]
    faults = []
    if lost := sorted(listed - there):
        faults.append(f"{len(lost)} pictures of the manifest are missing: {_few(lost)}")
    if extra := sorted(there - listed):
        faults.append(f"{len(extra)} pictures are not in the manifest and will not be used: {_few(extra)}")
    if false:
        faults.append(f"{len(false)} pictures lie in another class or split than the manifest says: {_few(false)}")
    return faults


def _few(items: Iterable[object], most: int = 3) -> str:
    """Return the first few of a list, as text."""
    shown = [str(item) for item in items]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
