"""What is written beside a data set's pictures: which clip is what, how all were made, and how far a build has come."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, cast

from tagger.audio.spectrogram import Form
from tagger.base.errors import UsageError
from tagger.base.files import replace_file
from tagger.base.records import Split

CARD, MANIFEST, BUILD_LOG = "dataset.json", "manifest.csv", ".building.jsonl"
CLIP_NAME = re.compile(r"(?P<track>[0-9a-f]{16})__(?P<number>\d+)\.png")

Offsets = dict[int, tuple[float, ...]]  # by length of the clips [s]


@dataclass(frozen=True, slots=True)
class ClipRow:
    """A line of the manifest; `clip` is the picture's place in the data set's folder, `offset` is in seconds."""

    clip: str
    track: str
    group: str
    offset: float
    label: str
    split: str

    @property
    def seconds(self) -> int:
        """Length of the clip [s]."""
        return int(self.clip.split("s/", 1)[0])


_COLUMNS = [field.name for field in fields(ClipRow)]


def length_folder(seconds: int) -> str:
    """Return the folder of the clips of one length."""
    return f"{seconds}s"


def clip_folder(seconds: int, split: str, label: str) -> str:
    """Return the folder, in the data set's, in which clips of one kind lie."""
    return f"{length_folder(seconds)}/{split}/{label}"


def clip_name(track: str, number: int) -> str:
    """Return the name of a clip in its folder."""
    return f"{track}__{number}.png"


def clip_path(seconds: int, split: str, label: str, track: str, number: int) -> str:
    """Return a clip's place in the data set's folder."""
    return f"{clip_folder(seconds, split, label)}/{clip_name(track, number)}"


def write_manifest(folder: Path, rows: Iterable[ClipRow]) -> None:
    """Replace the manifest of a data set, whole, unless it already says this; rows are taken one by one."""
    with replace_file(folder / MANIFEST, "wb", if_other=True) as file:
        text = io.TextIOWrapper(cast(IO[bytes], file), "utf-8", "surrogateescape", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in rows:
            writer.writerow([row.clip, row.track, row.group, f"{row.offset:.3f}", row.label, row.split])
        text.detach()


def read_manifest(folder: Path) -> Iterator[ClipRow] | None:
    """Return the lines of a data set's manifest, read one by one; None if it has none.

    Raises
    ------
    UsageError
        Also while they are read: if there is one, but it is not of this form.
    """
    path = folder / MANIFEST
    return _lines(path) if path.exists() else None


def _lines(path: Path) -> Iterator[ClipRow]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != _COLUMNS:
                raise UsageError(f"{path}: its columns are not {', '.join(_COLUMNS)}")
            yield from map(_row, reader)
    except (OSError, csv.Error, TypeError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _row(line: dict[str, str]) -> ClipRow:
    # Names that come again and again are kept once.
    track, group, label, split = (sys.intern(line[name]) for name in ("track", "group", "label", "split"))
    row = ClipRow(line["clip"], track, group, float(line["offset"]), label, split)
    if not re.fullmatch(r"\d+s/[^/]+/[^/]+/[^/]+", row.clip):
        raise ValueError(f"{row.clip!r} is not a clip's place")
    return row


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Replace the card of a data set, whole."""
    with replace_file(folder / CARD, encoding="ascii", if_other=True) as file:
        file.write(json.dumps(card, indent=2) + "\n")


def card_of(
    rows: Iterable[ClipRow],
    recipe: Mapping[str, Any],
    seconds: Sequence[int],
    form: Form,
    genres: Sequence[str],
    seed: int,
    map_hash: str,
    complete: bool,
) -> dict[str, Any]:
    """Return the data set's card: how the pictures were made and split, and how many there are of what."""
    counts: Counter[tuple[int, str, str]] = Counter()
    tracks: set[str] = set()
    for row in rows:
        counts[row.seconds, row.split, row.label] += 1
        tracks.add(row.track)
    return {
        "form": form.card(),
        "seconds": sorted(seconds),
        "sizes": {length_folder(length): [form.bands, form.columns(length)] for length in sorted(seconds)},
        "clips_per_track": recipe["clips"],
        "genres": list(genres),
        "split_seed": seed,
        "map_hash": map_hash,
        "tracks": len(tracks),
        "counts": {
            length_folder(length): {
                split.value: {
                    genre: counts[length, split.value, genre] for genre in genres if counts[length, split.value, genre]
                }
                for split in Split
            }
            for length in sorted(seconds)
        },
        "complete": complete,
        "recipe": dict(recipe),
    }


def read_card(folder: Path) -> dict[str, Any] | None:
    """Return the card of a data set; None if it has none.

    Raises
    ------
    UsageError
        If there is one, but it is no JSON object.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if not isinstance(card, dict):
        raise UsageError(f"{path} is not a data set's card")
    return card


class BuildLog:
    """Notes of the tracks that a build has finished, so that one that was killed goes on where it stood.

    Parameters
    ----------
    folder : Path
        Of the data set.
    recipe : dict
        How pictures are made; notes of another recipe are thrown away.
    """

    def __init__(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        self._path = folder / BUILD_LOG
        self._recipe = dict(recipe)
        self.done: dict[str, Offsets] = self._read()

    def __enter__(self) -> BuildLog:
        torn = self._path.exists() and not self._path.read_bytes().endswith(b"\n")
        self._file: IO[str] = self._path.open("a" if self.done else "w", encoding="ascii")
        if not self.done:
            self._write({"recipe": self._recipe})
        elif torn:
            self._file.write("\n")
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def note(self, track: str, offsets: Offsets) -> None:
        """Write down that a track's pictures are there, and where its clips begin."""
        self.done[track] = offsets
        self._write({"track": track, "offsets": offsets})

    def remove(self) -> None:
        """Forget the notes: the manifest has it all."""
        self._path.unlink(missing_ok=True)

    def _write(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry) + os.linesep)
        self._file.flush()

    def _read(self) -> dict[str, Offsets]:
        try:
            lines = self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        entries = []
        for line in lines:
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue  # torn by the kill that this is here for
        if not entries or entries[0].get("recipe") != self._recipe:
            return {}
        return {
            entry["track"]: {int(seconds): tuple(offsets) for seconds, offsets in entry["offsets"].items()}
            for entry in entries[1:]
        }
