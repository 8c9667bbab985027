"""The index or the journal is lost, restored, damaged or strange: one clear line, and no person's word is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import mutagen
import pytest

from tagger.base.records import Decision, Prediction
from tagger.index.store import open_index

from .conftest import SETTINGS, Result, Station, put_track

CONTAINERS = ("mp3", "flac", "ogg", "m4a", "wav", "mp3")
LABELLED = 4
CARD = {"genres": ["rock"], "metrics": {"track_accuracy": 0.9, "majority_baseline": 0.5}}


VARIABLES = {**SETTINGS, "TAGGER_PROMISE": "0", "TAGGER_MIN_SECONDS": "1"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Station:
    """Return a station with six tracks that this system filled with Rock, and four that people did with Jazz."""
    folder = tmp_path_factory.mktemp("template") / "station"
    station = Station(folder / "home", folder / "library")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        for number, container in enumerate(CONTAINERS):
            put_track(station.library / f"open {number}.{container}", 0, number, container, 1.1, artist="A")
        for number in range(LABELLED):
            put_track(station.library / f"theirs {number}.mp3", 1, 50 + number, "mp3", 1.1, artist="B", genre="Jazz")
        station.run("scan", station.library)
        predict(station)
        assert station.run("write", "--apply").counts["written"] == len(CONTAINERS)
    shutil.copytree(folder, folder.with_name("aside"), copy_function=shutil.copy2)
    return station


@pytest.fixture
def filled(template: Station, monkeypatch: pytest.MonkeyPatch) -> Station:
    """Return that station as it was made, where it was made, since the index knows the library by its path."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    folder = template.home.parent
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("aside"), folder, copy_function=shutil.copy2)
    return template


def predict(station: Station, genre: str = "rock") -> None:
    """Store, as `classify` does, that the model is sure of all that has no label; no network is needed."""
    with open_index(station.home / "index.db") as index:
        index.models.add("model-1", "cnn2d", station.home / "models" / "model-1", CARD)
        index.models.promote("model-1")
        index.meta.set("promise", ["model-1", 0.0, 0.8])
        tracks = [track for track in index.select.tracks() if track.label is None]
        index.predictions.save(
            (Prediction(t.track_id, "model-1", {genre: 1.0}, genre, 1.0, Decision.ACCEPT, "sure") for t in tracks), None
        )


def lose(station: Station) -> None:
    for path in station.home.glob("index.db*"):
        path.unlink()


def strip_notes(library: Path) -> None:
    """Take the notes of where genres come from out of all files, as another program may."""
    for path in sorted(library.rglob("*.*")):
        file = mutagen.File(path)
        for key in [key for key in file.tags.keys() if "TAGGER" in str(key).upper()]:  # noqa: SIM118
            del file.tags[key]
        file.save()


def states(station: Station) -> dict[str, int]:
    with open_index(station.home / "index.db") as index:
        counts = index.select.counts().states
    return {str(state): count for state, count in counts.items() if count}


def last_run(station: Station) -> str:
    """Return the id of the run that wrote last."""
    lines = (station.home / "journal.jsonl").read_text().splitlines()
    return json.loads(lines[-1])["run"]


def genres(library: Path) -> dict[str, list[str]]:
    with_easy = {path.name: mutagen.File(path, easy=True) for path in sorted(library.rglob("*.*"))}
    return {name: list(file.get("genre", [])) for name, file in with_easy.items() if not name.endswith("wav")}


def one_line(result: Result, code: int, *parts: str) -> None:
    """Check that a command ended with this code and one clear line."""
    assert result.code == code, (result.code, result.err)
    (line,) = [line for line in result.err.splitlines() if not line.startswith("tagger: warning")]
    for part in parts:
        assert part in line


# --- the index is lost ----------------------------------------------------------------------------------------------


def test_a_lost_index_comes_back_though_notes_are_stripped_and_files_moved(filled: Station, tmp_path: Path) -> None:
    strip_notes(filled.library)
    (filled.library / "elsewhere").mkdir()
    for path in sorted(filled.library.glob("open *"))[:3]:
        path.rename(filled.library / "elsewhere" / f"renamed {path.name}")
    lose(filled)
    assert filled.run("scan", filled.library).code == 0
    assert states(filled) == {"labelled": LABELLED, "machine": len(CONTAINERS)}
    undone = filled.run("undo", last_run(filled))
    assert (undone.code, undone.counts["written"]) == (0, len(CONTAINERS))
    assert all(values in ([], ["Jazz"]) for values in genres(filled.library).values())
    predict(filled)
    assert filled.run("write", "--apply").counts["planned"] == 0, "what was taken back stays so"


