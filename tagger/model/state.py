"""A training under way, on disk after every few epochs, so that a kill or the end of the night costs little."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from tagger.base.files import replace_file
from tagger.base.records import Split
from tagger.model.clips import ClipSet

STATE_NAME = "training.npz"
STATE_FORMAT = 1

log = logging.getLogger("tagger.model")


@dataclass
class Progress:
    """How far a training is.

    `settings` and `data` are hashes of what it was begun with; `heard` holds a hash of each track and group that it
    has learned from. `epoch` is the next one (from 0), `since` the epochs without a better loss.
    """

    settings: str
    data: str
    heard: list[str]
    epoch: int = 0
    learning_rate: float = 0.0
    since: int = 0
    best_loss: float | None = None
    best_epoch: int = 0
    seconds: float = 0.0
    data_changes: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def settings_key(**facts: object) -> str:
    """Return a hash of everything that must be the same for a training to be taken up again."""
    text = json.dumps({"format": STATE_FORMAT, **facts}, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def data_key(clips: Mapping[int, ClipSet]) -> str:
    """Return a hash of all clips, pictures included."""
    digest = hashlib.blake2b(digest_size=16)
    for seconds, one in sorted(clips.items()):
        digest.update(f"{seconds}:".encode() + one.digest())
    return digest.hexdigest()


def names_in(clips: Mapping[int, ClipSet], *splits: Split) -> set[str]:
    """Return a short hash of each track and each group that occurs in these splits."""
    found: set[str] = set()
    for one in clips.values():
        chosen = one.of(*splits)
        found |= {f"t{name}" for name in one.tracks[chosen]} | {f"g{name}" for name in one.groups[chosen]}
    return {hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest() for name in found}


def save_state(
    work: Path, progress: Progress, arrays: Mapping[str, NDArray[Any]], best: Sequence[NDArray[Any]]
) -> None:
    """Put a training away, whole: after a crash the folder holds this state or the one before."""
    work.mkdir(parents=True, exist_ok=True)
    kept = {f"best/{i}": weight for i, weight in enumerate(best)}
    text = np.frombuffer(json.dumps(asdict(progress)).encode(), np.uint8)
    everything: dict[str, Any] = {"progress": text, **arrays, **kept}
    with replace_file(work / STATE_NAME, "wb") as file:
        np.savez(cast(IO[bytes], file), **everything)


def load_state(work: Path) -> tuple[Progress, dict[str, NDArray[Any]], list[NDArray[Any]]] | None:
    """Take a training out again.

    Returns
    -------
    tuple or None
        The progress, the arrays of the learner, the best weights so far; None when there is nothing usable.
    """
    path = work / STATE_NAME
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        progress = Progress(**json.loads(arrays.pop("progress").tobytes()))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s cannot be used (%s): training begins anew", path, error)
        return None
    best = [arrays.pop(name) for name in sorted((n for n in arrays if n.startswith("best/")), key=_number)]
    return progress, arrays, best


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])


def drop_state(work: Path) -> None:
    """Forget the training; its model is finished."""
    (work / STATE_NAME).unlink(missing_ok=True)
