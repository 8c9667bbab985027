"""A station in miniature: real files with real tags, and the command line to run over them."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.cli import main

RATE = 22050
SETTINGS = {"TAGGER_MIN_SECONDS": "2", "TAGGER_SETTLE_MINUTES": "0", "TAGGER_WORKERS": "2", "TAGGER_EPOCHS": "12"}


@dataclass(frozen=True)
class Result:
    """What one invocation printed and returned."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        """The JSON object on stdout, which must be the only thing there."""
        return json.loads(self.out)

    @property
    def counts(self) -> dict[str, int]:
        return self.facts["counts"]


@dataclass(frozen=True)
class Station:
    """A home and a library, and a way to run commands on them."""

    home: Path
    library: Path

    def run(self, *arguments: str | Path, json: bool = True) -> Result:
        """Run a command in this process and return what it did."""
        words = ["--home", str(self.home), *(["--json"] if json else []), *map(str, arguments)]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
        return Result(code, out.getvalue(), err.getvalue())


def music(kind: int, seed: int, seconds: float = 6.0) -> np.ndarray:
    """Return sound of one of three kinds that anybody can tell apart: deep hum, bright beats, noise sweeps."""
    random = np.random.default_rng(1000 * kind + seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 1 + 0.1 * random.random()
    if kind == 0:
        sound = np.sin(2 * np.pi * 110 * pitch * time) + 0.5 * np.sin(2 * np.pi * 165 * pitch * time)
    elif kind == 1:
        sound = np.sin(2 * np.pi * 2000 * pitch * time) * (np.sin(2 * np.pi * 4 * pitch * time) > 0)
    else:
        sound = random.standard_normal(time.size) * (1 + np.sin(2 * np.pi * 1.5 * pitch * time))
    return (0.2 * sound / np.abs(sound).max() + 0.002 * random.standard_normal(time.size)).astype(np.float32)


Add = Callable[..., Path]


@pytest.fixture
def add_track() -> Add:
    """Return a function that puts a track into a library."""
    return put_track


def put_track(
    path: Path, kind: int = 0, seed: int = 1, container: str = "mp3", seconds: float = 6.0, **tags: str | Sequence[str]
) -> Path:
    """Encode a track and give it tags."""
    from tagger.audio.encode import encode
    from tagger.library.compose import compose_tags

    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, music(kind, seed, seconds), RATE, container)
    given: Mapping[str, str | Sequence[str]] = tags
    if given:
        compose_tags(os.fsencode(path), container, given)
    return path


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    """Return an empty station with settings for tiny tracks."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "library").mkdir()
    return Station(tmp_path / "home", tmp_path / "library")


GENRES = ("Rock", "Jazz", "Dance")  # of the three kinds, as people type them


def fill(library: Path, artists: int = 6, containers: Sequence[str] = ("mp3", "flac", "ogg", "m4a", "wav")) -> None:
    """Fill a library: per kind six artists with two tagged tracks each, and one artist with two untagged ones."""
    number = 0
    for kind, genre in enumerate(GENRES):
        for artist in range(artists + 1):
            for track in range(2):
                number += 1
                container = containers[number % len(containers)]
                folder = library / f"Artist {kind}{artist}" / "Album"
                tags = {"artist": f"Artist {kind}{artist}", "album": f"Album {kind}{artist}", "title": f"Song {track}"}
                if artist < artists:
                    tags["genre"] = genre
                put_track(folder / f"{track}.{container}", kind, number, container, **tags)
