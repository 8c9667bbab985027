"""Nights that train nothing do without TensorFlow, and say what it would."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tagger.model import runtime

from .conftest import SETTINGS, Result, Station, fill

pytestmark = pytest.mark.slow

HEAVY = {"tensorflow", "keras", "librosa", "matplotlib", "onnx", "tf2onnx"}
COMMANDS = ("classify", "--refresh"), ("nightly",), ("guess",)


@pytest.fixture(scope="module", params=["cnn2d", "logreg"])
def learned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Station:
    """A station with a model of a family, and tracks to hear."""
    folder = tmp_path_factory.mktemp("runtime")
    station = Station(folder / "home", folder / "library")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, "TAGGER_EPOCHS": "1"}.items():
            patch.setenv(name, value)
        fill(station.library, artists=4, containers=("mp3", "m4a"))
        station.home.mkdir()
        (station.home / "tagger.toml").write_text(f'family = "{request.param}"\n')
        for words in (("scan", station.library), ("train",)):
            done = station.run(*words)
            assert done.code == 0, done.err
    return station


@pytest.fixture
def copy(learned: Station, station: Station) -> Station:
    """A copy of its home, under the settings for tiny tracks."""
    shutil.copytree(learned.home, station.home)
    return Station(station.home, learned.library)


def alone(station: Station, *words: str | Path) -> tuple[dict[str, Any], set[str]]:
    """Run a command in a process of its own, and return what it said and which packages it loaded."""
    code = (
        "import sys\nfrom tagger.cli import main\nmain(sys.argv[1:])\n"
        "print('\\n'.join({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "--home", station.home, "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), set(done.stderr.split())


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_nothing_heavy_is_loaded(copy: Station, words: tuple[str, ...]) -> None:
    songs = sorted(copy.library.rglob("*.mp3"))[:3]
    more = {"guess": songs, "nightly": [copy.library]}.get(words[0], [])
    facts, packages = alone(copy, *words, *more)
    heard = facts["counts"]["files"] if words[0] == "guess" else facts["counts"]["classified"]
    assert heard > 0 and facts["errors"] == [], facts
    assert not packages & HEAVY


def test_it_guesses_as_keras_does(copy: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("guess", "--top", "10", *sorted(copy.library.rglob("*.mp3"))[:4])
    ours = _chances(copy.run(*words))
    monkeypatch.setattr(runtime, "sees_gpu", lambda: True)
    theirs = _chances(copy.run(*words))
    assert len(ours) == len(theirs) > 4
    assert all(chance == pytest.approx(theirs[key], abs=1e-4) for key, chance in ours.items())


def _chances(result: Result) -> dict[tuple[str, str], float]:
    return {
        (one["path"], said["genre"]): said["probability"]
        for one in result.facts["results"]
        for said in one["predictions"]
    }