def test_libraries_may_be_scanned_one_by_one_after_a_lost_index(filled: Station, tmp_path: Path) -> None:
    second = tmp_path / "second"
    put_track(second / "a.mp3", 0, 99, "mp3", 1.1)
    filled.run("scan", second)
    predict(filled)
    assert filled.run("write", "--apply").counts["written"] == 1
    strip_notes(filled.library)
    strip_notes(second)
    lose(filled)
    filled.run("scan", second)
    assert states(filled) == {"machine": 1}
    filled.run("scan", filled.library)
    assert states(filled) == {"labelled": LABELLED, "machine": len(CONTAINERS) + 1}


def test_a_library_under_another_path_after_a_lost_index(filled: Station) -> None:
    """The mount point changed, too: the audio alone tells which genres are this system's."""
    strip_notes(filled.library)
    lose(filled)
    elsewhere = filled.library.rename(filled.library.with_name("mounted elsewhere"))
    filled.run("scan", elsewhere)
    assert states(filled) == {"labelled": LABELLED, "machine": len(CONTAINERS)}


def test_only_the_log_of_a_lost_index_is_left(filled: Station) -> None:
    """An index.db-wal without its index.db holds nothing that could be relied on."""
    (filled.home / "index.db-wal").write_bytes(os.urandom(32 + 4 * 4120))
    (filled.home / "index.db").unlink()
    assert filled.run("scan", filled.library).code == 0
    assert states(filled) == {"labelled": LABELLED, "machine": len(CONTAINERS)}


def test_undo_right_after_a_lost_index_says_what_to_do(filled: Station) -> None:
    run_id = last_run(filled)
    lose(filled)
    early = filled.run("undo", run_id)
    assert early.counts["failed"] == len(CONTAINERS)
    assert "scan the library, then undo again" in early.facts["errors"][0]["error"]
    filled.run("scan", filled.library)
    assert filled.run("undo", run_id).counts["written"] == len(CONTAINERS)


def test_dismissed_findings_stay_dismissed(filled: Station) -> None:
    path = put_track(filled.library / "odd.mp3", 1, 77, "mp3", 1.1, genre="Qwertzblim")
    filled.run("scan", filled.library)
    unmapped = [f["path"] for f in filled.run("audit").facts["findings"] if f["kind"] == "unmapped"]
    assert unmapped == [str(path)]
    decide(filled, path, "dismiss")
    for _ in range(2):
        filled.run("scan", filled.library)
        assert [f for f in filled.run("audit").facts["findings"] if f["kind"] == "unmapped"] == []
        lose(filled)
    filled.run("scan", filled.library)
    moved = path.rename(path.with_name("odd and moved.mp3"))
    filled.run("scan", filled.library)
    assert str(moved) not in {f["path"] for f in filled.run("audit").facts["findings"]}


def decide(station: Station, path: Path, word: str) -> None:
    sheet = station.home.parent / "review.csv"
    sheet.write_text(f"path,decision\n{path},{word}\n")
    assert station.run("review", "import", sheet).counts == {"decisions": 1, "problems": 0}


# --- the journal is lost, torn, strange -----------------------------------------------------------------------------


def test_a_lost_journal_is_written_anew_from_the_index(filled: Station) -> None:
    (filled.home / "journal.jsonl").unlink()
    decided = sorted(filled.library.glob("theirs *"))[0]
    again = filled.run("scan", filled.library)
    assert "journal.jsonl was lost or comes from a backup: 6 entries that only the index had were written" in again.err
    assert filled.run("scan", filled.library).err == ""
    decide(filled, decided, "reject")
    strip_notes(filled.library)
    lose(filled)
    filled.run("scan", filled.library)
    assert states(filled) == {"labelled": LABELLED, "machine": len(CONTAINERS)}
    assert filled.run("undo", last_write(filled)).counts["written"] == len(CONTAINERS)


def last_write(station: Station) -> str:
    entries = map(json.loads, (station.home / "journal.jsonl").read_text().splitlines())
    return next(entry["run"] for entry in reversed(list(entries)) if entry.get("action") == "write")


