"""What is written beside a data set's pictures: which clip is what, how all were made, and how far a build has come."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

from tagger.audio.spectrogram import Form
from tagger.base.errors import UsageError
from tagger.base.files import write_bytes
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


def clip_path(seconds: int, split: str, label: str, track: str, number: int) -> str:
    """Return a clip's place in the data set's folder."""
    return f"{length_folder(seconds)}/{split}/{label}/{track}__{number}.png"


def write_if_other(path: Path, content: bytes) -> None:
    """Replace a file whole, unless it already holds this."""
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    write_bytes(path, content)


def write_manifest(folder: Path, rows: Iterable[ClipRow]) -> None:
    """Replace the manifest of a data set, whole."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([row.clip, row.track, row.group, f"{row.offset:.3f}", row.label, row.split])
    write_if_other(folder / MANIFEST, text.getvalue().encode("utf-8", "surrogateescape"))


def read_manifest(folder: Path) -> list[ClipRow] | None:
    """Return the manifest of a data set; None if it has none.

    Raises
    ------
    UsageError
        If there is one, but it is not of this form.
    """
    path = folder / MANIFEST
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != _COLUMNS:
                raise UsageError(f"{path}: its columns are not {', '.join(_COLUMNS)}")
            return [_row(line) for line in reader]
    except FileNotFoundError:
        return None
    except (OSError, csv.Error, TypeError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _row(line: dict[str, str]) -> ClipRow:
    row = ClipRow(line["clip"], line["track"], line["group"], float(line["offset"]), line["label"], line["split"])
    if not re.fullmatch(r"\d+s/[^/]+/[^/]+/[^/]+", row.clip):
        raise ValueError(f"{row.clip!r} is not a clip's place")
    return row


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Replace the card of a data set, whole."""
    write_if_other(folder / CARD, (json.dumps(card, indent=2) + "\n").encode("ascii"))


def card_of(
    rows: Sequence[ClipRow],
    recipe: Mapping[str, Any],
    seconds: Sequence[int],
    form: Form,
    genres: Sequence[str],
    seed: int,
    map_hash: str,
    complete: bool,
) -> dict[str, Any]:
    """Return the data set's card: how the pictures were made and split, and how many there are of what."""
    counts = Counter((row.seconds, row.split, row.label) for row in rows)
    return {
        "form": form.card(),
        "seconds": sorted(seconds),
        "sizes": {length_folder(length): [form.bands, form.columns(length)] for length in sorted(seconds)},
        "clips_per_track": recipe["clips"],
        "genres": list(genres),
        "split_seed": seed,
        "map_hash": map_hash,
        "tracks": len({row.track for row in rows}),
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
