"""A saved model: a folder that holds all that is needed to use it, and refuses what does not fit it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import NoModel
from tagger.model import classical
from tagger.model.fit import forward, log_softmax
from tagger.model.heldout import Heldout, of_track, read_heldout, temper
from tagger.model.quiet import load as load_keras
from tagger.model.runtime import converted

CARD_FORMAT = 2
NETWORK_NAME = "model.keras"
ESTIMATOR_NAME = "model.skops"
CARD_NAME = "card.json"
HELDOUT_NAME = "heldout.csv"
GROUPS_NAME = "groups.json"
NEEDED = ("id", "family", "genres", "seconds", "form", "shape", "file", "temperature", "thresholds", "sha256")


class Classifier:
    """A model with its card: from clips to calibrated probabilities of genres.

    Parameters
    ----------
    logits : callable
        From inputs (n, ...) to float32 (n, genres).
    shape : tuple
        Of one clip's input; None where any length will do.
    card : mapping
        What `card.json` holds.
    folder : Path
        Where it lies.
    """

    def __init__(
        self,
        logits: Callable[[NDArray[Any]], NDArray[np.float32]],
        shape: tuple[int | None, ...],
        card: Mapping[str, Any],
        folder: Path,
    ) -> None:
        self.logits = logits
        self.shape = shape
        self.card = dict(card)
        self.folder = folder

    @property
    def id(self) -> str:
        return str(self.card["id"])

    @property
    def genres(self) -> tuple[str, ...]:
        """Genre ids, in the order of the probabilities."""
        return tuple(self.card["genres"])

    @property
    def seconds(self) -> int:
        """Length of the clips that it hears; 0 if it was trained on pictures of unknown length."""
        return int(self.card["seconds"])

    @property
    def form_card(self) -> dict[str, Any]:
        """The settings of what it hears, as the data set gave them."""
        return dict(self.card["form"])

    @property
    def temperature(self) -> float:
        return float(self.card["temperature"])

    @property
    def thresholds(self) -> dict[str, float | None]:
        """The thresholds for the promise at the time of training; for another promise see `calibrate.thresholds`."""
        return dict(self.card["thresholds"])

    def probabilities(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return what the model makes of each clip by itself, not calibrated: (n, genres).

        Parameters
        ----------
        inputs : array of shape (n, ...)
        """
        self.check_size(inputs.shape)
        return np.exp(log_softmax(self.logits(inputs)))

    def track_probabilities(self, tracks: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
        """Return the calibrated probabilities of tracks; (tracks, genres). See `hear`."""
        return self.hear(tracks)[0]

    def hear(self, tracks: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what the model makes of tracks.

        Parameters
        ----------
        tracks : sequence of arrays of shape (clips, ...)
            The clips of each track, at least one; all go through the model together.

        Returns
        -------
        probabilities : float64 array of shape (tracks, genres)
            Calibrated.
        votes : int64 array of shape (tracks, genres)
            For how many clips each genre is the likeliest.
        """
        if not tracks:
            return np.zeros((0, len(self.genres))), np.zeros((0, len(self.genres)), np.int64)
        counts = np.array([len(clips) for clips in tracks])
        if counts.min() == 0:
            raise ValueError("a track has no clips")
        inputs = np.concatenate(tracks)
        self.check_size(inputs.shape)
        logs = log_softmax(self.logits(inputs))
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        votes = np.eye(len(self.genres), dtype=np.int64)[logs.argmax(axis=1)]
        said = temper(of_track(np.add.reduceat(logs, starts, axis=0) / counts[:, None]), self.temperature)
        return said, np.add.reduceat(votes, starts, axis=0)

    def heldout(self) -> Heldout:
        """Return what it said of the held-out tracks when it was trained, calibrated."""
        return read_heldout(self.folder / HELDOUT_NAME)

    def trained_groups(self) -> frozenset[str]:
        """Return the groups of artists that it learned from."""
        return frozenset(read_groups(self.folder)["train"])

    def require(self, seconds: Sequence[int] | None = None, form: Mapping[str, Any] | None = None) -> None:
        """Make sure that clips of these lengths and in this form can be given to it.

        Raises
        ------
        NoModel
            The message says what differs.
        """
        if not self.seconds or not self.form_card:
            raise NoModel(
                f"model {self.id} was trained on pictures without a card, so nobody knows how to make such pictures "
                "of a file: train on a data set made by `tagger dataset`"
            )
        if seconds is not None and self.seconds not in seconds:
            have = ", ".join(f"{one} s" for one in seconds)
            raise NoModel(f"model {self.id} hears clips of {self.seconds} s, there are clips of {have} only")
        if form is None:
            return
        own = self.form_card
        keys = sorted(key for key in own.keys() | form.keys() if own.get(key) != form.get(key))
        if keys:
            differs = "; ".join(f"{key} is {form.get(key)!r}, the model needs {own.get(key)!r}" for key in keys)
            raise NoModel(f"model {self.id} does not fit these clips: {differs}")

    def check_size(self, shape: tuple[int, ...]) -> None:
        """Refuse clips, (n, ...), of a size that the model does not take."""
        fits = len(shape) == len(self.shape) + 1
        if not fits or any(own not in (None, one) for own, one in zip(self.shape, shape[1:], strict=True)):
            wanted, given = (" x ".join(str(one or "any") for one in size) for size in (self.shape, shape[1:]))
            raise NoModel(f"model {self.id} takes clips of the shape {wanted}, not {given}")


def load(folder: Path) -> Classifier:
    """Load a saved model. No code in it is run: Keras reads it in safe mode.

    Raises
    ------
    NoModel
        If there is none, or it is damaged or made by a version that does not fit.
    """
    card = read_card(folder)
    path = folder / str(card["file"])
    try:
        digest = file_hash(path)
    except OSError as error:
        raise NoModel(f"{path} cannot be read: {error.strerror}; train a new model") from error
    if digest != card["sha256"]:
        raise NoModel(f"{path} is not the file that {folder / CARD_NAME} belongs to: it is damaged or was exchanged; "
                      "train a new model or restore the folder")  # fmt: skip
    return _estimator(path, card, folder) if path.name == ESTIMATOR_NAME else _network(path, card, folder)


def _estimator(path: Path, card: Mapping[str, Any], folder: Path) -> Classifier:
    model = classical.load(path)
    shape, genres = tuple(card["shape"]), len(card["genres"])
    numbers = int(np.prod(shape, dtype=np.int64))
    if model.n_features_in_ != numbers or not set(model.classes_.tolist()) <= set(range(genres)):
        raise NoModel(f"{path} takes {model.n_features_in_} numbers and knows the genres {model.classes_.tolist()}, "
                      f"its card says {numbers} numbers and {genres} genres; train a new model")  # fmt: skip
    return Classifier(classical.logits_of(model, genres), shape, card, folder)


def _network(path: Path, card: Mapping[str, Any], folder: Path) -> Classifier:
    if (found := converted(folder, card)) is not None:
        shape, logits = found
        return Classifier(logits, shape[: len(card["shape"])], card, folder)
    keras, _ = load_keras()
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NoModel(f"{path} cannot be loaded by Keras {keras.__version__}: {first}; train a new model") from error
    shape = network.input_shape[1 : 1 + len(card["shape"])]
    outputs = network.output_shape[-1]
    if outputs != len(card["genres"]) or shape[0] != card["shape"][0]:
        raise NoModel(f"{path} takes {shape[0]} rows and gives {outputs} genres, its card says {card['shape'][0]} and "
                      f"{len(card['genres'])}; train a new model")  # fmt: skip
    return Classifier(forward(network), shape, card, folder)


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card of a saved model, without loading the model.

    Raises
    ------
    NoModel
        If it is missing, damaged or of another version's format.
    """
    path = folder / CARD_NAME
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NoModel(f"{folder} holds no model ({CARD_NAME}: {error.strerror}); `tagger train` makes one") from error
    except ValueError as error:
        raise NoModel(f"{path} is damaged ({error}); train a new model") from error
    if not isinstance(card, dict) or card.get("format") != CARD_FORMAT:
        found = card.get("format") if isinstance(card, dict) else None
        raise NoModel(f"{path} has format {found!r}, this version reads {CARD_FORMAT}; train a new model")
    missing = [key for key in NEEDED if key not in card]
    if missing:
        raise NoModel(f"{path} lacks {', '.join(missing)}; train a new model")
    if card["file"] not in (NETWORK_NAME, ESTIMATOR_NAME):
        raise NoModel(f"{path} names {card['file']!r}, which is no model's file; train a new model")
    return card


def outdated(folder: Path) -> bool:
    """Say whether a model is whole but of an earlier version's format, so that a new one has to be trained."""
    try:
        card = json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    found = card.get("format") if isinstance(card, dict) else None
    return isinstance(found, int) and found < CARD_FORMAT


def read_groups(folder: Path) -> dict[str, list[str]]:
    """Return the groups of artists in each split (train, val, test) of a saved model.

    Raises
    ------
    NoModel
        If the list is missing or damaged.
    """
    path = folder / GROUPS_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {split: list(found[split]) for split in ("train", "val", "test")}
    except OSError as error:
        raise NoModel(f"{path} cannot be read: {error.strerror}; train a new model") from error
    except (ValueError, KeyError, TypeError) as error:
        raise NoModel(f"{path} is damaged ({error}); train a new model") from error


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