def test_a_torn_journal_and_a_lost_index(filled: Station) -> None:
    """Lines cut off in the middle, twice over, of another version, and not text at all: the others count."""
    journal = filled.home / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    applied = next(number for number, line in enumerate(lines) if b'"stage":"applied"' in line)
    newer = {**json.loads(lines[0]), "stage": "verified", "id": "x"}
    torn = [line for line in lines for _ in range(2)]
    torn[2 * applied : 2 * applied + 2] = [lines[applied][:40] + b"\n"]
    torn[1:1] = [
        json.dumps(newer).encode() + b"\n",
        b"\xff\x00\xfe\n",
        b'{"kind": "poem"}\n',
        b"\n",
    ]
    journal.write_bytes(b"".join(torn))
    strip_notes(filled.library)
    lose(filled)
    first = filled.run("scan", filled.library)
    assert first.code == 0
    assert "passed over" in first.err
    assert "Traceback" not in first.err
    filled.run("scan", filled.library)  # now that the library is known, the torn write is settled
    assert states(filled) == {"labelled": LABELLED, "machine": len(CONTAINERS)}


PLACES = [
    pytest.param({"path": "../outside.mp3"}, id="out of the library"),
    pytest.param({"path": "a/../../outside.mp3"}, id="out of it by a detour"),
    pytest.param({"path": "/etc/passwd"}, id="absolute"),
    pytest.param({"path": ""}, id="none"),
    pytest.param({"library": "{outside}", "path": "outside.mp3"}, id="library that was never scanned"),
    pytest.param({"library": "{library}/../outside", "path": "outside.mp3"}, id="library by a detour"),
    pytest.param({"library": "outside", "path": "outside.mp3"}, id="library that is relative"),
]


@pytest.mark.parametrize("place", PLACES)
def test_a_strange_journal_leads_to_no_file_outside(filled: Station, tmp_path: Path, place: dict[str, str]) -> None:
    folder, outside = filled.home.parent, filled.home.parent / "outside"
    outside.mkdir()
    for target in (outside / "outside.mp3", folder / "outside.mp3"):
        shutil.copy(filled.library / "theirs 0.mp3", target)
        target.with_name(".outside.mp3.tagger-run-1").write_bytes(b"somebody's")
    before = content(folder, filled)
    facts: dict[str, Any] = {"temporary": "../.outside.mp3.tagger-run-1", "genre_blocks": [["id3v2.3", []]]}
    facts |= {"sha256_before": "0", "sha256_after": "1", "inode_before": 1, "genre": "Rock", "audio_hash": "0" * 32}
    entry: dict[str, Any] = {"kind": "change", "at": "2026-01-01T00:00:00+00:00", "run": "run-1", "action": "write"}
    entry |= {"library": str(filled.library), "path": "a.mp3", "by": "machine", "written": "Rock", "facts": facts}
    entry |= dict.fromkeys(("fingerprint", "audio_hash", "genre", "model", "confidence", "undoes"))
    entry |= {key: text.format(outside=outside, library=filled.library) for key, text in place.items()}
    lines = [json.dumps({**entry, "id": stage, "stage": stage}) for stage in ("planned", "ready", "applied")]
    (filled.home / "journal.jsonl").write_text("\n".join(lines) + "\n")
    for words in (["scan", filled.library], ["undo", "run-1"], ["write", "--apply"]):
        assert "Traceback" not in filled.run(*words).err
    assert content(folder, filled) == before


