"""A night over real files: learn, classify, write, undo; a person's word stands; a second night changes nothing."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.id3 import ID3, TCON

from tagger.audio.hash import audio_hash
from tagger.library.payload import fingerprint
from tagger.library.tags import read_tags

from .conftest import SETTINGS, Station, fill

pytestmark = pytest.mark.slow
EXPECTED = {"0": "Rock", "1": "Jazz", "2": "EDM"}  # by the kind of sound


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """Return a station after a first dry night: scanned, trained, classified, nothing written."""
    folder = tmp_path_factory.mktemp("station")
    station = Station(folder / "home", folder / "library")
    fill(station.library)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, "TAGGER_PROMISE": "0"}.items():
            patch.setenv(name, value)
        before = digests(station.library)
        result = station.run("nightly", station.library)
        assert result.code == 0, result.err
        assert digests(station.library) == before, "a dry run changes no byte"
        assert result.facts["stages"]["write"]["counts"]["planned"] == 6
        (folder / "night.json").write_text(result.out)
        yield station


@pytest.fixture
def night(learned: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    """Return a copy of the learned station that a test may change; the library keeps its place in the index."""
    for name, value in {**SETTINGS, "TAGGER_PROMISE": "0"}.items():
        monkeypatch.setenv(name, value)
    for part in ("home", "library"):
        shutil.rmtree(tmp_path / part, ignore_errors=True)
    shutil.copytree(learned.home, tmp_path / "home", symlinks=True)
    backup = tmp_path / "backup"
    shutil.copytree(learned.library, backup, copy_function=shutil.copy2)
    station = Station(tmp_path / "home", learned.library)
    yield station
    shutil.rmtree(learned.library)
    shutil.copytree(backup, learned.library, copy_function=shutil.copy2)


def digests(library: Path) -> dict[str, tuple[str, int]]:
    """Return the content and the time of every file."""
    return {
        str(path.relative_to(library)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(library.rglob("*"))
        if path.is_file()
    }


def untagged(library: Path) -> list[Path]:
    return sorted(path for path in library.rglob("Artist ?6/Album/*"))


def genre_of(path: Path) -> list[str]:
    return [value for block in read_tags(os.fsencode(path)).genre_blocks for value in block.values]


def test_night_reports_its_stages(learned: Station) -> None:
    facts = json.loads((learned.home.parent / "night.json").read_text())
    assert {"scan", "learn", "classify", "write", "audit"} <= set(facts["stages"])
    assert all({"counts", "seconds"} <= set(stage) for stage in facts["stages"].values())
    assert Path(facts["report"]).is_file()
    assert facts["counts"]["files"] == 42
    assert facts["counts"]["classified"] == 6
    assert facts["run_id"]


def test_writes_the_right_genres_and_no_audio(night: Station) -> None:
    hashes = {path: audio_hash(os.fsencode(path)) for path in night.library.rglob("*") if path.is_file()}
    others = {name: d for name, d in digests(night.library).items() if "6/Album" not in name}
    result = night.run("nightly", night.library, "--apply")
    assert result.code == 0, result.err
    assert result.counts["written"] == 6
    for path in untagged(night.library):
        assert set(genre_of(path)) == {EXPECTED[path.parts[-3][-2]]}
        note = read_tags(os.fsencode(path)).provenance
        assert note is not None and note.run == result.facts["run_id"]
    assert {path: audio_hash(os.fsencode(path)) for path in hashes} == hashes
    now = digests(night.library)
    assert {name: now[name] for name in others} == others, "files with a genre are not touched"
    assert not list(night.library.rglob(".*")), "no temporary file stays behind"


def test_second_night_changes_nothing(night: Station) -> None:
    assert night.run("nightly", night.library, "--apply").counts["written"] == 6
    before = digests(night.library)
    result = night.run("nightly", night.library, "--apply")
    assert (result.code, result.counts["written"], result.counts["planned"]) == (0, 0, 0)
    assert result.counts["unchanged"] == 42
    assert result.counts["machine"] == 6
    assert digests(night.library) == before
    assert night.run("nightly", night.library, "--apply", json=False).out == "", "cron has nothing to mail"


def test_undo_gives_back_the_bytes_and_closes_the_tracks(night: Station) -> None:
    before = {name: content for name, (content, _) in digests(night.library).items()}
    run_id = night.run("write", "--apply").facts["run_id"]
    result = night.run("undo", run_id)
    assert (result.code, result.counts["written"], result.counts["failed"]) == (0, 6, 0)
    assert {name: content for name, (content, _) in digests(night.library).items()} == before
    assert night.run("write", "--apply").counts["planned"] == 0
    decisions = {row["decision"] for row in exported(night) if row["state"] == "untagged"}
    assert decisions == {"closed"}
    assert night.run("write", "--again", "--apply").counts["written"] == 6


def retag(path: Path, genre: str | None) -> None:
    """Change the genre as a person's tag editor does."""
    file = mutagen.File(path)
    if isinstance(file.tags, ID3):
        file.tags.delall("TCON")
        if genre:
            file.tags.add(TCON(encoding=3, text=[genre]))
    else:
        key = "\xa9gen" if path.suffix == ".m4a" else "genre"
        file.pop(key, None)
        if genre:
            file[key] = [genre]
    file.save()


