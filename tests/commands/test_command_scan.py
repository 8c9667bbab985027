"""`tagger scan` over real files: what it counts, what it refuses, what it leaves alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Station

Add = Callable[..., Path]
STATES = ("labelled", "unmapped", "ambiguous", "skipped", "untagged", "machine")


@pytest.fixture
def scanned(station: Station, add_track: Add) -> Station:
    """Return a station whose library of ten files was scanned once."""
    genres = ["Rock", "rock & roll", "(17)", "Jazz", None, "Unknown genre", "Zzyzx", "Rock; Jazz", "Soundtrack"]
    for number, genre in enumerate(genres):
        tags = {"artist": f"Artist {number}"} | ({"genre": genre} if genre else {})
        add_track(station.library / f"{number}.mp3", seed=number, seconds=3.0, **tags)
    (station.library / "broken.mp3").write_text("not music at all")
    (station.library / "cover.jpg").write_bytes(b"\xff\xd8")
    result = station.run("scan", station.library)
    assert result.code == 0
    return station


def scan(station: Station, *options: str) -> dict[str, int]:
    result = station.run("scan", station.library, *options)
    assert result.code == 0, result.err
    return result.counts


def test_first_scan_counts_every_file_once_and_every_state(station: Station, scanned: Station) -> None:
    counts = scan(station)
    assert counts["files"] == 10
    assert counts["unchanged"] == 9
    assert counts["unreadable"] == 1
    states = {state: counts[state] for state in STATES}
    assert states == {"labelled": 4, "unmapped": 1, "ambiguous": 1, "skipped": 1, "untagged": 2, "machine": 0}
    assert sum(states.values()) == counts["files"] - counts["unreadable"]


def test_new_changed_moved_missing(scanned: Station, add_track: Add) -> None:
    library = scanned.library
    add_track(library / "new.flac", container="flac", seed=99, genre="Pop")
    os.utime(library / "0.mp3", ns=(1, 1))
    (library / "sub").mkdir()
    shutil.move(library / "1.mp3", library / "sub" / "moved.mp3")
    (library / "2.mp3").unlink()
    counts = scan(scanned)
    assert {k: counts[k] for k in ("files", "new", "changed", "moved", "unchanged", "unreadable", "missing")} == {
        **{"files": 10, "new": 1, "changed": 1, "moved": 1, "unchanged": 6, "unreadable": 1, "missing": 1}
    }


def test_unchanged_files_are_not_opened(scanned: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    import tagger.library.tags

    def refuse(path: bytes) -> None:
        raise AssertionError(f"opened {path!r}")

    monkeypatch.setattr(tagger.library.tags, "read_tags", refuse)
    assert scan(scanned)["unchanged"] == 9


def test_file_that_comes_back_is_no_longer_missing(scanned: Station) -> None:
    hidden = scanned.library.parent / "elsewhere.mp3"
    shutil.move(scanned.library / "2.mp3", hidden)
    assert scan(scanned)["missing"] == 1
    shutil.move(hidden, scanned.library / "2.mp3")
    assert scan(scanned)["missing"] == 0


def lose_half(library: Path) -> None:
    for number in range(5):
        (library / f"{number}.mp3").unlink()


def test_too_many_gone_stops_and_changes_nothing(scanned: Station) -> None:
    lose_half(scanned.library)
    result = scanned.run("scan", scanned.library)
    assert result.code == 4
    assert result.err.count("\n") == 1
    assert "5 of 10 known files are gone" in result.err
    assert scanned.run("status").counts["missing"] == 0


def test_real_clear_out_is_accepted_when_a_person_says_so(scanned: Station) -> None:
    lose_half(scanned.library)
    assert scan(scanned, "--accept-missing")["missing"] == 5


def test_renaming_a_folder_is_no_loss(scanned: Station) -> None:
    (scanned.library / "all").mkdir()
    for path in scanned.library.glob("*.mp3"):
        shutil.move(path, scanned.library / "all" / path.name)
    counts = scan(scanned, "--accept-missing")  # the unreadable file has no fingerprint to be known by
    assert (counts["moved"], counts["missing"]) == (9, 1)


def test_empty_library_is_not_an_emptied_one(scanned: Station) -> None:
    shutil.rmtree(scanned.library)
    scanned.library.mkdir()
    assert scanned.run("scan", scanned.library).code == 4
    scanned.library.rmdir()
    assert scanned.run("scan", scanned.library).code == 4
    assert scanned.run("status").counts["missing"] == 0


def test_excluded_files_are_left_out_and_do_not_count_as_lost(
    scanned: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGGER_EXCLUDE", "[0-4].mp3")
    counts = scan(scanned)
    assert (counts["files"], counts["missing"]) == (5, 0)


def test_another_map_labels_anew_without_opening_files(scanned: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    (scanned.home / "genre_map.yaml").write_text(
        "genres:\n  - {id: loud, name: Loud, aliases: [rock, zzyzx]}\n  - {id: soft, name: Soft, aliases: [jazz]}\n"
    )
    import tagger.library.tags

    monkeypatch.setattr(tagger.library.tags, "read_tags", None)
    counts = scan(scanned)
    assert (counts["labelled"], counts["unmapped"]) == (4, 3)


def test_name_that_is_not_utf8_comes_through(station: Station, add_track: Add) -> None:
    source = add_track(station.library / "a.mp3", genre="Rock")
    os.rename(source, os.path.join(os.fsencode(station.library), b"caf\xe9.mp3"))
    assert scan(station)["labelled"] == 1
    exported = station.run("export", "--format", "jsonl", json=False)
    assert "caf\\udce9.mp3" in exported.out


def test_library_inside_another_is_refused(scanned: Station, add_track: Add) -> None:
    add_track(scanned.library / "pop" / "a.mp3", genre="Pop")
    result = scanned.run("scan", scanned.library / "pop")
    assert result.code == 2
    assert "lies inside the library" in result.err


def test_index_on_postgresql(station: Station, add_track: Add, postgres_url: str) -> None:
    add_track(station.library / "a.mp3", genre="Rock", artist="Ann")
    add_track(station.library / "b.flac", container="flac", seed=2)
    first = station.run("scan", station.library, "--index", postgres_url)
    assert (first.code, first.counts["new"], first.counts["labelled"], first.counts["untagged"]) == (0, 2, 1, 1)
    assert station.run("scan", station.library, "--index", postgres_url).counts["unchanged"] == 2
    rows = station.run("export", "--format", "jsonl", "--index", postgres_url, json=False).out.splitlines()
    assert len(rows) == 2
    assert not (station.home / "index.db").exists()


def test_exports(scanned: Station, tmp_path: Path) -> None:
    keys = ["path", "artist", "album_artist", "album", "title", "genre_tags", "label", "state"]
    keys += ["predicted", "confidence", "decision", "reason", "source"]
    lines = scanned.run("export", "--format", "jsonl", json=False).out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 9
    assert all(list(row) == keys for row in rows)
    assert scanned.run("export").facts["tracks"] == rows
    assert scanned.run("export", "--format", "csv", json=False).out.count("\n") == 10
    result = scanned.run("export", "--format", "m3u", "--out", tmp_path / "lists")
    assert result.code == 0
    assert (tmp_path / "lists" / "rock.m3u").read_bytes().count(b"/library/") == 3
    assert scanned.run("export", "--out", tmp_path / "index.csv").counts == {"tracks": 9}
    assert (tmp_path / "index.csv").read_text("utf-8").startswith("path,artist,")


def test_genres_lists_every_tag_with_what_it_means(scanned: Station) -> None:
    rows = {row["genre_tag"]: row for row in scanned.run("genres").facts["genres"]}
    assert rows["(17)"] == {"genre_tag": "(17)", "count": 1, "canonical": "rock", "state": "mapped"}
    assert rows["Rock; Jazz"]["state"] == "ambiguous"
    assert rows["Zzyzx"] == {"genre_tag": "Zzyzx", "count": 1, "canonical": None, "state": "unmapped"}
    assert rows["Unknown genre"]["state"] == "placeholder"
    unmapped = scanned.run("genres", "--unmapped", "--suggest").facts
    assert {row["genre_tag"] for row in unmapped["genres"]} == {"Zzyzx", "Rock; Jazz"}


def test_audit_counts_each_kind(scanned: Station, tmp_path: Path) -> None:
    result = scanned.run("audit", "--csv", tmp_path / "audit.csv")
    kinds = {finding["kind"] for finding in result.facts["findings"]}
    assert {"unmapped", "ambiguous", "placeholder", "missing"} <= kinds
    assert all(set(f) == {"path", "kind", "genre_tag", "suggested", "score"} for f in result.facts["findings"])
    scores = [finding["score"] for finding in result.facts["findings"]]
    assert scores == sorted(scores, reverse=True)
    assert sum(result.counts.values()) == len(scores)
    assert len((tmp_path / "audit.csv").read_text().splitlines()) == 1 + len(scores)


def test_a_persons_genre_stays_a_label_when_a_copy_of_the_audio_gets_the_same(station: Station, add_track: Add) -> None:
    """Albums and compilations hold the same recordings; one of them may lack the genre."""
    tagged = add_track(station.library / "a.mp3", genre="Rock", title="one")
    other = add_track(station.library / "b.mp3", title="two")
    rows = station.home / "decisions.csv"
    assert station.run("scan", station.library).counts["labelled"] == 1
    rows.write_text(f"path,decision\n{other},Rock\n")
    station.run("review", "import", rows)
    assert station.run("write", "--apply").counts["written"] == 1
    assert station.run("scan", station.library).counts["labelled"] == 2
    exported = station.run("export", "--format", "jsonl", json=False).out.splitlines()
    labels = {Path(row["path"]).name: (row["label"], row["source"]) for row in map(json.loads, exported)}
    assert labels["a.mp3"] == ("rock", "person")
    assert tagged.exists()


def test_a_linked_folder_outside_is_neither_read_nor_written(station: Station, add_track: Add) -> None:
    add_track(station.library.parent / "elsewhere" / "a.mp3", title="a")
    add_track(station.library / "b.mp3", title="b")
    (station.library / "link").symlink_to(station.library.parent / "elsewhere")
    result = station.run("scan", station.library)
    assert (result.code, result.counts["files"]) == (0, 1)
    assert ["leads out of the library" in error["error"] for error in result.facts["errors"]] == [True]
