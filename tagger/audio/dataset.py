"""Build the data set: a folder of spectrograms per length, split and genre, of which a night changes only what it must.

What lies where is read from the folders themselves, so a build that was killed anywhere simply goes on.
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.audio.images import part_name, write_png
from tagger.audio.manifest import (
    CARD,
    CLIP_NAME,
    MANIFEST,
    BuildLog,
    ClipRow,
    Offsets,
    card_of,
    clip_folder,
    clip_name,
    clip_path,
    length_folder,
    read_card,
    read_manifest,
    write_card,
    write_manifest,
)
from tagger.audio.spectrogram import Form
from tagger.audio.workers import Found, clip_stream
from tagger.base.errors import UnreadableAudio, path_text
from tagger.base.records import ClipSource, Split

VERSION = 1  # of the way clips are chosen and cut; another one makes all pictures anew

Clip = tuple[int, int]  # length [s] and number of a track's clip
Present = dict[str, dict[Clip, str]]  # track: clip: its folder in the data set's


@dataclass(frozen=True, slots=True)
class DatasetResult:
    """What a build came to: tracks and, by length [s], clips in the data set; `complete` unless it was stopped."""

    tracks: int
    clips: dict[int, int]
    errors: list[UnreadableAudio]
    complete: bool


def build_dataset(
    sources: Sequence[ClipSource],
    out: Path,
    seconds: Sequence[int],
    form: Form,
    clips: int,
    genres: Sequence[str],
    seed: int,
    map_hash: str,
    workers: int,
    progress: Callable[[int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> DatasetResult:
    """Bring a data set on disk up to date with the tracks that are labelled now.

    Tracks that are there are left alone, or moved if their label or split changed; tracks that are gone lose their
    pictures; only new ones are decoded. Files that are not named like this system's pictures are never touched.

    Parameters
    ----------
    sources : sequence of ClipSource
        With track, group, label and split. Of several with one track id (copies) the first counts.
    out : Path
        The data set's folder.
    seconds : sequence of int
        Lengths of the clips [s].
    form : Form
        What the pictures are like.
    clips : int
        How many of each length for each track.
    genres : sequence of str
        Ids, in the order of the map; for the card.
    seed : int
        Of the split; for the card.
    map_hash : str
        Of the genre map; for the card.
    workers : int
        Number of decoding processes.
    progress : callable, optional
        Called with the number of tracks that were finished since the last call.
    should_stop : callable, optional
        Asked between tracks; the data set is left in order and the next build goes on.

    Returns
    -------
    DatasetResult
        What is there now.

    Raises
    ------
    ValueError
        If a source's label or split is none of those given.
    """
    wanted = _checked(sources, genres)
    out.mkdir(parents=True, exist_ok=True)
    recipe = {"form": form.card(), "clips": clips, "version": VERSION}
    known = _known(out, recipe)
    errors: list[UnreadableAudio] = []
    with BuildLog(out, recipe) as log:
        known |= {track: known.get(track, {}) | offsets for track, offsets in log.done.items()}
        present = _scan(out)
        _remove(out, present, lambda track, length: track in wanted and track in known and length in seconds)
        missing = [source for source in wanted.values() if not _whole(source.track, known, present, seconds)]
        absent = {source.track for source in missing}
        _move(out, present, {track: source for track, source in wanted.items() if track not in absent})
        _report(progress, len(wanted) - len(missing))
        with contextlib.closing(clip_stream(missing, seconds, form, clips, workers, stopping=should_stop)) as stream:
            for source, found in stream:
                if isinstance(found, UnreadableAudio):
                    errors.append(found)
                    known.pop(source.track, None)
                    for place in _places(source.track, present.pop(source.track, {})):
                        (out / place).unlink()
                else:
                    known[source.track] = _write(out, source, found, seconds, present.pop(source.track, {}))
                    log.note(source.track, known[source.track])
                absent.discard(source.track)
                _report(progress, 1)
                if absent and should_stop and should_stop():
                    break
        complete = not absent
        write_manifest(out, _rows(wanted, known, absent, seconds))
        rows = _rows(wanted, known, absent, seconds)
        card = card_of(rows, recipe, seconds, form, genres, seed, map_hash, complete)
        write_card(out, card)
        _remove_empty(out)
        log.remove()
    counts = {length: card["counts"][length_folder(length)] for length in seconds}
    clips_of = {length: sum(sum(by_genre.values()) for by_genre in counts[length].values()) for length in seconds}
    return DatasetResult(card["tracks"], clips_of, errors, complete)


def _report(progress: Callable[[int], None] | None, tracks: int) -> None:
    if progress and tracks:
        progress(tracks)


def _checked(sources: Sequence[ClipSource], genres: Sequence[str]) -> dict[str, ClipSource]:
    """Return the sources by track. Labels become folders, so they must be names, not paths."""
    splits = set(Split)
    wanted: dict[str, ClipSource] = {}
    for source in sources:
        if source.label not in genres or "/" in source.label or source.label in ("", ".", ".."):
            raise ValueError(f"{path_text(source.path)}: its label {source.label!r} is none of {list(genres)}")
        if source.split not in splits:
            raise ValueError(f"{path_text(source.path)}: its split {source.split!r} is none of {sorted(splits)}")
        if not CLIP_NAME.fullmatch(f"{source.track}__0.png"):
            raise ValueError(f"{path_text(source.path)}: its track id {source.track!r} is not 16 hex digits")
        wanted.setdefault(source.track, source)
    return wanted


def _known(out: Path, recipe: Mapping[str, Any]) -> dict[str, Offsets]:
    """Return the clips that the manifest knows; if they were made otherwise than they are now, forget them for good."""
    card = read_card(out)
    rows = read_manifest(out)
    if card is None or rows is None or card.get("recipe") != recipe:
        # Both go before any picture does: they must never describe pictures that have been made anew.
        (out / MANIFEST).unlink(missing_ok=True)
        (out / CARD).unlink(missing_ok=True)
        return {}
    found: dict[str, Offsets] = {}
    for row in rows:
        offsets = found.setdefault(row.track, {int(length): () for length in card["seconds"]})
        offsets[row.seconds] = (*offsets.get(row.seconds, ()), row.offset)
    return found


def _scan(out: Path) -> Present:
    """Find the pictures that are there, and clear away what a killed build left half-written or in two places."""
    present: Present = defaultdict(dict)
    clips: dict[Clip, Clip] = {}  # each kept once: there may be a million
    for file in (MANIFEST, CARD):
        for left in out.glob(f".{file}.*.part"):
            left.unlink()
    for folder in sorted(out.glob("*s/*/*")):
        seconds = folder.parent.parent.name[:-1]
        if not seconds.isdigit() or folder.parent.name not in set(Split) or not folder.is_dir():
            continue
        where = folder.relative_to(out).as_posix()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = CLIP_NAME.fullmatch(entry.name)
                if name is None:
                    if CLIP_NAME.fullmatch(entry.name[1:-5]) and entry.name == part_name(entry.name[1:-5]):
                        os.unlink(entry.path)
                    continue
                clip = (int(seconds), int(name["number"]))
                if clip in present[name["track"]] or not entry.stat().st_size:
                    os.unlink(entry.path)
                else:
                    present[name["track"]][clips.setdefault(clip, clip)] = where
    return present


def _places(track: str, clips: Mapping[Clip, str]) -> list[str]:
    """Return where a track's pictures lie in the data set's folder."""
    return [f"{folder}/{clip_name(track, number)}" for (_, number), folder in clips.items()]


def _remove(out: Path, present: Present, keep: Callable[[str, int], bool]) -> None:
    """Delete the pictures of tracks and lengths that are not to be kept."""
    for track, clips in list(present.items()):
        gone = {clip: folder for clip, folder in clips.items() if not keep(track, clip[0])}
        for place in _places(track, gone):
            (out / place).unlink()
        for clip in gone:
            del clips[clip]
        if not clips:
            del present[track]


def _whole(track: str, known: Mapping[str, Offsets], present: Present, seconds: Sequence[int]) -> bool:
    """Tell whether all pictures of a track are there."""
    if track not in known or any(length not in known[track] for length in seconds):
        return False
    expected = {(length, number) for length in seconds for number in range(len(known[track][length]))}
    return present.get(track, {}).keys() == expected


def _move(out: Path, present: Present, sources: Mapping[str, ClipSource]) -> None:
    """Put the pictures of tracks whose label or split changed where they belong now."""
    for track, source in sources.items():
        for (length, number), folder in present[track].items():
            target, name = clip_folder(length, source.split, source.label), clip_name(track, number)
            if folder != target:
                (out / target).mkdir(parents=True, exist_ok=True)
                os.replace(out / folder / name, out / target / name)


def _write(out: Path, source: ClipSource, found: Found, seconds: Sequence[int], before: Mapping[Clip, str]) -> Offsets:
    """Write a track's pictures, and delete what lies elsewhere of it; return where its clips begin."""
    written = set()
    for length in seconds:
        if length in found:
            for number, picture in enumerate(found[length].inputs):
                place = clip_path(length, source.split, source.label, source.track, number)
                (out / place).parent.mkdir(parents=True, exist_ok=True)
                write_png(out / place, picture)
                written.add(place)
    for place in set(_places(source.track, before)) - written:
        (out / place).unlink()
    return {length: found[length].offsets if length in found else () for length in seconds}


def _rows(
    wanted: Mapping[str, ClipSource], known: Mapping[str, Offsets], absent: set[str], seconds: Sequence[int]
) -> Iterator[ClipRow]:
    """Yield the manifest's lines, in the order of tracks, lengths and offsets."""
    for track, source in sorted(wanted.items()):
        if track not in known or track in absent:
            continue
        for length in sorted(seconds):
            for number, offset in enumerate(known[track][length]):
                place = clip_path(length, source.split, source.label, track, number)
                yield ClipRow(place, track, source.group, offset, source.label, source.split)


def _remove_empty(out: Path) -> None:
    """Remove folders that no picture is left in."""
    for pattern in ("*s/*/*", "*s/*", "*s"):
        for folder in out.glob(pattern):
            if folder.name in set(Split) or folder.parent.name in set(Split) or folder.name[:-1].isdigit():
                with contextlib.suppress(OSError):  # not empty
                    folder.rmdir()