def exported(station: Station) -> list[dict]:
    return [json.loads(line) for line in station.run("export", "--format", "jsonl", json=False).out.splitlines()]


def test_machine_genres_are_never_labels_even_with_a_lost_index(night: Station) -> None:
    night.run("nightly", night.library, "--apply")
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (night.home / name).unlink(missing_ok=True)
    counts = night.run("scan", night.library).counts
    assert (counts["labelled"], counts["machine"]) == (36, 6)


def test_person_change_of_a_machine_genre_is_a_label_and_a_blank_is_a_no(night: Station) -> None:
    night.run("nightly", night.library, "--apply")
    changed, blanked = untagged(night.library)[:2]
    retag(changed, "Country")
    retag(blanked, None)
    night.run("scan", night.library)
    rows = {row["path"]: row for row in exported(night)}
    assert rows[str(changed)]["label"] == "country"
    assert rows[str(changed)]["source"] == "person"
    assert rows[str(blanked)]["state"] == "untagged"
    assert rows[str(blanked)]["decision"] == "closed"
    assert night.run("write", "--apply").counts["planned"] == 0


def test_write_budget_postpones_the_rest(night: Station) -> None:
    result = night.run("nightly", night.library, "--apply", "--max-writes", "2")
    assert (result.code, result.counts["written"], result.counts["postponed"]) == (0, 2, 4)
    assert night.run("nightly", night.library, "--apply").counts["written"] == 4


