"""What killed runs leave half-written goes with the next run, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.audio.dataset import build_dataset
from tagger.audio.spectrogram import FORMS
from tagger.base.home import Home
from tagger.commands.settle import clear_away
from tagger.model.folder import remove_models

LEFT = (
    ".tagger.lock.holder.x1y2z3ab.part",
    ".index.db.lock.holder.x1y2z3ab.part",
    "cache/training-cnn2d/.training.npz.x1y2z3ab.part",
    "models/.20260101T000000-cnn2d-cafe.part/card.json",
    "backups/.index-0001-20260101T000000.db.part",
    "reports/20260101T000000-cafe/.report.html.x1y2z3ab.part",
)
KEPT = (
    ".list.csv.x1y2z3ab.part",  # an export under way: it takes no lock
    "reports/evaluation-m1/.genres.png.x1y2z3ab.part",  # neither does `evaluate`
    "cache/training-cnn2d/training.npz",
    "models/20260101T000000-cnn2d-beef/card.json",
    "mine.part",
)


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_half_written_files_of_a_home_go(tmp_path: Path) -> None:
    _touch(tmp_path, *LEFT, *KEPT)
    clear_away(Home(tmp_path))
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(KEPT)
    assert not (tmp_path / "models" / ".20260101T000000-cnn2d-cafe.part").exists()


def test_a_home_without_its_folders_has_nothing_left(tmp_path: Path) -> None:
    clear_away(Home(tmp_path))
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_removed_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    _touch(tmp_path, *LEFT)
    with monkeypatch.context() as patch, caplog.at_level("WARNING", "tagger"):
        patch.setattr(Path, "unlink", refuse)
        clear_away(Home(tmp_path))
    assert f"{tmp_path / LEFT[0]} is left from a killed run and cannot be removed: Permission denied" in caplog.text
    assert not (tmp_path / "models" / ".20260101T000000-cnn2d-cafe.part").exists()


def test_a_build_clears_away_half_written_lists_of_its_data_set(tmp_path: Path) -> None:
    _touch(tmp_path, ".manifest.csv.x1y2z3ab.part", ".dataset.json.x1y2z3ab.part", ".mine.part")
    build_dataset([], tmp_path, [1], FORMS["mel"], 2, ["rock"], 1, "map", 1)
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.csv", "dataset.json", ".mine.part"}


def test_old_models_go_and_the_newest_of_the_unknown_stay(tmp_path: Path) -> None:
    names = [f"2026010{day}T000000-cnn2d-cafe" for day in range(1, 7)]
    _touch(
        tmp_path, *(f"{name}/card.json" for name in names), "README.md", "mine/card.json", f"{names[0]}0/model.keras"
    )
    old, current, *unknown = names
    remove_models(tmp_path, [old, "20250101T000000-cnn2d-gone"], [old, current], kept=3)
    expected = {current, *unknown[1:], "README.md", "mine", f"{names[0]}0"}
    assert {path.name for path in tmp_path.iterdir()} == expected
