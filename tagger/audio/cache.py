"""The clips of labelled tracks as sound, kept in a folder, so that each file of music is decoded once for all families.

    cache.json                   how the clips were cut
    sources.json                 group, label and split of each track
    <track>.npy                  int16 (clips, samples)
    <form>/form.json             how what lies beside was computed of them
    <form>/<track>.npy           float32 (clips, ...)

What is there is read from the folder itself, so a build that was killed anywhere simply goes on. No array ever lies
under a card that was not its own: the arrays go before a new card comes.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.audio.arrays import array_head, read_array, read_sound, write_array
from tagger.audio.sounds import SOUNDS, SoundForm
from tagger.audio.workers import cached_stream, clip_stream
from tagger.base.errors import UnreadableAudio, UsageError, path_text
from tagger.base.files import write_text
from tagger.base.records import ClipSource

VERSION = 1  # of the way clips are chosen, cut and computed on; another one makes all anew
CARD, FORM_CARD, LISTING = "cache.json", "form.json", "sources.json"

_TRACK = re.compile(r"[0-9a-f]{16}")
_WAVE = SOUNDS["wave"]


@dataclass(frozen=True, slots=True)
class CacheResult:
    """What a build came to: tracks in the cache and their clips; `complete` unless it was stopped."""

    tracks: int
    clips: int
    errors: list[UnreadableAudio]
    complete: bool


def cache_audio(
    sources: Sequence[ClipSource],
    folder: Path,
    seconds: int,
    clips: int,
    workers: int,
    progress: Callable[[int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> CacheResult:
    """Bring the cache of clips up to date with the tracks that are labelled now.

    Tracks that are there whole are left alone, those that are gone lose their files, only new ones are decoded. Files
    that are not named like this system's are never touched.

    Parameters
    ----------
    sources : sequence of ClipSource
        Of several with one track id (copies) the first counts.
    folder : Path
        The cache.
    seconds : int
        Length of the clips [s].
    clips : int
        How many for each track.
    workers : int
        Number of decoding processes.
    progress : callable, optional
        Called with the number of tracks that were finished since the last call.
    should_stop : callable, optional
        Asked between tracks; the cache is left in order and the next build goes on.

    Returns
    -------
    CacheResult
        What is there now.

    Raises
    ------
    ValueError
        If a track id is not one.
    """
    wanted = _by_track(sources)
    _claim(folder, CARD, {"seconds": seconds, "clips": clips, "sample_rate": _WAVE.sample_rate, "version": VERSION})
    present = _present(folder, seconds * _WAVE.sample_rate, wanted)
    missing = [source for source in wanted.values() if source.track not in present]
    _report(progress, len(present))
    errors: list[UnreadableAudio] = []
    done = 0
    with contextlib.closing(clip_stream(missing, [seconds], _WAVE, clips, workers, stopping=should_stop)) as stream:
        for source, found in stream:
            if isinstance(found, UnreadableAudio):
                errors.append(found)
            else:
                write_array(folder / _name(source.track), found[seconds].inputs)
                present[source.track] = len(found[seconds].offsets)
            done += 1
            _report(progress, 1)
            if done < len(missing) and should_stop and should_stop():
                break
    return CacheResult(len(present), sum(present.values()), errors, complete=done == len(missing))


def cached_inputs(
    folder: Path,
    tracks: Sequence[str],
    form: SoundForm,
    workers: int,
    progress: Callable[[int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Generator[tuple[str, NDArray[Any] | UnreadableAudio], None, None]:
    """Return what models take of the tracks in the cache.

    What takes long to compute is computed in helping processes, once, and kept in a folder of the form's name.

    Parameters
    ----------
    folder : Path
        The cache, as `cache_audio` left it.
    tracks : sequence of str
        Track ids.
    form : SoundForm
        What becomes of the clips.
    workers : int
        Number of computing processes.
    progress : callable, optional
        Called with the number of tracks that were finished since the last call.
    should_stop : callable, optional
        Asked between tracks; once it says yes, no more comes.

    Yields
    ------
    track : str
        Each of `tracks`, in their order.
    inputs : np.ndarray [shape=(clips, ...)], or UnreadableAudio
        See `SoundForm.from_samples`; or what is wrong with the track's file in the cache, which is not there, or
        damaged. The next `cache_audio` puts it right.

    Raises
    ------
    UsageError
        If the folder is no such cache.
    """
    if _card(folder / CARD) is None:
        raise UsageError(f"{folder}: there is no audio in the cache")
    results = _computed(folder, tracks, form, workers, should_stop) if form.kept else _plain(folder, tracks, form)
    with contextlib.closing(results):
        for number, (track, inputs) in enumerate(zip(tracks, results, strict=False), start=1):  # ends where it stopped
            _report(progress, 1)
            yield track, inputs
            if number < len(tracks) and should_stop and should_stop():
                return


def _plain(
    folder: Path, tracks: Sequence[str], form: SoundForm
) -> Generator[NDArray[Any] | UnreadableAudio, None, None]:
    """Yield what is quickly made of the clips themselves."""
    for track in tracks:
        try:
            yield form.from_samples(read_sound(folder / _name(track)))
        except UnreadableAudio as problem:
            yield problem


def _computed(
    folder: Path, tracks: Sequence[str], form: SoundForm, workers: int, should_stop: Callable[[], bool] | None
) -> Generator[NDArray[Any] | UnreadableAudio, None, None]:
    """Yield what was computed of the clips before, or is now; ends early if the run is stopped."""
    beside = folder / form.name
    _claim(beside, FORM_CARD, {"form": form.card(), "version": VERSION})
    missing = {track for track in tracks if not _clips(beside / _name(track), np.float32)}
    paths = [folder / _name(track) for track in tracks if track in missing]
    with contextlib.closing(cached_stream(paths, form, workers, stopping=should_stop)) as stream:
        for track in tracks:
            path = beside / _name(track)
            if track not in missing:
                yield _read(path)
            elif (inputs := next(stream, None)) is None:
                return
            else:
                if not isinstance(inputs, UnreadableAudio):
                    write_array(path, inputs)
                yield inputs


def _read(path: Path) -> NDArray[Any] | UnreadableAudio:
    try:
        return read_array(path)
    except UnreadableAudio as problem:
        return problem


def _by_track(sources: Sequence[ClipSource]) -> dict[str, ClipSource]:
    wanted: dict[str, ClipSource] = {}
    for source in sources:
        if not _TRACK.fullmatch(source.track):
            raise ValueError(f"{path_text(source.path)}: its track id {source.track!r} is not 16 hex digits")
        wanted.setdefault(source.track, source)
    return wanted


def _claim(folder: Path, name: str, recipe: Mapping[str, Any]) -> None:
    """Make the folder one of arrays that are made by this recipe: those of another go."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in (*folder.glob(".*.npy.part"), *folder.glob(f".{name}.*.part")):
        left.unlink()
    if _card(folder / name) != recipe:
        (folder / name).unlink(missing_ok=True)
        for _, path in _arrays(folder):
            path.unlink()
        write_text(folder / name, json.dumps(recipe, indent=2) + "\n")


