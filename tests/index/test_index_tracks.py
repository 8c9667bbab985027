"""What a scan puts into the index, and what becomes of it when files change, move, break or go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagger.base.errors import UnreadableAudio
from tagger.base.records import (
    Decision,
    FoundFile,
    GenreBlock,
    Prediction,
    Provenance,
    TrackLabel,
    TrackState,
    TrackTags,
)
from tagger.index import tracks
from tagger.index.rows import KnownFile, ScannedFile, TrackRow, UnreadableFile
from tagger.index.store import Index

Put = Callable[..., TrackRow]
NOT_UTF8 = b"caf\xe9/\xff\xfe one.mp3"


def file_of(path: bytes, fingerprint: str = "f" * 32, **tags: object) -> ScannedFile:
    facts = dict.fromkeys(
        ("artist", "album_artist", "album", "title", "track_number", "year", "duration", "provenance")
    )
    facts |= {"container": "flac", "genre_blocks": (), "compilation": True, "fingerprint": fingerprint, **tags}
    return ScannedFile(FoundFile(path, 2**40, 2**62), TrackTags(**facts), None)


def test_every_field_comes_back(index: Index, library: int) -> None:
    tags = TrackTags(
        container="mp3",
        genre_blocks=(GenreBlock("id3v2.4", ("Rock", "\udcff odd\0")), GenreBlock("id3v1", ("17",))),
        artist="Sigur Rós",
        album_artist="Various Artists",
        album="Ágætis byrjun",
        title="Svefn-g-englar",
        track_number="2/10",
        year="1999-06-12",
        duration=603.25,
        compilation=True,
        provenance=Provenance("Rock", "m1", 0.93, "run-0"),
        fingerprint="0123456789abcdef" * 2,
    )
    index.tracks.save(library, [ScannedFile(FoundFile(NOT_UTF8, 2**40, 2**62 + 1), tags, "Rock; odd")], "run-1")
    row = index.select.at_path(library, NOT_UTF8)
    assert row is not None
    for name in TrackTags.__dataclass_fields__:
        assert getattr(row, name) == getattr(tags, name), name
    assert (row.path, row.size, row.mtime_ns, row.genre_tag) == (NOT_UTF8, 2**40, 2**62 + 1, "Rock; odd")
    assert row.absolute == b"/music/" + NOT_UTF8
    assert (row.folder, row.track, row.seen_run) == (b"caf\xe9", "0123456789abcdef", "run-1")
    assert (row.state, row.label, row.closed, row.error, row.audio_error) == (None, None, False, None, None)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        pytest.param("A\0B", "A; B", id="values with a NUL between"),
        pytest.param("A\0", "A", id="closing NUL"),
        pytest.param("caf\udce9", "caf\ufffd", id="lone surrogate"),
        pytest.param("😀 ß", "😀 ß", id="any other text"),
    ],
)
def test_text_that_no_database_takes_is_made_storable(index: Index, library: int, text: str, stored: str) -> None:
    index.tracks.save(library, [file_of(b"a", artist=text)], None)
    row = index.select.at_path(library, b"a")
    assert row is not None
    assert row.artist == stored


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.binary(min_size=1, max_size=60).filter(lambda path: b"\0" not in path),
    values=st.lists(st.text(st.characters(categories=None)), max_size=3),
)
def test_paths_and_genre_blocks_are_kept_to_the_byte(
    index: Index, library: int, path: bytes, values: list[str]
) -> None:
    blocks = (GenreBlock("vorbis", tuple(values)),)
    index.tracks.save(library, [file_of(path, genre_blocks=blocks, title="".join(values))], None)
    row = index.select.at_path(library, path)
    assert row is not None
    assert row.genre_blocks == blocks


def test_known_files_come_in_full_over_many_batches_by_the_bytes_of_their_paths(
    index: Index, library: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracks, "KNOWN_AT_ONCE", 3)
    paths = [b"b/a", b"b.flac", b"b", b"\xff", b"a\1", b"a", b"B", b"b-", "\u00e9".encode()]
    index.tracks.save(library, [file_of(path) for path in paths], None)
    other = index.libraries.get(b"/other", create=True)
    assert other is not None
    index.tracks.save(other.library_id, [file_of(b"elsewhere")], None)
    known = list(index.tracks.known_files(library))
    assert [file.path for file in known] == sorted(paths)
    assert (known[0].size, known[0].mtime_ns, known[0].fingerprint) == (2**40, 2**62, "f" * 32)
    assert not any(file.missing or file.error for file in known)


def test_the_last_of_one_path_counts_within_a_batch(index: Index, library: int) -> None:
    index.tracks.save(library, [file_of(b"a", title="old"), file_of(b"a", title="new")], None)
    assert [row.title for row in index.select.tracks()] == ["new"]


def predict(index: Index, *tracks: TrackRow) -> None:
    index.models.add("m1", "cnn2d", "models/m1", {})
    said = [Prediction(row.track_id, "m1", {"rock": 1.0}, "rock", 1.0, Decision.ACCEPT, "") for row in tracks]
    index.predictions.save(said, None)


def test_other_audio_drops_the_predictions_and_the_audio_hash_but_other_tags_do_not(index: Index, scan: Put) -> None:
    retagged, replaced = scan(b"a"), scan(b"b")
    predict(index, retagged, replaced)
    scan(b"a", "Pop", mtime_ns=5)
    scan(b"b", fingerprint="e" * 32)
    assert [said.track_id for said in index.predictions.of_model("m1")] == [retagged.track_id]
    assert scan(b"b", fingerprint="e" * 32).track_id == replaced.track_id


def test_a_file_that_breaks_keeps_what_was_known_and_one_that_heals_is_readable(index: Index, scan: Put) -> None:
    row = scan(b"a")
    index.tracks.relabel(lambda case: TrackLabel(TrackState.LABELLED, "rock", False))
    broken_files = [UnreadableFile(FoundFile(b"a", 7, 8), "cut off"), UnreadableFile(FoundFile(b"new", 1, 2), "empty")]
    index.tracks.save_unreadable(row.library_id, broken_files, "run-1")
    broken = {file.path: file for file in index.tracks.known_files(row.library_id)}
    assert (broken[b"a"].size, broken[b"a"].error, broken[b"a"].fingerprint) == (7, "cut off", row.fingerprint)
    assert (broken[b"new"].error, broken[b"new"].fingerprint) == ("empty", None)
    assert list(index.select.tracks()) == []
    assert {entry.path: (entry.error, entry.title, entry.state) for entry in index.select.unreadable()} == {
        b"a": ("cut off", "Sunflower", None),
        b"new": ("empty", None, None),
    }
    scan(b"a")
    assert [entry.path for entry in index.select.tracks()] == [b"a"]


def test_audio_that_cannot_be_decoded_is_left_out_until_the_file_changes(index: Index, scan: Put) -> None:
    row = scan(b"a", None)
    index.tracks.relabel(lambda case: TrackLabel(TrackState.UNTAGGED, None, False))
    index.models.add("m1", "cnn2d", "models/m1", {})
    index.tracks.save_audio_problems({row.track_id: UnreadableAudio(b"a", "away just now", postponed=True)})
    waiting = [entry.track_id for entry in index.select.to_classify("m1")]
    assert waiting == [row.track_id], "that is no fault of the file"
    index.tracks.save_audio_problems({row.track_id: UnreadableAudio(b"a", "silent")})
    assert list(index.select.to_classify("m1")) == []
    assert [entry.audio_error for entry in index.select.to_classify("m1", refresh=True)] == ["silent"]
    assert [entry.audio_error for entry in index.select.unreadable()] == ["silent"]
    scan(b"a", None, size=2)
    assert [entry.track_id for entry in index.select.to_classify("m1")] == [row.track_id]


def test_three_strikes_and_a_file_is_left_alone_until_it_changes(index: Index, library: int, scan: Put) -> None:
    row = scan(b"a", None)
    index.tracks.relabel(lambda case: TrackLabel(TrackState.UNTAGGED, None, False))
    index.models.add("m1", "cnn2d", "models/m1", {})
    problem = UnreadableAudio(b"a", "takes too long to read", struck=True)
    for tried_again in (True, True, False):
        index.tracks.save_audio_problems({row.track_id: problem})
        assert [entry.track_id for entry in index.select.to_classify("m1")] == [row.track_id] * tried_again
    index.tracks.forgive([library])
    assert [entry.track_id for entry in index.select.to_classify("m1")] == [row.track_id], "a person said so"


def test_strikes_of_tags_add_up_while_the_file_stays_as_it_is(index: Index, library: int) -> None:
    def strike(size: int) -> KnownFile:
        file = FoundFile(b"a", size, 1)
        index.tracks.save_unreadable(library, [UnreadableFile(file, "takes too long to read", struck=True)], None)
        return next(index.tracks.known_files(library))

    assert [strike(1).strikes, strike(1).strikes] == [1, 2]
    assert next(index.tracks.known_files(library)).to_be_tried_again
    assert not strike(1).to_be_tried_again, "the third"
    assert strike(2).strikes == 1, "another file by now"


def test_a_moved_file_keeps_its_id_and_its_predictions(index: Index, library: int, scan: Put) -> None:
    row = scan(b"old/a")
    predict(index, row)
    index.tracks.mark_missing([row.track_id])
    index.tracks.move(library, {row.track_id: b"new/\xff"})
    found = index.select.at_path(library, b"new/\xff")
    assert found is not None
    assert (found.track_id, found.missing_since) == (row.track_id, None)
    assert index.select.at_path(library, b"old/a") is None
    assert [said.track_id for said in index.predictions.of_model("m1")] == [row.track_id]


def test_two_files_can_change_places_and_a_row_in_the_way_is_dropped(index: Index, library: int, scan: Put) -> None:
    one, two, gone = scan(b"1"), scan(b"2"), scan(b"gone")
    index.tracks.move(library, {one.track_id: b"2", two.track_id: b"1"})
    three = scan(b"3")
    index.tracks.move(library, {three.track_id: b"gone"})
    assert {row.path: row.track_id for row in index.select.tracks()} == {
        b"2": one.track_id,
        b"1": two.track_id,
        b"gone": three.track_id,
    }
    assert index.select.by_ids([gone.track_id]) == {}


def test_a_file_can_move_to_another_library(index: Index, scan: Put) -> None:
    row = scan(b"a")
    other = index.libraries.get(b"/other", create=True)
    assert other is not None
    index.tracks.move(other.library_id, {row.track_id: b"b"})
    assert index.select.by_ids([row.track_id])[row.track_id].absolute == b"/other/b"


def test_missing_files_take_part_in_nothing_until_they_are_found(index: Index, scan: Put) -> None:
    here, gone = scan(b"here"), scan(b"gone")
    index.tracks.mark_missing([gone.track_id])
    since = index.select.by_ids([gone.track_id])[gone.track_id].missing_since
    assert since is not None
    index.tracks.mark_missing([gone.track_id])
    assert index.select.by_ids([gone.track_id])[gone.track_id].missing_since == since
    assert [row.track_id for row in index.select.tracks()] == [here.track_id]
    assert [file.path for file in index.tracks.known_files(here.library_id) if file.missing] == [b"gone"]
    assert index.select.counts().missing == 1
    index.tracks.mark_found([gone.track_id])
    assert len(list(index.select.tracks())) == 2


def test_forgetting_drops_tracks_and_their_predictions(index: Index, scan: Put) -> None:
    row, other = scan(b"a"), scan(b"b")
    predict(index, row, other)
    index.tracks.forget([row.track_id])
    assert [entry.path for entry in index.select.tracks()] == [b"b"]
    assert [said.track_id for said in index.predictions.of_model("m1")] == [other.track_id]
