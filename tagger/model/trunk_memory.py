"""What the trunk made of clips, kept on disk: hearing a clip takes it a tenth of a second, and it never changes.

A file per track, named after it, with a digest of the clips that it is of. What does not fit any more is heard again.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import Stopped
from tagger.base.files import write_bytes
from tagger.model.clips import ClipSet
from tagger.model.fit import forward
from tagger.model.training import Watch
from tagger.model.trunk_map import speaking
from tagger.model.trunks import trunk_digest

BATCH_TRACKS = 16  # heard at a time; between them a run can be stopped


@dataclass(frozen=True, slots=True)
class TrunkAccess:
    """What a family with a trunk needs beside clips.

    `trunks` is the home's folder of trunks, `memory` the folder for what the trunk made of clips, `genre_of` what the
    station's genre map makes of a genre tag: a genre id, or None.
    """

    trunks: Path
    memory: Path
    genre_of: Callable[[str], str | None]

    def key(self, genres: Sequence[str]) -> list[object]:
        """Return what decides how much a family on the trunk knows from the beginning."""
        return [trunk_digest(self.trunks), speaking(genres, self.genre_of)]


def pooled_features(front: Any, clips: ClipSet, memory: Path, watch: Watch) -> NDArray[np.float32] | None:
    """Return the pooled features of every clip, float32 (n, features); None when the time was out.

    What was heard by then is kept, and the next call goes on.

    Parameters
    ----------
    front : keras.Model
        The trunk's front half.
    clips : ClipSet
        What the trunk hears.
    memory : Path
        A folder of its own for this trunk.
    watch : Watch
        Asked between batches of tracks whether to stop, and whether time is left.

    Raises
    ------
    Stopped
        When `watch.should_stop` said so.
    """
    memory.mkdir(parents=True, exist_ok=True)
    for left in memory.glob(".*.part"):
        left.unlink()
    names, owner = np.unique(clips.tracks, return_inverse=True)
    order = np.argsort(owner.reshape(-1), kind="stable")
    of_track = np.split(order, np.searchsorted(owner.reshape(-1)[order], np.arange(1, names.size)))
    found = np.zeros((len(clips), front.output_shape[-1]), np.float32)
    hear = forward(front)
    missing: list[tuple[str, NDArray[np.int64]]] = []
    for name, positions in zip(names.tolist(), of_track, strict=True):
        known = _recall(memory / _name(name), _digest(clips.inputs[positions]), (positions.size, found.shape[1]))
        if known is None:
            missing.append((name, positions))
        else:
            found[positions] = known
    for start in range(0, len(missing), BATCH_TRACKS):
        if watch.should_stop():
            raise Stopped(f"stopped after {start} of {len(missing)} tracks; the next training goes on from there")
        if not watch.go_on():
            return None
        _hear(hear, clips, missing[start : start + BATCH_TRACKS], memory, found)
    return found


def _hear(
    hear: Callable[[NDArray[Any]], NDArray[np.float32]],
    clips: ClipSet,
    batch: Sequence[tuple[str, NDArray[np.int64]]],
    memory: Path,
    found: NDArray[np.float32],
) -> None:
    """Hear a few tracks, and keep what came of it."""
    positions = np.concatenate([own for _, own in batch])
    inputs = clips.inputs[positions]
    found[positions] = hear(inputs)
    for name, own in batch:
        content = io.BytesIO()
        np.savez(content, digest=np.array(_digest(clips.inputs[own])), features=found[own])
        write_bytes(memory / _name(name), content.getvalue())


def _name(track: str) -> str:
    return f"{hashlib.blake2b(track.encode('utf-8', 'surrogateescape'), digest_size=12).hexdigest()}.npz"


def _digest(inputs: NDArray[Any]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(inputs).tobytes(), digest_size=16).hexdigest()


def _recall(path: Path, digest: str, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Return what was kept of a track, if it is of these clips."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["digest"]) != digest:
                return None
            features: NDArray[np.float32] = kept["features"]
            return features if features.shape == shape else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None