def _present(folder: Path, samples: int, wanted: Mapping[str, ClipSource]) -> dict[str, int]:
    """Return the number of clips of each wanted track that is there whole; clear away all others, with what was
    computed of them."""
    present = {}
    for track, path in list(_arrays(folder)):
        if track in wanted and (clips := _clips(path, np.int16, samples)):
            present[track] = clips
        else:
            path.unlink()
    for form in SOUNDS:
        for track, path in list(_arrays(folder / form)):
            if track not in present:
                path.unlink()
    return present


def _clips(path: Path, dtype: type[np.generic], samples: int | None = None) -> int:
    """Return of how many clips a file is; 0 unless it is whole, of this dtype and of so many samples."""
    try:
        shape, found = array_head(path)
    except UnreadableAudio:
        return 0
    fits = len(shape) > 1 and found == np.dtype(dtype).str and samples in (None, shape[1])
    return shape[0] if fits else 0


def _arrays(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the tracks that have a file in a folder, and the file."""
    for path in folder.glob("*.npy"):
        if _TRACK.fullmatch(path.stem):
            yield path.stem, path


def _name(track: str) -> str:
    return f"{track}.npy"


def _card(path: Path) -> Any:
    """Return what a card says; None if there is none, or it is damaged."""
    try:
        return json.loads(path.read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _report(progress: Callable[[int], None] | None, tracks: int) -> None:
    if progress and tracks:
        progress(tracks)


# --- what the clips are of ------------------------------------------------------------------------------------------


def write_listing(folder: Path, sources: Sequence[ClipSource]) -> None:
    """Write down the group, label and split of each track in the cache, whole."""
    rows = [[source.track, source.group, source.label, source.split] for source in sources]
    write_text(folder / LISTING, json.dumps(rows, indent=0) + "\n")


def read_listing(folder: Path) -> list[ClipSource]:
    """Return the tracks of the cache, without path and duration.

    Raises
    ------
    UsageError
        If it is missing or damaged.
    """
    path = folder / LISTING
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [ClipSource(track, b"", 0.0, group, label, split) for track, group, label, split in rows]
    except FileNotFoundError as error:
        raise UsageError(f"{folder}: there are no clips in the cache; `tagger train` makes them") from error
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}; `tagger train` makes it anew") from error
