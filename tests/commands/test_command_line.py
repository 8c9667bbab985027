"""What a user's mistake looks like: one clear line and the right exit code; and help for everything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.base.lock import run_lock
from tagger.cli import COMMANDS

if TYPE_CHECKING:
    from .conftest import Station

DOCS = Path(__file__).parents[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_is_documented(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tagger", command, "--help"], capture_output=True, text=True, check=True
    )
    assert "--json" in done.stdout
    assert f"`tagger {command}" in (DOCS / "docs" / "commands.md").read_text(encoding="utf-8")


def one_line(err: str) -> bool:
    return err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scan"], "LIBRARY"),
        (["scna", "x"], "invalid choice"),
        (["scan", "x", "--bogus"], "--bogus"),
        (["undo", "nonsense"], "there is no run nonsense"),
        (["guess", "x.mp3"], "there is no model yet"),
        (["evaluate"], "there is no model yet"),
        (["classify"], "there is no model yet"),
        (["train", "--dataset", "/nowhere"], "/nowhere"),
        (["inspect", "/nowhere"], "/nowhere"),
        (["export", "--format", "m3u"], "--out"),
        (["review", "import", "/nowhere.csv"], "/nowhere.csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_one_line_and_exit_2(station: Station, arguments: list[str], said: str) -> None:
    result = station.run(*arguments)
    assert (result.code, one_line(result.err)) == (2, True), result.err
    assert said in result.err
    assert said in result.facts["errors"][0]["error"]


def test_bad_setting_is_one_line_and_exit_2(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_PROMISE", "most")
    result = station.run("status")
    assert (result.code, one_line(result.err)) == (2, True)
    assert "TAGGER_PROMISE" in result.err and "'most'" in result.err


def test_bad_map_names_file_and_line(station: Station) -> None:
    station.run("init")
    (station.home / "genre_map.yaml").write_text("genres:\n  - id: rock\n    name: Rock\n    colour: red\n")
    result = station.run("scan", station.library)
    assert (result.code, one_line(result.err)) == (4, True)  # the library is empty, and that is looked at first
    (station.library / "notes.txt").write_text("x")
    result = station.run("scan", station.library)
    assert (result.code, one_line(result.err)) == (2, True)
    assert "genre_map.yaml:4" in result.err and "colour" in result.err


def test_missing_library_is_exit_4(station: Station) -> None:
    result = station.run("nightly", station.library / "nothing")
    assert (result.code, one_line(result.err)) == (4, True)
    assert str(station.library / "nothing") in result.err


def test_unreadable_index_is_one_line(station: Station) -> None:
    station.home.mkdir()
    (station.home / "index.db").write_bytes(b"this is no database, whatever its name says" * 100)
    result = station.run("status")
    assert (result.code, one_line(result.err)) == (5, True)
    assert "index.db" in result.err


def test_second_run_is_refused_at_once(station: Station) -> None:
    (station.library / "notes.txt").write_text("x")
    station.run("init")
    with run_lock(station.home / "tagger.lock", "nightly"):
        result = station.run("scan", station.library)
    assert (result.code, one_line(result.err)) == (3, True)
    assert "`tagger nightly`" in result.err


def test_init_makes_a_home_once(station: Station) -> None:
    result = station.run("init")
    assert (result.code, result.facts["made"]) == (0, ["tagger.toml", "genre_map.yaml"])
    (station.home / "tagger.toml").write_text("promise = 0.95\n")
    assert station.run("init").facts["made"] == []
    assert (station.home / "tagger.toml").read_text() == "promise = 0.95\n"


def test_too_few_labels_are_explained_and_no_failure(station: Station) -> None:
    (station.library / "notes.txt").write_text("x")
    assert station.run("scan", station.library).code == 0
    result = station.run("train")
    assert result.code == 0
    assert result.facts["model"] is None
    assert "Not trained" in station.run("train", json=False).out


def test_quiet_unchanged_scan_prints_nothing_off_a_terminal(station: Station) -> None:
    (station.library / "notes.txt").write_text("x")
    assert station.run("scan", station.library, json=False).out == ""
    assert "0 files" in station.run("scan", "-v", station.library, json=False).out


def test_options_stand_before_and_after_the_command(station: Station) -> None:
    result = station.run("status", "--home", station.home.parent / "other", json=False)
    assert "other" in result.out


def test_package_runs_from_any_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tagger", "--home", str(tmp_path / "home"), "init"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "genre_map.yaml" in done.stdout


def test_many_unreadable_files_are_exit_1(station: Station) -> None:
    for number in range(10):
        (station.library / f"{number}.mp3").write_bytes(b"")
    assert station.run("scan", station.library).code == 0, "ten are few"
    (station.library / "11.mp3").write_bytes(b"")
    result = station.run("scan", station.library)
    assert (result.code, result.counts["unreadable"], len(result.facts["errors"])) == (1, 11, 11)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_stops_cleanly_with_130(station: Station, number: signal.Signals) -> None:
    from .conftest import put_track

    original = put_track(station.library / "0.mp3", genre="Rock")
    for copy in range(1, 3000):
        (station.library / f"{copy}.mp3").write_bytes(original.read_bytes() + bytes([copy % 251]) * 3)
    command = [sys.executable, "-m", "tagger", "--home", str(station.home), "--json", "scan", str(station.library)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (station.home / "tagger.lock.holder").exists():
            time.sleep(0.005)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert one_line(err) and "stopped by a signal" in err
    assert json.loads(out)["errors"]
    assert station.run("status").facts["runs"][0]["status"] == "stopped"
    assert station.run("scan", station.library).counts["files"] == 3000
