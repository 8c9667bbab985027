"""Fifty kills: at random moments, before steps, in the middle of writes, one after the other; nothing is lost."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from soak.invariants import not_restored, violations
from soak.kills import campaign, episodes
from soak.kills_evidence import Music, survey
from soak.kills_library import make_library
from soak.kills_tally import STEP, TORN, table

ROOT = Path(__file__).parents[2]

# Steps are what matters here, and commands that load TensorFlow take their time: `make soak` has more of those.
SHARES = {"scan": 14, "write": 16, "undo": 13, "dataset": 5, "classify": 1, "nightly": 1}


@pytest.mark.slow
def test_fifty_kills_lose_nothing(tmp_path: Path) -> None:
    tally = campaign(tmp_path, kills=50, seed=1, workers=2, shares=SHARES)
    assert not tally.violations, table(tally)
    assert tally.killed >= 50
    assert {command for command, _ in tally.kills} >= {"scan", "write", "undo", "dataset"}
    assert {how for _, how in tally.kills} >= {STEP, TORN}
    assert tally.written["write"] > 100
    assert tally.undone == tally.written


def test_the_seed_decides_what_is_killed() -> None:
    first, again, other = (list(islice(episodes(seed, SHARES), 50)) for seed in (1, 1, 2))
    assert first == again != other
    assert Counter(episode.command for episode in first) == SHARES


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library and the home of a scan of it."""
    folder = tmp_path_factory.mktemp("station")
    make_library(folder / "library")
    command = [sys.executable, "-m", "tagger", "--home", str(folder / "home"), "scan", str(folder / "library")]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


def _damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9000])


def _open_change(home: Path) -> None:
    facts = {"run": "r", "sha256_after": "0"}
    change = {"kind": "change", "id": "1", "library": "/", "path": "x", "action": "write", "by": "machine"}
    (home / "journal.jsonl").write_text(json.dumps({**change, "undoes": None, "stage": "ready", "facts": facts}) + "\n")


def _sql(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "index.db") as index:
        index.execute(statement)
    index.close()


def _half_model(models: Path) -> None:
    (models / "20260101T000000-cnn2d-cafe").mkdir()


def _half_picture(dataset: Path) -> None:
    dataset.mkdir()
    (dataset / "0__0.png").write_bytes(b"\x89PNG")


SONG = "Untagged/mp3.mp3"
SABOTAGE: dict[str, tuple[str, Callable[[Path, Path], object]]] = {
    "damaged": ("is not what the journal says", lambda library, home: _damage(library / SONG)),
    "no audio": ("its audio is not", lambda library, home: _damage(library / SONG)),
    "lost": ("is lost", lambda library, home: (library / SONG).unlink()),
    "two": ("from nowhere", lambda library, home: shutil.copy(library / SONG, library / "two.mp3")),
    "mode": ("its mode", lambda library, home: (library / SONG).chmod(0o600)),
    "copy left": ("temporary file was left", lambda library, home: (library / ".a.mp3.tagger-r").touch()),
    "half-written": ("temporary file was left", lambda library, home: (home / "cache" / ".a.b.part").touch()),
    "open change": ("was left open: ready", lambda library, home: _open_change(home)),
    "not in the index": ("is None in the index", lambda library, home: _open_change(home)),
    "running": ("said to be running", lambda library, home: _sql(home, "UPDATE runs SET status = 'running'")),
    "label": ("no person said", lambda library, home: _sql(home, "UPDATE tracks SET label = 'rock'")),
    "state": ("should be untagged", lambda library, home: _sql(home, "UPDATE tracks SET state = 'machine'")),
    "foreign key": ("point nowhere", lambda library, home: _sql(home, "UPDATE tracks SET library_id = 7")),
    "model": ("lacks model.keras", lambda library, home: _half_model(home / "models")),
    "picture": ("no whole picture", lambda library, home: _half_picture(home / "dataset")),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", SABOTAGE)
def test_what_is_wrong_is_seen(scanned: Path, tmp_path: Path, case: str) -> None:
    library, home = scanned / "library", tmp_path / "home"
    shutil.copytree(scanned / "home", home)
    originals: dict[str, Music] = survey(library)
    assert not violations(library, home, originals, ran="scan")
    said, sabotage = SABOTAGE[case]
    shutil.copytree(library, tmp_path / "kept")
    try:
        sabotage(library, home)
        assert any(said in line for line in violations(library, home, originals, ran="scan"))
        lost = case in ("damaged", "no audio", "lost")
        assert not_restored(library, originals) == ([f"{library / SONG} did not get its bytes back"] if lost else [])
    finally:
        shutil.rmtree(library)
        shutil.copytree(tmp_path / "kept", library)


def test_a_doomed_process_dies_before_its_step(tmp_path: Path) -> None:
    steps = _doomed(tmp_path, {"log": str(tmp_path / "log")})
    assert steps.returncode == 0
    expected = ["open note", "rename to kept", "INSERT facts", "COMMIT ", "write kept", "fsync kept", "remove kept"]
    there = [step for step in (tmp_path / "log").read_text().splitlines() if not step.startswith(("CREATE", "open ke"))]
    assert [step for step in there if step in expected] == expected
    for number in range(1, len((tmp_path / "log").read_text().splitlines()) + 1):
        assert _doomed(tmp_path, {"at": number}).returncode == -signal.SIGKILL


@pytest.mark.parametrize(("torn", "left"), [(False, b""), (True, b"hal")], ids=["whole", "torn"])
def test_a_write_can_be_torn(tmp_path: Path, torn: bool, left: bytes) -> None:
    _doomed(tmp_path, {"log": str(tmp_path / "log")})
    at = (tmp_path / "log").read_text().splitlines().index("write kept") + 1
    _doomed(tmp_path, {"at": at, "torn": torn})
    assert (tmp_path / "home" / "kept").read_bytes() == left


STEPS = """
import json, os, sqlite3, sys
from soak.doomed import Steps
home = sys.argv[1]
Steps(**json.loads(sys.argv[2])).install()
open(f"{home}/note", "w").close()
os.replace(f"{home}/note", f"{home}/kept")
index = sqlite3.dbapi2.connect(f"{home}/index.db")
index.execute("CREATE TABLE IF NOT EXISTS facts (word)")
index.execute("INSERT INTO facts VALUES ('a')")
index.commit()
index.close()
file = os.open(f"{home}/kept", os.O_RDWR)
os.write(file, b"half of")
os.fsync(file)
os.remove(f"{home}/kept")
open("/dev/null", "w").close()
"""


def _doomed(folder: Path, conditions: dict[str, object]) -> subprocess.CompletedProcess[bytes]:
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    given = json.dumps({"roots": [str(folder / "library"), str(home)], **conditions})
    command = [sys.executable, "-c", STEPS, str(home), given]
    return subprocess.run(command, cwd=ROOT, check=False)
