"""The clips that a network learns from: pictures, and beside each its genre, track, group of artists and split."""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import FileProblem, UsageError
from tagger.base.records import NONE, ClipSource, Split

KINDS_OF_NUMBERS = (np.uint8, np.int16, np.float32)
UNKNOWN_LENGTH = 0  # the key of clips whose length in seconds nobody wrote down
SPILL_BYTES = 64 * 2**20  # more pictures than this lie in a file instead of in memory


class TooFewLabels(UsageError):
    """There is too little to learn from; the message says what is missing."""


class ClipFile(Protocol):
    """One clip of a data set on disk."""

    @property
    def path(self) -> Path: ...
    @property
    def track(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def split(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ClipSet:
    """Clips of one length.

    `inputs` is what a network is given of each: pictures, uint8 (n, rows, columns) with low frequencies in the bottom
    row, or samples, coefficients or features, (n, ...); `take` reads some of them. `labels` is int64 (n,), positions
    in the list of genres; `tracks`, `groups` and `splits` are text arrays (n,). Row i of each is about the same clip.
    Where a teacher was heard, `targets` is float32 (n, genres): what is to be learned of each clip in place of its
    label.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    tracks: NDArray[np.str_]
    groups: NDArray[Any]  # of objects where they are many: one long name would make all of them as long
    splits: NDArray[np.str_]
    targets: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.inputs.ndim < 2 or self.inputs.dtype not in KINDS_OF_NUMBERS:
            raise ValueError(
                f"inputs are {self.inputs.dtype} {self.inputs.shape}, not uint8, int16 or float32 (n, ...)"
            )
        lengths = {len(self.inputs), len(self.labels), len(self.tracks), len(self.groups), len(self.splits)}
        if self.targets is not None:
            lengths.add(len(self.targets))
        if len(lengths) != 1:
            raise ValueError(f"the columns of a clip set differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one clip's input: (rows, columns) of a picture."""
        return self.inputs.shape[1:]

    def take(self, chosen: NDArray[np.int64] | slice) -> NDArray[Any]:
        """Return a copy of these inputs; where they lie in a file, without the rest of it staying in memory."""
        rows = np.array(self.inputs[chosen])
        if isinstance(self.inputs.base, mmap.mmap):  # what was touched, and what the system put there beside it
            self.inputs.base.madvise(mmap.MADV_DONTNEED)
        return rows

    def only(self, chosen: NDArray[Any]) -> ClipSet:
        """Return the clips where `chosen` is true, or those at the positions in it."""
        targets = None if self.targets is None else self.targets[chosen]
        return ClipSet(
            self.inputs[chosen], self.labels[chosen], self.tracks[chosen], self.groups[chosen], self.splits[chosen],
            targets,
        )  # fmt: skip

    def with_splits(self, splits: NDArray[np.str_]) -> ClipSet:
        """Return the same clips, dealt otherwise."""
        return replace(self, splits=splits)

    def with_labels(self, labels: NDArray[np.int64]) -> ClipSet:
        """Return the same clips with other labels, or the same ones that count in another list of genres."""
        return replace(self, labels=labels)

    def of(self, *splits: Split) -> NDArray[np.int64]:
        """Return the positions of the clips in these splits, in order."""
        return np.flatnonzero(np.isin(self.splits, [str(split) for split in splits]))

    def digest(self) -> bytes:
        """Return a hash of everything in it."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.inputs.shape, self.labels.tolist())).encode())
        for column in (self.tracks, self.groups, self.splits):
            digest.update("\0".join(column.tolist()).encode("utf-8", "surrogateescape"))
        for start in range(0, len(self), 4096):
            digest.update(self.take(slice(start, start + 4096)).data)
        if self.targets is not None:
            digest.update(np.ascontiguousarray(self.targets).data)
        return digest.digest()


def gather(
    files: Iterable[ClipFile],
    read: Callable[[Path], NDArray[np.uint8]],
    genres: Sequence[str],
    spill: Path | None = None,
) -> ClipSet:
    """Read the clips of a data set.

    Parameters
    ----------
    files : iterable of ClipFile
        Clips of one length.
    read : callable
        Returns the picture in a file as uint8 (rows, columns).
    genres : sequence of str
        Genre ids in the order of the labels.
    spill : Path, optional
        A folder for pictures that are too many for memory. The file in it has no name, so it goes away with the
        process however that ends.

    Raises
    ------
    UsageError
        If a picture cannot be read or differs in size from the first, or a clip is of a genre not among `genres`.
    """
    number = {genre: position for position, genre in enumerate(genres)}
    rows = _Rows()
    shape: tuple[int, ...] | None = None
    with _Growing(spill) as growing:
        for file in files:
            if file.label not in number:
                raise UsageError(f"{file.path} is of the genre {file.label!r}, which is not among {', '.join(genres)}")
            picture = _picture(read, file.path)
            shape = shape or picture.shape
            if picture.shape != shape:
                size, usual = ("x".join(map(str, one)) for one in (picture.shape, shape))
                raise UsageError(
                    f"{file.path} is {size} (rows x columns), the first clip is {usual}: "
                    "`tagger dataset info` lists such faults"
                )
            growing.add(picture[None])
            rows.add(file.track, file.group, file.split, number[file.label], 1)
        if shape is None:
            raise TooFewLabels("the data set holds no clips")
        return rows.beside(growing.whole())


def gather_arrays(
    tracks: Iterable[tuple[ClipSource, NDArray[Any]]], genres: Sequence[str], spill: Path | None = None
) -> ClipSet | None:
    """Put the clips of tracks together.

    Parameters
    ----------
    tracks : iterable of (ClipSource, array of shape (clips, ...))
        With group, label and split; all of one kind and length.
    genres : sequence of str
        Genre ids in the order of the labels.
    spill : Path, optional
        As in `gather`.

    Returns
    -------
    ClipSet or None
        None where there are no clips.
    """
    number = {genre: position for position, genre in enumerate(genres)}
    rows = _Rows()
    with _Growing(spill) as growing:
        for source, inputs in tracks:
            growing.add(inputs)
            rows.add(source.track, source.group, source.split, number[source.label], len(inputs))
        return rows.beside(growing.whole()) if rows.labels else None


class _Rows:
    """What stands beside the inputs of a `ClipSet`, growing with them. A name that comes again is kept once."""

    def __init__(self) -> None:
        self.labels = array("q")
        self._names: dict[str, int] = {}
        self._columns = tuple(array("q") for _ in range(3))

    def add(self, track: str, group: str, split: str, label: int, clips: int) -> None:
        self.labels.extend((label,) * clips)
        for column, name in zip(self._columns, (track, group, str(split)), strict=True):
            column.extend((self._names.setdefault(name, len(self._names)),) * clips)

    def beside(self, inputs: NDArray[Any]) -> ClipSet:
        names = np.array(list(self._names), object)
        tracks, groups, splits = (names[np.frombuffer(column, np.int64)] for column in self._columns)
        labels = np.frombuffer(self.labels, np.int64)
        return ClipSet(inputs, labels, tracks.astype(np.str_), groups, splits.astype(np.str_))


class _Growing:
    """An array that grows row by row, in memory or, where it becomes too large for that, in a file without a name."""

    def __init__(self, spill: Path | None) -> None:
        self._spill = spill
        self._parts: list[NDArray[Any]] = []
        self._bytes = 0  # of the parts
        self._file: IO[bytes] | None = None
        self._rows = 0

    def __enter__(self) -> _Growing:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()  # a map of it stays valid

    def add(self, rows: NDArray[Any]) -> None:
        if not len(rows):
            return
        self._parts.append(np.ascontiguousarray(rows))
        self._rows += len(rows)
        self._bytes += rows.nbytes
        if self._spill is not None and self._bytes > SPILL_BYTES:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = _nameless(self._spill or Path())
        for part in self._parts:
            self._file.write(part.data)
        self._parts, self._bytes = [self._parts[-1][:0]], 0

    def whole(self) -> NDArray[Any]:
        """Return all rows; there must be some."""
        if self._file is None:
            return np.concatenate(self._parts)
        kind = self._parts[-1]
        self._write()
        self._file.flush()
        return np.memmap(self._file, kind.dtype, "r+", shape=(self._rows, *kind.shape[1:]))


def _picture(read: Callable[[Path], NDArray[np.uint8]], path: Path) -> NDArray[np.uint8]:
    try:
        return read(path)
    except FileProblem as problem:
        raise UsageError(f"{problem}: `tagger dataset info` lists such faults") from problem


def _nameless(folder: Path) -> IO[bytes]:
    """Return a file without a name, which goes away with the process however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".clips.", dir=folder)
    os.unlink(name)
    return os.fdopen(descriptor, "r+b")


def check(clips: Mapping[int, ClipSet], genres: Sequence[str]) -> None:
    """Refuse clips that a network cannot be trained on.

    Raises
    ------
    TooFewLabels
        With fewer than two genres to learn.
    UsageError
        If the lengths do not have the same number of rows, or labels lie outside `genres`.
    """
    if not clips or not any(len(one) for one in clips.values()):
        raise TooFewLabels("the data set holds no clips")
    if len({one.shape[0] for one in clips.values()}) > 1:
        rows = ", ".join(f"{seconds} s: {one.shape[0]}" for seconds, one in sorted(clips.items()))
        raise UsageError(f"the clips differ in their number of rows ({rows}): make the data set again")
    learned: set[int] = set()
    for one in clips.values():
        if len(one) and not 0 <= one.labels.min() <= one.labels.max() < len(genres):
            raise UsageError(f"a label lies outside the {len(genres)} genres")
        learned |= set(one.labels[one.of(Split.TRAIN)].tolist())
    learned -= {position for position, genre in enumerate(genres) if genre == NONE}
    if len(learned) < 2:
        known = ", ".join(genres[i] for i in sorted(learned)) or "none"
        raise TooFewLabels(
            f"a model needs tracks of at least two genres to learn from; there are: {known}. "
            "Tag some tracks of other genres, or map more genre tags (`tagger genres --unmapped`)"
        )