def content(folder: Path, station: Station) -> dict[str, bytes]:
    """Return all files of a folder but those of the home."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and station.home not in path.parents]
    return {str(path): path.read_bytes() for path in files}


# --- the index is damaged -------------------------------------------------------------------------------------------


def overwritten(file: Path, seed: int) -> None:
    """Overwrite stretches at random places with random bytes."""
    chance = random.Random(seed)
    whole = bytearray(file.read_bytes())
    for _ in range(20):
        place = chance.randrange(100, len(whole) - 600)
        whole[place : place + 600] = chance.randbytes(600)
    file.write_bytes(whole)


def zeroed(file: Path, seed: int) -> None:
    whole = bytearray(file.read_bytes())
    for page in random.Random(seed).sample(range(1, len(whole) // 4096), 8):
        whole[4096 * page : 4096 * (page + 1)] = bytes(4096)
    file.write_bytes(whole)


def truncated(file: Path, seed: int) -> None:
    os.truncate(file, random.Random(seed).randrange(2, file.stat().st_size // 4096 - 1) * 4096)


def with_the_log_of_another(file: Path, seed: int) -> None:
    """The log of a younger index lies beside an old copy, as when a backup is put back and the log forgotten."""
    with open_index(file) as index:
        index.meta.set("a", "a" * 30_000)
        log = file.with_name("index.db-wal").read_bytes()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'a'")
        connection.execute("DELETE FROM predictions")
        connection.commit()
        connection.execute("VACUUM")
    file.with_name("index.db-wal").write_bytes(log)


LOOKING = (["status"], ["export"], ["audit"], ["genres"], ["review", "export", "{home}/review.csv"])
CHANGING = (["scan", "{library}"], ["write", "--apply"], ["undo", "run-1"])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("damage", [overwritten, zeroed, truncated, with_the_log_of_another])
def test_a_damaged_index_is_one_line_and_following_it_helps(
    filled: Station, damage: Callable[[Path, int], None], seed: int
) -> None:
    index = filled.home / "index.db"
    damage(index, seed)
    kept = {path.name: path.read_bytes() for path in filled.home.glob("index.db*")}
    damaged = False
    for words in (*LOOKING, *CHANGING):
        for name, whole in kept.items():
            (filled.home / name).write_bytes(whole)
        result = filled.run(*(word.format(home=filled.home, library=filled.library) for word in words))
        if result.code:
            damaged = True
            if result.code == 5:
                one_line(result, 5, f"the index {index} is damaged", "move it away", "The next scan makes a new one")
            else:
                one_line(result, 2, "no run run-1")
    assert damaged or damage is with_the_log_of_another
    for path in filled.home.glob("index.db*"):
        path.rename(filled.home / f"damaged {path.name}")
    strip_notes(filled.library)
    assert filled.run("scan", filled.library).code == 0
    assert states(filled) == {"labelled": LABELLED, "machine": len(CONTAINERS)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tracks SET genre_blocks = 'no json'",
        "UPDATE tracks SET genre_blocks = '[1]'",
        "UPDATE tracks SET state = 'dreamy'",
        "UPDATE tracks SET provenance = '{\"a\": 1}'",
        "UPDATE tracks SET missing_since = 'never'",
        "UPDATE tracks SET path_text = CAST(x'ff' AS TEXT), artist = CAST(x'ff' AS TEXT)",
        "UPDATE runs SET counts = 'x', started_at = 'y'",
        "UPDATE predictions SET decision = 'perhaps'",
        "UPDATE libraries SET added_at = '?'",
        "UPDATE tag_changes SET facts = '{'",
        "UPDATE meta SET value = '{'",
    ],
)
def test_values_that_cannot_be_are_damage(filled: Station, statement: str) -> None:
    with closing(sqlite3.connect(filled.home / "index.db")) as connection:
        connection.execute(statement)
        connection.commit()
    run_id, damaged = last_run(filled), 0
    for words in (*LOOKING, ["scan", "{library}"], ["write", "--apply"], ["undo", run_id]):
        result = filled.run(*(word.format(home=filled.home, library=filled.library) for word in words))
        if result.code:
            one_line(result, 5, "is damaged", "The next scan makes a new one")
            damaged += 1
    assert damaged


def test_rows_that_point_nowhere_are_no_tracks(filled: Station) -> None:
    with closing(sqlite3.connect(filled.home / "index.db")) as connection:
        connection.execute("UPDATE tracks SET library_id = 99 WHERE id = 1")
        connection.execute(
            "INSERT INTO predictions SELECT 999, model_id, '{}', 'x', 1, 'accept', '', made_at, NULL, NULL "
            "FROM predictions LIMIT 1"
        )
        connection.commit()
    assert filled.run("scan", filled.library).code == 0
    assert states(filled)["machine"] >= len(CONTAINERS)
    assert filled.run("write", "--apply").counts["planned"] == 0


def test_a_log_that_is_gone_or_damaged_costs_no_persons_word(filled: Station) -> None:
    """What a killed run left only in the log is lost with it; the journal still knows."""
    path = sorted(filled.library.glob("open *"))[0]
    code = (
        "import os, sys; from tagger.cli import main; from tagger.index.database import Database; "
        "Database.close = lambda self: None; main(sys.argv[1:]); os._exit(0)"
    )
    sheet = filled.home.parent / "review.csv"
    sheet.write_text(f"path,decision\n{path},reject\n")
    subprocess.run([sys.executable, "-c", code, "--home", filled.home, "review", "import", sheet], check=True)
    log = filled.home / "index.db-wal"
    assert log.stat().st_size > 0, "the killed run left its log behind"
    whole = log.read_bytes()
    log.write_bytes(whole[: len(whole) // 2] + os.urandom(len(whole) // 2))
    assert filled.run("scan", filled.library).code == 0
    closed = {row["path"] for row in rows(filled) if row["decision"] == "closed"}
    assert closed == {str(path)}


def rows(station: Station) -> list[dict[str, Any]]:
    return [json.loads(line) for line in station.run("export", "--format", "jsonl", json=False).out.splitlines()]
