"""`tagger trunk`: install, list and remove, as a person and as a script see them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.base.lock import run_lock

if TYPE_CHECKING:
    from .conftest import Station

KEYS = {"name", "installed", "version", "licence", "checkpoints", "size_bytes", "check"}


@pytest.fixture
def with_trunk(station: Station, installed_trunks: Path) -> Station:
    """A station that has the trunk."""
    shutil.copytree(installed_trunks, station.home / "trunks")
    return station


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trunk"], "action"),
        (["trunk", "install"], "needs the name of a trunk: musicnn"),
        (["trunk", "remove"], "needs the name of a trunk: musicnn"),
        (["trunk", "install", "other"], "invalid choice: 'other'"),
        (["trunk", "list", "musicnn"], "takes no name"),
        (["trunk", "remove", "musicnn", "--from", "x.whl"], "--from goes with"),
        (["trunk", "install", "musicnn", "--from", "/nowhere.whl"], "/nowhere.whl"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_one_line_and_exit_2(station: Station, arguments: list[str], said: str) -> None:
    result = station.run(*arguments)
    assert (result.code, result.err.count("\n")) == (2, 1), result.err
    assert said in result.facts["errors"][0]["error"]
    assert not (station.home / "trunks").exists()


@pytest.mark.slow
def test_install_with_pip(station: Station, musicnn_wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(musicnn_wheel.parent))
    shown = station.run("trunk", "install", "musicnn", json=False)
    assert shown.code == 0, shown.err
    assert "largest difference" in shown.out
    assert "(ISC), kept beside the weights" in shown.out and "Universitat Pompeu Fabra 2019" in shown.out
    assert not (station.home / "index.db").exists(), "it needs no index"
    assert [path.name for path in (station.home / "trunks").iterdir()] == ["musicnn"]


@pytest.mark.slow
def test_a_damaged_one_is_said_and_replaced(with_trunk: Station, musicnn_wheel: Path) -> None:
    path = with_trunk.home / "trunks" / "musicnn" / "MTT_vgg.npz"
    path.write_bytes(path.read_bytes()[:-1])
    listed = with_trunk.run("trunk", "list")
    assert (listed.code, listed.counts) == (0, {"installed": 0})
    assert not listed.facts["trunks"][0]["installed"]
    assert listed.facts["errors"][0]["path"] == str(path)
    assert "damaged" in with_trunk.run("trunk", "list", json=False).out
    result = with_trunk.run("trunk", "install", "musicnn", "--from", musicnn_wheel)
    assert (result.code, result.counts) == (0, {"installed": 1}), result.err
    assert with_trunk.run("trunk", "list").counts == {"installed": 1}


@pytest.mark.slow
def test_installing_again_does_nothing(with_trunk: Station) -> None:
    card = with_trunk.home / "trunks" / "musicnn" / "card.json"
    before = card.stat()
    result = with_trunk.run("trunk", "install", "musicnn", json=False)
    assert result.code == 0 and "already" in result.out
    assert (card.stat().st_ino, card.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert with_trunk.run("trunk", "install", "musicnn").counts == {"installed": 0}


def test_list_where_there_is_none(station: Station) -> None:
    result = station.run("trunk", "list")
    row = result.facts["trunks"][0]
    assert (result.code, result.counts, result.facts["run_id"]) == (0, {"installed": 0}, None)
    assert row.keys() == KEYS
    assert (row["installed"], row["size_bytes"], row["check"]) == (False, 0, None)
    assert "tagger trunk install musicnn" in station.run("trunk", "list", json=False).out


@pytest.mark.slow
def test_list_tells_what_is_there(with_trunk: Station) -> None:
    row = with_trunk.run("trunk", "list").facts["trunks"][0]
    assert row.keys() == KEYS
    assert (row["name"], row["installed"], row["version"], row["licence"]) == ("musicnn", True, "0.1.0", "ISC")
    assert row["checkpoints"] == ["MSD_musicnn", "MSD_vgg", "MTT_musicnn", "MTT_vgg"]
    assert row["size_bytes"] > 10e6 and 0 < row["check"] < 1e-3


@pytest.mark.slow
def test_list_loads_nothing_heavy(with_trunk: Station) -> None:
    code = (
        "import sys\nfrom tagger.cli import main\nmain(sys.argv[1:])\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "--home", str(with_trunk.home), "trunk", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "installed" in done.stdout
    assert not set(done.stderr.split()) & {"tensorflow", "keras", "librosa", "sqlalchemy", "scipy"}


@pytest.mark.slow
def test_remove(with_trunk: Station) -> None:
    result = with_trunk.run("trunk", "remove", "musicnn")
    assert (result.code, result.counts) == (0, {"removed": 1})
    assert not (with_trunk.home / "trunks").exists()


def test_remove_where_there_is_none(station: Station) -> None:
    result = station.run("trunk", "remove", "musicnn", json=False)
    assert result.code == 0 and "not installed" in result.out


@pytest.mark.parametrize("action", ["install", "remove"])
def test_another_run_is_waited_for(station: Station, action: str) -> None:
    station.run("init")
    with run_lock(station.home / "tagger.lock", "nightly"):
        result = station.run("trunk", action, "musicnn")
    assert (result.code, result.err.count("\n")) == (3, 1)
    assert "`tagger nightly`" in result.err
