"""A station with the pretrained trunk: answers before there is any label, and what changes once there are some."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.base.records import Split
from tagger.base.settings import FAMILY_NAMES
from tagger.commands import compare, learn, transfer
from tagger.commands.session import Session
from tagger.commands.sources import clip_sources
from tagger.library.compose import compose_tags
from tagger.model import batches

from .conftest import SETTINGS, Result, Station, put_track

pytestmark = pytest.mark.slow

VARIABLES = {
    **SETTINGS,
    "TAGGER_PROMISE": "0",
    "TAGGER_CLIPS": "1",
    "TAGGER_CLIP_SECONDS": "1",
    "TAGGER_EPOCHS": "1",
    "TAGGER_WORKERS": "1",
}
KINDS = {0: "Rock", 2: "Dance"}  # of sound, as people type them
ARTISTS = 4  # of each kind
SECONDS = 3.6  # of each song: room for one clip of 3 s
OPEN = [f"open {kind}{number}.mp3" for kind in KINDS for number in range(1)]  # songs that stay untagged
TRUNKS = [name for name in FAMILY_NAMES if name.startswith("trunk")] + ["cnn2d-distilled"]


def song(library: Path, kind: int, artist: int) -> Path:
    return library / f"Artist {kind}{artist}" / "song.mp3"


def fill(library: Path) -> None:
    """Put in songs that nobody tagged: four by an artist each of two kinds, and another of each kind."""
    for kind in KINDS:
        for artist in range(ARTISTS):
            put_track(song(library, kind, artist), kind, 10 * kind + artist, seconds=SECONDS,
                      artist=f"Artist {kind}{artist}", title=f"Song {kind}{artist}")  # fmt: skip
    for number, name in enumerate(OPEN):
        kind = int(name[5])
        put_track(library / name, kind, 90 + number, seconds=SECONDS, artist=f"New {kind}{number}")


def tag(library: Path, kinds: tuple[int, ...] = tuple(KINDS), artists: int = ARTISTS) -> None:
    """Give the songs of known artists a genre, as a person would."""
    for kind in kinds:
        for artist in range(artists):
            tags = {"artist": f"Artist {kind}{artist}", "title": f"Song {kind}{artist}", "genre": KINDS[kind]}
            compose_tags(os.fsencode(song(library, kind, artist)), "mp3", tags)


def digests(library: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(library)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(library.rglob("*"))
        if path.is_file()
    }


@contextlib.contextmanager
def opened(station: Station, **settings: object) -> Iterator[Session]:
    """Work with a station as a command does."""
    arguments = argparse.Namespace(command="train", home=str(station.home), **settings)
    with Session.from_arguments(arguments) as session:
        session.begin()
        yield session


def card_of(station: Station, model: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((station.home / "models" / model / "card.json").read_text())
    return found


def one_line(result: Result, *parts: str) -> None:
    """Check that a command was refused, in one line."""
    assert (result.code, result.out) == (2, ""), (result.code, result.out, result.err)
    (line,) = [line for line in result.err.splitlines() if line and not line.startswith(("usage:", " "))]
    for part in parts:
        assert part in line


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def untagged(tmp_path_factory: pytest.TempPathFactory, installed_trunks: Path) -> Station:
    """A station with the trunk, and a library that is scanned and without a single label."""
    folder = tmp_path_factory.mktemp("untagged")
    station = Station(folder / "home", folder / "library")
    fill(station.library)
    station.home.mkdir()
    shutil.copytree(installed_trunks, station.home / "trunks")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        assert station.run("scan", station.library).counts["untagged"] == 2 * ARTISTS + len(OPEN)
    return station


Copy = Callable[[Station], Station]


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """Return a function that copies a station for one test; its library keeps its place, and is put back after it."""
    kept: list[tuple[Path, Path]] = []

    def make(station: Station) -> Station:
        home = tmp_path / f"home{len(kept)}"
        shutil.copytree(station.home, home, symlinks=True)
        kept.append((station.library, Path(shutil.copytree(station.library, tmp_path / f"library{len(kept)}"))))
        return Station(home, station.library)

    yield make
    for library, backup in reversed(kept):
        shutil.rmtree(library)
        shutil.copytree(backup, library)


# --- without labels -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cold(untagged: Station, tmp_path_factory: pytest.TempPathFactory) -> tuple[Station, Result]:
    """The same station after a night that was allowed to write, at the lowest promise there is."""
    home = tmp_path_factory.mktemp("cold") / "home"
    shutil.copytree(untagged.home, home)
    station = Station(home, untagged.library)
    before = digests(station.library)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        result = station.run("nightly", station.library, "--apply")
    assert digests(station.library) == before, "not a byte is written"
    return station, result


def test_a_night_without_labels_answers_and_writes_nothing(cold: tuple[Station, Result]) -> None:
    station, result = cold
    assert result.code == 0, result.err
    assert list(result.facts["stages"])[:2] == ["scan", "learn"]
    assert (result.counts["classified"], result.counts["accepted"]) == (2 * ARTISTS + len(OPEN), 0)
    assert (result.counts["planned"], result.counts["written"]) == (0, 0)
    card = card_of(station, result.facts["trained"])
    assert (card["family"], card["cold_start"], card["recipe"]) == ("trunk-map", True, {"trunk": "map of tags"})
    assert len(card["genres"]) == 10 and card["counts"]["train"]["tracks"] == 0
    assert station.run("status").facts["model"]["id"] == card["id"]


def test_what_it_says_is_there_for_review(cold: tuple[Station, Result], tmp_path: Path) -> None:
    station, _ = cold
    rows = [json.loads(line) for line in station.run("export", "--format", "jsonl", json=False).out.splitlines()]
    assert len(rows) == 2 * ARTISTS + len(OPEN)
    assert {row["decision"] for row in rows} == {"abstain"}
    assert all("a person decides" in row["reason"] and row["predicted"] and 0 < row["confidence"] < 1 for row in rows)
    assert station.run("review", "export", tmp_path / "review.csv").code == 0
    assert (tmp_path / "review.csv").read_text().count("\n") == len(rows) + 1


def test_a_second_night_without_labels_has_nothing_to_do(cold: tuple[Station, Result], copy: Copy) -> None:
    station = copy(cold[0])
    result = station.run("nightly", station.library, "--apply")
    assert (result.code, result.facts["trained"]) == (0, None), result.err
    assert "learn" not in result.facts["stages"]
    assert station.run("nightly", station.library, "--apply", json=False).out == "", "cron has nothing to mail"


def test_classify_and_guess_answer_alike_and_write_finds_nothing(untagged: Station, copy: Copy) -> None:
    station = copy(untagged)
    path = station.library / OPEN[0]
    before = digests(station.library)
    guessed = station.run("guess", path, "--top", "10")
    assert guessed.code == 0, guessed.err
    assert guessed.facts["cold_start"] is True
    chances = {row["genre"]: row["probability"] for row in guessed.facts["results"][0]["predictions"]}
    assert len(chances) == 10 and sum(chances.values()) == pytest.approx(1, abs=1e-4)
    assert not list((station.home / "models").glob("*")), "guessing leaves no model behind"

    classified = station.run("classify")
    assert (classified.code, classified.counts["accepted"]) == (0, 0), classified.err
    assert classified.counts["classified"] == 2 * ARTISTS + len(OPEN)
    rows = [json.loads(line) for line in station.run("export", "--format", "jsonl", json=False).out.splitlines()]
    (row,) = [row for row in rows if row["path"] == str(path)]
    assert row["predicted"] == max(chances, key=lambda genre: chances[genre])
    assert row["confidence"] == pytest.approx(max(chances.values()), abs=1e-4)
    written = station.run("write", "--apply")
    assert (written.code, written.counts["planned"], written.counts["written"]) == (0, 0, 0)
    assert digests(station.library) == before
    assert "for review only" in station.run("guess", path, json=False).out, "of the model that classify left, too"


def test_without_labels_and_trunk_there_is_no_model(untagged: Station, copy: Copy) -> None:
    station = copy(untagged)
    shutil.rmtree(station.home / "trunks")
    for command in (["guess", station.library / OPEN[0]], ["classify"]):
        one_line(station.run(*command, json=False), "there is no model yet")


# --- labels come ----------------------------------------------------------------------------------------------------


def test_labels_of_one_genre_leave_the_map_and_of_a_second_take_over(cold: tuple[Station, Result], copy: Copy) -> None:
    """However many labels of one genre there were on the first night, a few of a second are news."""
    station = copy(cold[0])
    tag(station.library, kinds=(0,))
    first = station.run("nightly", station.library)
    assert (first.code, first.facts["trained"]) == (0, None), first.err
    assert station.run("status").facts["model"]["id"] == cold[1].facts["trained"]
    with opened(station) as session:
        session.index.meta.set(learn.LAST_TRAINING, {**session.index.meta.get(learn.LAST_TRAINING), "labels": 100})
    tag(station.library, kinds=(2,), artists=3)
    second = station.run("nightly", station.library)
    assert second.code == 0, second.err
    card = card_of(station, second.facts["trained"])
    assert (card["family"], card["recipe"]["trunk"]) == ("trunk", "frozen")
    assert "cold_start" not in card
    assert station.run("status").facts["model"]["id"] == card["id"], "it takes the place of what had learned nothing"
    assert len(card["genres"]) == 10, "genres without labels are still known to the map"
    assert {"hold", "map_scale"} <= card["recipe"].keys()
    third = station.run("nightly", station.library)
    assert (third.code, third.facts["trained"]) == (0, None)


def test_another_genre_map_gives_another_map_of_tags(cold: tuple[Station, Result], copy: Copy) -> None:
    station = copy(cold[0])
    (station.home / "genre_map.yaml").write_text(
        "genres:\n  - {id: metal, name: Metal}\n  - {id: disco, name: Disco}\n  - {id: folk, name: Folk}\n"
    )
    result = station.run("nightly", station.library)
    assert result.code == 0, result.err
    assert card_of(station, result.facts["trained"])["genres"] == ["metal", "disco", "folk"]
    assert station.run("nightly", station.library).facts["trained"] is None


@pytest.fixture(scope="module")
def labelled(untagged: Station, tmp_path_factory: pytest.TempPathFactory) -> Station:
    """A station like the untagged one whose known artists have labels; no model yet."""
    folder = tmp_path_factory.mktemp("labelled")
    station = Station(folder / "home", folder / "library")
    shutil.copytree(untagged.library, station.library)
    tag(station.library)
    station.home.mkdir()
    shutil.copytree(untagged.home / "trunks", station.home / "trunks")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        counts = station.run("scan", station.library).counts
        assert (counts["labelled"], counts["untagged"]) == (2 * ARTISTS, len(OPEN))
    return station


def test_a_model_on_the_trunk_says_how_it_learned_and_is_one_like_others(
    labelled: Station, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = copy(labelled)
    result = station.run("train", "--family", "trunk")
    assert result.code == 0, result.err
    card = card_of(station, result.facts["model"])
    assert (card["family"], card["recipe"]["trunk"], card["form"]["name"]) == ("trunk", "frozen", "musicnn")
    assert result.facts["promoted"] is True
    evaluated = station.run("evaluate")
    assert evaluated.code == 0, evaluated.err
    assert evaluated.facts["metrics"]["track_accuracy"] == card["metrics"]["track_accuracy"]
    guessed = station.run("guess", station.library / OPEN[0])
    assert (guessed.code, guessed.facts["cold_start"]) == (0, False), guessed.err
    with opened(station) as session:
        assert learn.why_due(session) is None
    monkeypatch.setenv("TAGGER_PREFER", "speed")
    with opened(station) as session:
        assert learn.why_due(session) == "another kind of model is wanted (cnn2d-distilled)"


def test_a_distilled_network_learns_from_all_tracks_but_those_of_held_out_artists(
    labelled: Station, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LEAST_EPOCH", 1)  # how well it learns is not the matter here
    station = copy(labelled)
    with opened(station) as session:
        held = next(source for source in clip_sources(session).labelled if source.split == Split.TEST)
    name = Path(os.fsdecode(held.path)).parent.name
    put_track(station.library / "more.mp3", 0, 77, seconds=SECONDS, artist=name)  # untagged, by a held-out artist
    assert station.run("scan", station.library).counts["untagged"] == len(OPEN) + 1
    with opened(station) as session:
        sources = clip_sources(session)
        untagged = transfer.untagged_sources(session, sources)
        assert sorted(Path(os.fsdecode(source.path)).name for source in untagged) == sorted(OPEN)
        assert {source.split for source in untagged} == {"train"}
    result = station.run("train", "--family", "cnn2d-distilled")
    assert result.code == 0, result.err
    card = card_of(station, result.facts["model"])
    learned = sum(source.split == Split.TRAIN for source in sources.labelled)
    assert (card["family"], card["form"]["name"]) == ("cnn2d-distilled", "mel")
    assert card["counts"]["train"]["tracks"] == learned + len(OPEN)
    assert card["counts"]["val"]["tracks"] + card["counts"]["test"]["tracks"] == 2 * ARTISTS - learned
    assert len(card["genres"]) == 10
    assert station.run("guess", station.library / OPEN[0]).code == 0, "it is a model like others"


def test_compare_puts_families_on_the_trunk_beside_others(labelled: Station, copy: Copy) -> None:
    station = copy(labelled)
    result = station.run("compare", "--families", "trunk-frozen,knn")
    assert result.code == 0, result.err
    rows = {row["family"]: row for row in result.facts["rows"]}
    assert rows.keys() == {"trunk-frozen", "knn"}
    assert all(row["tracks_per_second"] > 0 for row in rows.values())
    assert len({row["metrics"]["majority_baseline"] for row in rows.values()}) == 1, "all on the same tracks"


# --- which family ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "trunk", "wanted"),
    [
        pytest.param({}, True, "trunk", id="default"),
        pytest.param({}, False, "cnn2d", id="no trunk"),
        pytest.param({"prefer": "accuracy"}, True, "trunk", id="accuracy"),
        pytest.param({"prefer": "speed"}, True, "cnn2d-distilled", id="speed"),
        pytest.param({"prefer": "speed"}, False, "cnn2d", id="speed, no trunk"),
        pytest.param({"prefer": "scratch"}, True, "cnn2d", id="scratch"),
        pytest.param({"family": "logreg"}, True, "logreg", id="another family"),
        pytest.param({"family": "trunk-frozen", "prefer": "scratch"}, True, "trunk-frozen", id="asked for by name"),
    ],
)
def test_the_family_that_is_trained(
    station: Station, installed_trunks: Path, monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str], trunk: bool, wanted: str,
) -> None:  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(f"TAGGER_{name.upper()}", value)
    if trunk:
        (station.home).mkdir()
        (station.home / "trunks").symlink_to(installed_trunks)
    with opened(station) as session:
        assert transfer.family_wanted(session) == wanted


def test_without_a_trunk_it_says_once_what_is_missed(labelled: Station, copy: Copy) -> None:
    station = copy(labelled)
    shutil.rmtree(station.home / "trunks")
    with opened(station) as session:
        texts = [
            learn.learn(session, "it was asked for", lambda _: learn.Learned("Trained.", model_id="1")).text
            for _ in range(2)
        ]
    assert texts == [f"Trained. {learn.NO_TRUNK}", "Trained."]


def test_where_there_is_a_trunk_nothing_is_missed(labelled: Station, copy: Copy) -> None:
    with opened(copy(labelled)) as session:
        learned = learn.learn(session, "asked", lambda _: learn.Learned("Trained.", model_id="1"), family="cnn2d")
    assert learned.text == "Trained."


def test_compare_leaves_out_what_needs_a_trunk_where_there_is_none(
    station: Station, installed_trunks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(station, verbose=True) as session:
        assert compare._usual(session) == tuple(name for name in FAMILY_NAMES if name not in TRUNKS)
    (station.home / "trunks").symlink_to(installed_trunks)
    with opened(station) as session:
        assert compare._usual(session) == FAMILY_NAMES


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", TRUNKS)
def test_families_on_the_trunk_take_no_pictures(station: Station, family: str, tmp_path: Path) -> None:
    for command in (["train", "--family", family], ["compare", "--families", f"cnn2d,{family}"]):
        one_line(station.run(*command, "--dataset", tmp_path, json=False), family, "takes no --dataset")


@pytest.mark.parametrize("family", TRUNKS)
def test_families_on_the_trunk_have_no_recipe_to_search_for(station: Station, family: str) -> None:
    one_line(station.run("train", "--family", family, "--search", json=False), family, "no recipe to search for")


def test_a_search_without_a_family_names_another(station: Station, installed_trunks: Path) -> None:
    station.home.mkdir()
    (station.home / "trunks").symlink_to(installed_trunks)
    one_line(station.run("train", "--search", json=False), "trunk has no recipe", "such as cnn2d")


def test_a_damaged_trunk_is_said_in_a_line(untagged: Station, labelled: Station, copy: Copy) -> None:
    damaged = "MSD_musicnn.npz is damaged or was exchanged; run `tagger trunk install musicnn` again"
    for station, commands in (
        (copy(untagged), [["guess", untagged.library / OPEN[0]], ["classify"]]),
        (copy(labelled), [["train"], ["train", "--family", "trunk-map"]]),
    ):
        path = station.home / "trunks" / "musicnn" / "MSD_musicnn.npz"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        for command in commands:
            one_line(station.run(*command, "-q", json=False), damaged)


def test_a_family_on_the_trunk_says_that_it_needs_it(labelled: Station, copy: Copy) -> None:
    station = copy(labelled)
    shutil.rmtree(station.home / "trunks")
    for family in ("trunk", "cnn2d-distilled"):
        one_line(
            station.run("train", "--family", family, "-q", json=False),
            f"{family}: it needs the pretrained trunk; `tagger trunk install musicnn` gets it",
        )
