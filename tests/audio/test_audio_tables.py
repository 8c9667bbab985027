"""What other programs read: complete, exact, and whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tagger.audio.features import FEATURES
from tagger.audio.tables import DECIMALS, Row, write_features_csv, write_mfcc_json

RANDOM = np.random.default_rng(1)
GENRES = ("jazz", "r&b", "caf\xe9")


def rows(*shape: int) -> list[Row]:
    def numbers(clips: int) -> np.ndarray:
        return (300 * RANDOM.standard_normal((clips, *shape))).astype(np.float32)

    return [("a" * 16, "r&b", "train", numbers(2)), ("b" * 16, "caf\xe9", "test", numbers(1))]


def test_features_come_back_bit_for_bit(tmp_path: Path) -> None:
    given = rows(85)
    write_features_csv(tmp_path / "a.csv", given)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    assert header == ["track", "label", "split", "clip", *FEATURES]
    assert [line[:4] for line in lines] == [
        ["a" * 16, "r&b", "train", "0"],
        ["a" * 16, "r&b", "train", "1"],
        ["b" * 16, "caf\xe9", "test", "0"],
    ]
    found = np.array([line[4:] for line in lines]).astype(np.float32)
    np.testing.assert_array_equal(found, np.concatenate([row[3] for row in given]))


def test_a_label_is_no_formula(tmp_path: Path) -> None:
    write_features_csv(tmp_path / "a.csv", [("a" * 16, "=1+1", "train", np.zeros((1, 85), np.float32))])
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("a" * 16 + ",'=1+1,train,0,0.0,")


def test_mfccs_come_back(tmp_path: Path) -> None:
    given = rows(44, 13)
    write_mfcc_json(tmp_path / "a.json", GENRES, iter(given))
    content = (tmp_path / "a.json").read_text(encoding="ascii")
    found = json.loads(content)
    assert set(found) == {"mapping", "labels", "tracks", "splits", "mfcc"}
    assert found["mapping"] == list(GENRES)
    assert found["labels"] == [1, 1, 2]
    assert found["tracks"] == ["a" * 16, "a" * 16, "b" * 16]
    assert found["splits"] == ["train", "train", "test"]
    assert np.shape(found["mfcc"]) == (3, 44, 13)
    np.testing.assert_allclose(found["mfcc"], np.concatenate([row[3] for row in given]), rtol=0, atol=0.51e-4)
    assert len(content) < 3 * 44 * 13 * (7 + DECIMALS), "digits that say nothing are left out"


def test_no_rows_are_a_table_too(tmp_path: Path) -> None:
    write_features_csv(tmp_path / "a.csv", [])
    write_mfcc_json(tmp_path / "a.json", GENRES, [])
    assert (tmp_path / "a.csv").read_text().count("\n") == 1
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "mapping": list(GENRES),
        "mfcc": [],
        "labels": [],
        "tracks": [],
        "splits": [],
    }


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (("c" * 16, "polka", "train", np.zeros((1, 44, 13), np.float32)), "'polka' .* is none of"),
        (("c" * 16, "jazz", "train", np.full((1, 44, 13), np.nan, np.float32)), "not JSON compliant"),
    ],
    ids=["label", "no-number"],
)
def test_a_bad_row_leaves_the_old_json(tmp_path: Path, bad: Row, match: str) -> None:
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(ValueError, match=match):
        write_mfcc_json(tmp_path / "a.json", GENRES, [*rows(44, 13), bad])
    assert (tmp_path / "a.json").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_interrupted_table_leaves_the_old_one(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Row]:
        yield from rows(85)
        raise KeyboardInterrupt

    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_features_csv(tmp_path / "a.csv", interrupted())
    with pytest.raises(ValueError, match="not \\(clips, 85\\)"):
        write_features_csv(tmp_path / "a.csv", rows(57))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "old")]
