"""Makes the demo library: real files, and beside them the truth about each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tagger.base.errors import UsageError, path_text
from tagger.base.files import write_text
from tagger.demo import synth
from tagger.demo.entry import BROKEN, STATES, DemoTrack
from tagger.demo.plan import plan_library
from tagger.demo.styles import GENRES

__all__ = ["DemoTruth", "TruthEntry", "make_library", "plan_library"]

KEPT_SHARE = 0.4  # of a truncated file
NOTE = "The new records are in the blue box beside the door.\nPlease rip them before Friday.\n" * 20
JINGLE_STYLE = "edm"


class Encode(Protocol):
    """Writes samples as an audio file, such as `tagger.audio.encode.encode`."""

    def __call__(self, path: bytes, samples: np.ndarray, rate: int, container: str) -> None: ...


class Tag(Protocol):
    """Puts tags into a new file, such as `tagger.library.compose.compose_tags`."""

    def __call__(
        self,
        path: bytes,
        container: str,
        tags: Mapping[str, str | Sequence[str]],
        id3_version: tuple[int, int] = ...,
        id3v1: bool = ...,
        riff_info: bool = ...,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class TruthEntry:
    """What one file really is: `genre` an id (None: no music, or nothing to hear), `state` one of `entry.STATES`."""

    genre: str | None
    state: str


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """The truth about every file of a demo library, by path relative to the library."""

    files: Mapping[bytes, TruthEntry]

    def paths(self, state: str) -> list[bytes]:
        """Return the files in this state, sorted."""
        return sorted(path for path, entry in self.files.items() if entry.state == state)

    def save(self, path: Path) -> None:
        """Write the truth as JSON; keep it outside the library."""
        files = {
            path_text(name): {"genre": entry.genre, "state": entry.state} for name, entry in sorted(self.files.items())
        }
        counts = {state: len(self.paths(state)) for state in STATES}
        write_text(path, json.dumps({"counts": counts, "files": files}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> DemoTruth:
        """Read what `save` wrote.

        Raises
        ------
        UsageError
            If there is no such file, or it is no truth file.
        """
        try:
            files = json.loads(path.read_text("utf-8"))["files"]
            return cls({os.fsencode(name): TruthEntry(e["genre"], e["state"]) for name, e in files.items()})
        except OSError as error:
            raise UsageError(f"the truth of the demo, {path}, cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} does not hold the truth of a demo; make the demo anew") from error


def make_library(
    root: Path,
    tracks: int,
    seed: int,
    encode: Encode,
    tag: Tag,
    progress: Callable[[int], object] | None = None,
    workers: int = 1,
) -> DemoTruth:
    """Make a library of real audio files; it appears at `root` only when it is complete.

    Parameters
    ----------
    root : Path
        Its folder; must not exist, or be empty.
    tracks, seed : int
        See `plan_library`.
    encode, tag : callable
        What writes the files; called from several threads if `workers` is more than 1.
    progress : callable, optional
        Called with 1 after each file.
    workers : int
        Threads; encoders and numpy leave the interpreter free, so that two are nearly twice as fast as one.

    Returns
    -------
    DemoTruth
        Of all files, the broken ones included.

    Raises
    ------
    UsageError
        If `root` holds something, or the number of tracks is out of range.
    """
    planned = plan_library(tracks, seed)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} is not empty: move it away, or let the demo use another folder")
    building = root.parent / f".{root.name}.part"
    shutil.rmtree(building, ignore_errors=True)  # left over from a demo that was stopped
    building.mkdir(parents=True)
    try:
        with ThreadPoolExecutor(max(1, workers)) as pool:
            jobs = [pool.submit(_make_file, os.fsencode(building), track, encode, tag) for track in planned]
            try:
                for job in as_completed(jobs):
                    job.result()
                    if progress:
                        progress(1)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        files = {track.path: TruthEntry(track.genre, track.state) for track in planned}
        files |= {path: TruthEntry(None, BROKEN) for path in _make_broken(os.fsencode(building), seed, encode, tag)}
        os.replace(building, root)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return DemoTruth(files)


def _make_file(root: bytes, track: DemoTrack, encode: Encode, tag: Tag) -> None:
    path = os.path.join(root, track.path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    genre = track.genre or JINGLE_STYLE
    samples = synth.track(genre, track.artist_seed, track.track_seed, track.seconds, track.rate, track.channels)
    # Not every library that encodes takes a name that is no text, so such a file gets its name at the end.
    working = os.path.join(os.path.dirname(path), b".%d-%d.part" % (track.artist_seed, track.track_seed))
    encode(working, samples, track.rate, track.container)
    tag(
        working,
        track.container,
        {field: value if isinstance(value, str) else list(value) for field, value in track.tags.items()},
        id3_version=track.id3_version,
        id3v1=track.id3v1,
        riff_info=track.container == "wav",
    )
    os.replace(working, path)
    os.utime(path, (track.mtime, track.mtime))


def _make_broken(root: bytes, seed: int, encode: Encode, tag: Tag) -> list[bytes]:
    """Make a file whose end is missing, an empty one, and a text file that calls itself MP3; return their paths."""
    folder = b"Incoming"
    os.makedirs(os.path.join(root, folder), exist_ok=True)
    cut, empty, text = (os.path.join(folder, name) for name in (b"upload 0007.m4a", b"upload 0008.mp3", b"notes.mp3"))
    whole = os.path.join(root, cut)
    encode(whole, synth.track(GENRES[0], seed * 1000 + 990, 0, 65.0), 22050, "m4a")
    tag(whole, "m4a", {"title": "Upload 7"})
    # The table of contents of an M4A file is at its end, so nothing in what is left can be played.
    os.truncate(whole, int(KEPT_SHARE * os.path.getsize(whole)))
    with open(os.path.join(root, empty), "wb"):
        pass
    with open(os.path.join(root, text), "w", encoding="utf-8") as file:
        file.write(NOTE)
    for number, path in enumerate((cut, empty, text)):
        when = 1_600_000_000 + number * 86_400
        os.utime(os.path.join(root, path), (when, when))
    return [cut, empty, text]