def test_strict_promise_abstains(night: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_PROMISE", "0.99")
    result = night.run("classify", "--refresh")
    assert (result.counts["accepted"], result.counts["abstained"]) == (0, 6)
    assert night.run("write", "--apply").counts["planned"] == 0


def test_review_round_trip(night: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_PROMISE", "0.99")
    night.run("classify", "--refresh")
    sheet = tmp_path / "review.csv"
    assert night.run("review", "export", sheet).counts["tracks"] >= 6
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    answers = iter(["accept", "country", "reject"])
    for row in rows:
        if "6/Album" in row["path"]:
            row["decision"] = next(answers, "")
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = night.run("review", "import", sheet)
    assert (result.code, result.counts["decisions"]) == (0, 3), result.facts
    written = night.run("write", "--apply")
    assert written.counts["written"] == 2
    assert {item["decision"] for item in written.facts["plan"]} == {"person"}
    counts = night.run("scan", night.library).counts
    assert (counts["labelled"], counts["untagged"], counts["machine"]) == (38, 4, 0)


def test_guess_names_the_genre_and_touches_nothing(night: Station) -> None:
    before = digests(night.library)
    files = [untagged(night.library)[0], night.library / "missing.mp3"]
    result = night.run("guess", *files, "--top", "3")
    assert result.code == 0
    assert result.counts == {"files": 2, "unreadable": 1}
    predictions = result.facts["results"][0]["predictions"]
    assert predictions[0]["genre"] == "rock"
    assert [p["probability"] for p in predictions] == sorted((p["probability"] for p in predictions), reverse=True)
    assert digests(night.library) == before


def test_evaluate_and_train_report_every_metric(night: Station) -> None:
    names = {"track_accuracy", "clip_accuracy", "balanced_accuracy", "macro_f1", "top3_accuracy", "ece"}
    names |= {"majority_baseline", "precision", "coverage"}
    result = night.run("evaluate")
    assert result.code == 0, result.err
    assert set(result.facts["metrics"]) == set(result.facts["intervals"]) == names
    assert all(isinstance(value, float) for value in result.facts["metrics"].values())
    assert result.facts["metrics"]["track_accuracy"] > 0.9


def test_dataset_and_inspect(night: Station) -> None:
    result = night.run("dataset")
    assert result.code == 0
    assert result.counts["tracks"] == 36
    assert result.counts["clips_1s"] == result.counts["clips_2s"] == 180
    folder = Path(result.facts["path"])
    assert (folder / "dataset.json").is_file() and (folder / "manifest.csv").is_file()
    assert night.run("dataset", "info").facts["faults"] == []
    model = next(path for path in (night.home / "models").iterdir() if path.is_dir())
    for path, kind in ((folder, "dataset"), (model / "model.keras", "model"), (untagged(night.library)[0], "audio")):
        assert night.run("inspect", path).facts["kind"] == kind


def test_trains_again_only_when_due(night: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    from .conftest import put_track

    assert "learn" not in night.run("nightly", night.library).facts["stages"]
    for number in range(5):  # 36 labels grow by more than a tenth
        put_track(night.library / "More" / f"{number}.mp3", 0, 900 + number, artist=f"New {number}", genre="Rock")
    facts = night.run("nightly", night.library).facts
    assert facts["stages"]["learn"]["counts"]["tracks"] == 41
    assert list(facts["stages"])[-1] == "learn", "with a model there is, training comes last"
    assert "learn" not in night.run("nightly", night.library).facts["stages"]
    monkeypatch.setenv("TAGGER_RETRAIN_DAYS", "0")
    assert "learn" in night.run("nightly", night.library).facts["stages"]


def test_time_budget_postpones_and_is_no_failure(night: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_RETRAIN_DAYS", "0")
    result = night.run("nightly", night.library, "--apply", "--max-minutes", "0")
    assert (result.code, result.counts["written"], result.counts["postponed"]) == (0, 0, 6)
    assert "learn" not in result.facts["stages"]
    assert night.run("nightly", night.library, "--apply").counts["written"] == 6


def test_training_that_ran_out_of_time_goes_on(night: Station) -> None:
    short = night.run("nightly", night.library, "--max-minutes", "0.001")
    assert short.code == 0
    result = night.run("train", "--epochs", "1", "--family", "cnn2d-wtsc")
    assert result.code == 0, result.err
    assert result.facts["model"].split("-", 1)[1].startswith("cnn2d-wtsc")


def test_foreign_picture_data_set_can_be_trained_on(station: Station, tmp_path: Path) -> None:
    from PIL import Image

    random = np.random.default_rng(1)
    for split, tracks in (("train", 6), ("val", 2), ("test", 2)):
        for label, level in (("dark", 40), ("light", 200)):
            folder = tmp_path / "pictures" / split / label
            folder.mkdir(parents=True)
            for track in range(tracks):
                for clip in range(3):
                    noise = random.integers(0, 40, (40, 50), dtype=np.uint8) + np.uint8(level)
                    Image.fromarray(noise).save(folder / f"{label}{split}{track}__{clip}.png")
    result = station.run("train", "--dataset", tmp_path / "pictures", "--epochs", "4")
    assert result.code == 0, result.err
    assert result.counts == {"tracks": 20, "clips": 60}
    assert result.facts["promoted"] is False
    assert result.facts["metrics"]["majority_baseline"] == 0.5
    model = station.home / "models" / result.facts["model"]
    assert (model / "card.json").is_file() and (model / "confusion.png").is_file()
    assert station.run("dataset", "info", tmp_path / "pictures").facts["faults"] == []


def test_audit_suspects_a_wrong_genre_on_an_artist_that_the_model_never_heard(night: Station) -> None:
    assert night.run("audit").counts["suspicious"] == 0
    heldout = next((night.home / "models").rglob("heldout.csv"))
    with heldout.open(newline="") as file:
        row = max((row for row in csv.DictReader(file) if row["label"] == "rock"), key=lambda row: float(row["rock"]))
    path = next(p for p in night.library.rglob("*.*") if fingerprint(bytes(p))[:16] == row["track"])
    retag(path, "Classical")
    night.run("scan", night.library)
    findings = [f for f in night.run("audit").facts["findings"] if f["kind"] == "suspicious"]
    assert [(f["path"], f["suggested"]) for f in findings] == [(str(path), "rock")]


def test_person_who_typed_after_the_scan_wins(night: Station) -> None:
    path = untagged(night.library)[0]
    times = path.stat()
    retag(path, "Metal")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as some tag editors do
    result = night.run("write", "--apply")
    assert (result.counts["written"], result.counts["postponed"]) == (5, 1)
    assert genre_of(path)[0] == "Metal"


def test_another_promise_takes_effect_without_classifying_again(
    night: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert night.run("write").counts["planned"] == 6
    monkeypatch.setenv("TAGGER_PROMISE", "0.99")
    assert night.run("write").counts["planned"] == 0
    monkeypatch.setenv("TAGGER_PROMISE", "0")
    assert night.run("nightly", night.library).counts["planned"] == 6


def test_killed_write_is_gone_on_with_and_no_file_is_written_twice(night: Station) -> None:
    command = [sys.executable, "-m", "tagger", "--home", str(night.home), "write", "--apply"]
    journal = night.home / "journal.jsonl"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (journal.exists() and journal.read_text().count('"applied"') >= 2):
            time.sleep(0.001)
        process.kill()
    assert night.run("write", "--apply").code == 0
    done = [entry for line in journal.read_text().splitlines() if (entry := json.loads(line)).get("stage") == "applied"]
    assert sorted(Path(entry["path"]).parts[-3:] for entry in done) == sorted(
        path.parts[-3:] for path in untagged(night.library)
    )
    assert night.run("scan", night.library).counts["machine"] == 6
    assert not list(night.library.rglob(".*"))


def test_files_to_write_that_are_gone_stop_the_write(night: Station) -> None:
    before = digests(night.library)
    hidden = night.library.parent / "hidden"
    shutil.move(untagged(night.library)[0].parents[1], hidden)
    assert night.run("write", "--apply").code == 4
    shutil.move(hidden, night.library / "Artist 06")
    assert digests(night.library) == before


def test_worse_model_of_another_family_is_not_promoted(night: Station) -> None:
    old = night.run("status").facts["model"]["id"]
    result = night.run("train", "--family", "cnn2d-wtsc", "--epochs", "1")
    assert result.code == 0
    assert result.facts["metrics"]["track_accuracy"] < 0.9, "one epoch is not enough for this test"
    assert result.facts["promoted"] is False
    assert night.run("status").facts["model"]["id"] == old


def test_model_trained_in_place_of_a_damaged_one_is_used(night: Station) -> None:
    old = night.run("status").facts["model"]["id"]
    own = night.home / "models" / old
    with contextlib.closing(sqlite3.connect(night.home / "index.db", isolation_level=None)) as index:
        index.execute("UPDATE models SET folder = ? WHERE id = ?", (str(own), old))  # the index is a copy
    (own / "model.keras").write_bytes(b"cut off")
    result = night.run("train", "--family", "cnn2d-wtsc", "--epochs", "1")
    assert result.code == 0, result.err
    assert result.facts["promoted"] is True
    assert night.run("status").facts["model"]["id"] == result.facts["model"]


def test_bad_files_are_mailed_once(night: Station) -> None:
    night.run("nightly", night.library, "--apply")
    (night.library / "broken.mp3").write_bytes(b"")
    (night.library / "dangling.mp3").symlink_to("nowhere.mp3")
    assert "broken.mp3" in night.run("nightly", night.library, "--apply", json=False).out
    assert night.run("nightly", night.library, "--apply", json=False).out == ""
    assert [e["path"] for e in night.run("nightly", night.library).facts["errors"]] == [
        *(str(night.library / name) for name in ("dangling.mp3", "broken.mp3"))
    ]


def test_closed_pipe_is_no_failure(night: Station) -> None:
    command = f"{sys.executable} -m tagger --home {night.home} export | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("path,")


def test_file_that_is_taken_away_right_after_its_write_is_no_failure(
    night: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tagger.library.write

    real = tagger.library.write.write_genre

    def write_and_lose(path: bytes, *rest: object) -> object:
        outcome = real(path, *rest)
        os.unlink(path)
        return outcome

    monkeypatch.setattr(tagger.library.write, "write_genre", write_and_lose)
    result = night.run("write", "--apply", "--max-writes", "1")
    assert (result.code, result.counts["written"]) == (0, 1)
    assert night.run("scan", night.library).counts["missing"] == 1


def test_a_model_of_an_earlier_format_waits_for_a_new_one(night: Station) -> None:
    """An update of tagger must not end every night with an error until somebody trains by hand."""
    card = next((night.home / "models").glob("*/card.json"))
    card.write_text(json.dumps(json.loads(card.read_text()) | {"format": 1}))
    with contextlib.closing(sqlite3.connect(night.home / "index.db")) as index, index:
        index.execute("UPDATE models SET folder = ?", (str(card.parent),))  # the copied index names the first home's
    result = night.run("nightly", night.library, "--max-minutes", "0")
    assert result.code == 0, result.err
    assert "classify" not in result.facts["stages"]
    assert night.run("guess", untagged(night.library)[0]).code == 2, "asked for by itself, it says what is wrong"
    result = night.run("nightly", night.library)
    assert result.code == 0, result.err
    assert list(result.facts["stages"])[:2] == ["scan", "learn"]
