"""The station's settings: flags, then `TAGGER_*` variables, then `tagger.toml`, then the defaults below.

`SECTIONS` orders them for the commented file that `tagger init` writes; the descriptions here are what it prints.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tagger.base.air_time import window
from tagger.base.errors import SettingsError
from tagger.base.losses import ALLOWABLE, Allowable

VARIABLE_PREFIX = "TAGGER_"
FamilyName = Literal[
    "cnn2d", "cnn2d-distilled", "trunk", "trunk-map", "trunk-frozen", "trunk-tuned",
    "cnn2d-wtsc", "cnn1d", "waveform-dense", "mfcc-dense", "mfcc-cnn", "features-mlp",
    "knn", "logreg", "svm", "forest", "boosting", "waveform-knn", "waveform-logreg", "waveform-forest",
]  # fmt: skip
FAMILY_NAMES: tuple[str, ...] = get_args(FamilyName)  # of kinds of models; `tagger.model.families` has what they are
NOT_SETTINGS = {"TAGGER_HOME", "TAGGER_INDEX"}  # options of the command line that have a variable too


class Settings(BaseModel):
    """Everything that a station can set; `load_settings` merges where it comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    # --- what is written
    promise: float = Field(
        0.90,
        ge=0,
        le=1,
        description="Share of right genres that automatic writing promises. A genre is written without a person only "
        "where artists that the model never heard bear this out. 0 writes whatever the model says.",
    )
    promise_confidence: float = Field(
        0.80, gt=0, lt=1, description="How sure the promise must be (one-sided lower bound)."
    )
    max_writes: int = Field(500, ge=0, description="Files written in one night; the rest follows on later nights.")
    settle_minutes: float = Field(
        10, ge=0, description="A file changed less than this many minutes ago is left alone: it may still be copied."
    )
    mtime: Literal["bump", "preserve"] = Field(
        "bump",
        description="bump gives a written file a new time, so that other software sees the change; preserve keeps it.",
    )
    station: Literal["plain", "azuracast", "libretime", "liquidsoap"] = Field(
        "plain",
        description="The software that plays the library: plain folders, azuracast, libretime or liquidsoap. Decides "
        "what mtime is where it is not set.",
    )
    allow_loss: tuple[Allowable, ...] = Field(
        (),
        description=f"What a file may lose when its genre is written, of {', '.join(ALLOWABLE)}; docs/formats.md tells "
        "what each means. A file that would lose anything else is left alone.",
    )
    air_time: tuple[str, ...] = Field(
        (),
        description='Hours in which no file is written, local time, such as ["06:00-10:00", "15:00-19:30"]; the rest '
        "of a night's writes is then postponed.",
    )

    context: bool = Field(
        True,
        description="Let what people tagged by the same artist and on the same album count beside the sound.",
    )

    # --- what is looked at
    exclude: tuple[str, ...] = Field(
        (), description='Files and folders to leave alone, as patterns, such as ["Jingles/*", "*_spot.mp3"].'
    )
    min_seconds: float = Field(60, ge=0, description="Shorter tracks (jingles) are neither learned from nor written.")
    max_seconds: float = Field(1200, gt=0, description="Longer tracks (shows, mixes) likewise.")
    max_missing: float = Field(
        0.20, ge=0, le=1, description="If more than this share of the known files is gone, nothing is changed."
    )
    sentinel: str = Field(
        "",
        description="A file or folder, relative to each library, that is there whenever the library is mounted; where "
        "it is not, nothing is done.",
    )
    probe_seconds: float = Field(
        20, gt=0, description="A library that does not answer within this time counts as hung."
    )

    # --- learning
    retrain_growth: float = Field(0.10, ge=0, description="Train again when the labels grew by this share,")
    retrain_days: float = Field(30, ge=0, description="or when the model is older than this many days.")
    suspects_days: float = Field(7, ge=0, description="Look for wrong labels again after this many days.")
    clips: int = Field(5, ge=1, le=50, description="Clips cut from a track.")
    clip_seconds: tuple[int, ...] = Field((1, 2), description="Their lengths, in seconds.")
    family: FamilyName = Field(
        "cnn2d", description="The kind of model; `tagger compare` shows what each gives on your library."
    )
    prefer: Literal["accuracy", "speed", "scratch"] = Field(
        "accuracy",
        description="What is trained where the pretrained trunk is installed and family is cnn2d: accuracy (a model on "
        "the trunk), speed (a small network that the trunk teaches), scratch (a small network without it).",
    )
    epochs: int = Field(60, ge=1, description="Passes over the data set at the most; early stopping ends it sooner.")
    seed: int = Field(1, ge=0, description="Seed of the split, the clips and the training.")

    # --- the machine
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Processes that decode audio (default: cores)."
    )
    keep_models: int = Field(5, ge=1, description="Models to keep, the current one among them.")
    keep_reports: int = Field(60, ge=1, description="Reports to keep.")
    keep_runs_days: float = Field(400, ge=1, description="Days for which runs that wrote nothing are remembered.")

    @field_validator("exclude", "allow_loss", "air_time", "clip_seconds", mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        return _listed(value)

    @field_validator("air_time")
    @classmethod
    def _some_hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            window(text)
        return value

    @field_validator("sentinel")
    @classmethod
    def _inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("a path inside the library, such as .mounted")
        return value

    @field_validator("clip_seconds")
    @classmethod
    def _some_lengths(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or any(not 1 <= seconds <= 30 for seconds in value):
            raise ValueError("one or more whole numbers from 1 to 30")
        return tuple(sorted(set(value)))


# What suits the software that plays the library; docs/operations.md has the reasons.
MTIME_OF_STATION = {"plain": "bump", "azuracast": "bump", "libretime": "preserve", "liquidsoap": "bump"}

SECTIONS = {
    "What is written": (
        *("promise", "promise_confidence", "max_writes", "settle_minutes", "mtime", "allow_loss"),
        *("station", "air_time", "context"),
    ),
    "What is looked at": (*("exclude", "min_seconds", "max_seconds", "max_missing", "sentinel", "probe_seconds"),),
    "Learning": (
        *("retrain_growth", "retrain_days", "suspects_days", "clips", "clip_seconds", "family", "prefer"),
        *("epochs", "seed"),
    ),
    "The machine": ("workers", "keep_models", "keep_reports", "keep_runs_days"),
}


def _listed(value: object) -> object:
    """Turn the text of a variable into a list: JSON, or parts between commas."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except ValueError:
        if value.lstrip().startswith('["'):  # a bracket alone may begin a pattern: [0-9]*.mp3
            raise ValueError('a list such as ["a", "b"] or a,b') from None
        parsed = None
    if isinstance(parsed, list):
        return parsed
    return [part.strip() for part in value.split(",") if part.strip()]


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    return found


def _from_variables(environ: dict[str, str]) -> dict[str, Any]:
    """Settings among the variables. Others that start alike belong to somebody else and are let be."""
    known = {VARIABLE_PREFIX + key.upper(): key for key in Settings.model_fields}
    for name in environ.keys() - known.keys() - NOT_SETTINGS:
        meant = difflib.get_close_matches(name, known, n=1, cutoff=0.85) if name.startswith(VARIABLE_PREFIX) else []
        if meant:
            raise SettingsError(f"the variable {name} sets nothing; was {meant[0]} meant?")
    return {known[name]: text for name, text in environ.items() if name in known and name not in NOT_SETTINGS}


def _allowed(key: str, message: str) -> str:
    field = Settings.model_fields.get(key)
    if field is None:
        return f"there is no such setting; known are {', '.join(Settings.model_fields)}"
    return message[0].lower() + message[1:].removeprefix("Value error, ") if message else "not allowed"


def load_settings(file: Path | None, flags: dict[str, Any], environ: dict[str, str] | None = None) -> Settings:
    """Merge flags, variables and the file into the settings of this run.

    Parameters
    ----------
    file : Path or None
        `tagger.toml`; need not exist.
    flags : dict
        Settings given on the command line; None means not given.
    environ : dict, optional
        The environment; `os.environ` by default.

    Raises
    ------
    SettingsError
        For the first bad value: one line with the source, the key, the value and what is allowed.
    """
    layers = [
        ("on the command line", {key: value for key, value in flags.items() if value is not None}),
        ("in the environment", _from_variables(dict(os.environ) if environ is None else environ)),
        (f"in {file}", _from_file(file) if file else {}),
    ]
    merged: dict[str, Any] = {}
    for _, layer in reversed(layers):
        merged.update(layer)
    if "mtime" not in merged and merged.get("station") in MTIME_OF_STATION:
        merged["mtime"] = MTIME_OF_STATION[merged["station"]]
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "settings"
        where, value = next(((where, layer[key]) for where, layer in layers if key in layer), ("", first.get("input")))
        shown = f"{VARIABLE_PREFIX}{key.upper()}" if where == "in the environment" else key
        message = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"setting {shown} {where} is {value!r}: {_allowed(key, message)}") from None
    if settings.min_seconds >= settings.max_seconds:
        limits = f"{settings.min_seconds:g}: it must be less than max_seconds, {settings.max_seconds:g}"
        raise SettingsError(f"setting min_seconds is {limits}")
    return settings


def settings_template() -> str:
    """Return a commented `tagger.toml` with every setting at its default, switched off."""
    defaults = Settings()
    lines = ["# Settings of this station. Take the # away from a line to change it.", ""]
    for title, keys in SECTIONS.items():
        lines += [f"# ---- {title}", ""]
        for key in keys:
            field = Settings.model_fields[key]
            lines += [f"# {part}" for part in _wrapped(field.description or "")]
            value = getattr(defaults, key)
            lines += [f"# {key} = {json.dumps(list(value) if isinstance(value, tuple) else value)}", ""]
    return "\n".join(lines)


def _wrapped(text: str, width: int = 100) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
