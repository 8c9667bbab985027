"""Tag changes: recorded in journal and index, found again, and what they mean for the labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.base.records import PastWrite, TrackLabel, TrackState
from tagger.index.journal import Journal, JournalUnusable
from tagger.index.rows import DecisionKind, LabelCase, NewChange, NewDecision, Stage, TrackRow
from tagger.index.store import Index

from .conftest import scanned

Put = Callable[..., TrackRow]
ODD = b"caf\xe9/1.mp3"
UNTAGGED = TrackLabel(TrackState.UNTAGGED, None, False)


def write_into(track: TrackRow, change_id: str = "c1", **changes: object) -> NewChange:
    facts = {"kind": "write", "by": "machine", "genre": "rock", "written": "Rock", "model": "m1", "confidence": 0.875}
    place = {"library": track.root, "path": track.path, "track_id": track.track_id}
    return NewChange(**{"change_id": change_id, "run_id": "run-1", **facts, **place, **changes})


def undo_of(change: NewChange) -> NewChange:
    return NewChange(
        f"undo-{change.change_id}", "run-1", "undo", "person", change.library, change.path, change.track_id,
        undoes=change.change_id,
    )  # fmt: skip


def carry_out(index: Index, journal: Journal, change: NewChange, upto: str = "applied") -> None:
    stages = {
        "planned": {"temp": ".1.mp3.tagger", "audio_hash": "a" * 64, "size": 10},
        "ready": {"delta": ["x"]},
        "applied": {"size": 11},
    }
    for stage, facts in stages.items():
        index.changes.record(journal, change, stage, facts)
        if stage == upto:
            return


def due(index: Index) -> set[bytes]:
    """Label what is due, and tell which tracks that were."""
    seen: set[bytes] = set()

    def label(case: LabelCase) -> TrackLabel:
        seen.add(case.track.path)
        return UNTAGGED

    index.tracks.relabel(label)
    return seen


def cases(index: Index) -> dict[bytes, LabelCase]:
    found: dict[bytes, LabelCase] = {}

    def label(case: LabelCase) -> TrackLabel:
        found[case.track.path] = case
        return UNTAGGED

    index.tracks.relabel(label, everything=True)
    return found


def test_a_change_goes_through_its_stages_and_keeps_the_facts_of_all(index: Index, journal: Journal, scan: Put) -> None:
    track = scan(ODD, None)
    change = write_into(track)
    carry_out(index, journal, change, upto="ready")
    assert [row.change for row in index.changes.unfinished()] == [change]
    index.changes.record(journal, change, Stage.APPLIED, {"size": 11})
    assert index.changes.unfinished() == []
    (row,) = index.changes.of_run("run-1")
    assert index.changes.get("c1") == row == index.changes.last_applied(track.track_id)
    assert (row.change, row.status, row.fingerprint, row.audio_hash) == (change, "applied", track.fingerprint, "a" * 64)
    assert row.facts == {"temp": ".1.mp3.tagger", "audio_hash": "a" * 64, "size": 11, "delta": ["x"]}
    assert index.select.by_ids([track.track_id])[track.track_id].audio_hash == "a" * 64
    stages = [entry["stage"] for _, entry in journal.read() if entry]
    assert stages == ["planned", "ready", "applied"]


def test_a_failed_change_is_settled_and_counts_for_nothing(index: Index, journal: Journal, scan: Put) -> None:
    change = write_into(scan(b"a", None))
    carry_out(index, journal, change, upto="planned")
    index.changes.record(journal, change, "failed", {"reason": "disk full"})
    assert index.changes.unfinished() == []
    assert cases(index)[b"a"].past == ()
    assert index.changes.last_applied(change.track_id or 0) is None


def test_an_applied_undo_makes_its_write_undone(index: Index, journal: Journal, scan: Put) -> None:
    change = write_into(scan(b"a", None))
    carry_out(index, journal, change)
    carry_out(index, journal, undo_of(change), upto="ready")
    assert cases(index)[b"a"].past == (PastWrite("Rock", "machine", undone=False, own=True),)
    index.changes.record(journal, undo_of(change), Stage.APPLIED, {})
    assert cases(index)[b"a"].past == (PastWrite("Rock", "machine", undone=True, own=True),)
    last = index.changes.last_applied(change.track_id or 0)
    assert last is not None
    assert last.change.change_id == "undo-c1"


def test_copies_of_the_audio_know_of_the_write_but_it_is_not_their_own(
    index: Index, journal: Journal, library: int, scan: Put
) -> None:
    written, copy, other = scan(b"a", None), scan(b"b", None, fingerprint=b"a".hex().zfill(32)), scan(b"c", None)
    assert due(index) == {b"a", b"b", b"c"}
    carry_out(index, journal, write_into(written, by="person"))
    assert due(index) == {b"a", b"b"}
    its_own = {written.track_id: (PastWrite("Rock", "person", undone=False, own=True),)}
    assert index.changes.past_writes([written, copy, other]) == its_own, "what the copy says was read before"
    index.runs.start("run-2", "scan")
    index.tracks.save(library, [scanned(b"b", None, fingerprint=b"a".hex().zfill(32))], "run-2")
    copy = index.select.by_ids([copy.track_id])[copy.track_id]
    past = index.changes.past_writes([written, copy, other])
    assert past == its_own | {copy.track_id: (PastWrite("Rock", "person", undone=False, own=False),)}


def test_a_file_that_was_moved_to_another_library_takes_its_writes_along(
    index: Index, journal: Journal, scan: Put
) -> None:
    """Else a genre that a person blanked on the way would be filled again."""
    written = scan(b"a", None)
    scan(b"b", None, fingerprint=b"a".hex().zfill(32))
    carry_out(index, journal, write_into(written))
    cases(index)
    index.tracks.mark_missing([written.track_id])
    assert b"b" in due(index)
    assert cases(index)[b"b"].past == (PastWrite("Rock", "machine", undone=False, own=True),)
    index.tracks.mark_found([written.track_id])
    assert b"b" in due(index), "so it was another copy after all"
    assert cases(index)[b"b"].past == ()


def test_a_write_into_audio_that_was_replaced_counts_like_one_into_a_copy(
    index: Index, journal: Journal, scan: Put
) -> None:
    carry_out(index, journal, write_into(scan(b"a", None)))
    scan(b"a", None, fingerprint="e" * 32)
    assert cases(index)[b"a"].past == (PastWrite("Rock", "machine", undone=False, own=False),)


def test_a_write_stays_with_its_track_when_the_file_moves(index: Index, journal: Journal, scan: Put) -> None:
    track = scan(b"a", None)
    carry_out(index, journal, write_into(track))
    index.tracks.move(track.library_id, {track.track_id: b"b"})
    assert [write.own for write in cases(index)[b"b"].past] == [True]


def test_a_rejection_reaches_the_labels(index: Index, journal: Journal, scan: Put) -> None:
    no, later_yes = scan(b"no"), scan(b"yes")
    due(index)
    index.decisions.record(journal, [NewDecision(row, DecisionKind.REJECT) for row in (no, later_yes)], "run-1")
    index.decisions.record(journal, [NewDecision(later_yes, DecisionKind.ACCEPT, "rock")], "run-1")
    index.decisions.record(journal, [NewDecision(no, DecisionKind.DISMISS)], "run-1")
    assert due(index) == {b"no", b"yes"}
    assert {path: case.rejected for path, case in cases(index).items()} == {b"no": True, b"yes": False}


def test_labels_are_given_once_and_everything_gives_them_again(index: Index, scan: Put) -> None:
    scan(b"a")
    labelled = TrackLabel(TrackState.LABELLED, "rock", True)
    assert index.tracks.relabel(lambda case: labelled) == 1
    assert index.tracks.relabel(lambda case: UNTAGGED) == 0
    (row,) = index.select.tracks()
    assert (row.state, row.label, row.closed) == (TrackState.LABELLED, "rock", True)
    assert index.tracks.relabel(lambda case: UNTAGGED, everything=True) == 1


def test_nothing_is_recorded_when_the_journal_cannot_be_written(index: Index, scan: Put, tmp_path: Path) -> None:
    folder = tmp_path / "journal.jsonl"
    folder.mkdir()
    with pytest.raises(JournalUnusable, match="nothing is changed without it"):
        index.changes.record(Journal(folder), write_into(scan(b"a")), "planned", {})
    assert list(index.changes.of_run("run-1")) == []


@pytest.mark.parametrize(
    ("kind", "genre"),
    [
        pytest.param(DecisionKind.ACCEPT, None, id="acceptance of nothing"),
        pytest.param(DecisionKind.GENRE, None, id="no genre"),
        pytest.param(DecisionKind.REJECT, "rock", id="rejection with a genre"),
    ],
)
def test_a_decision_that_says_too_little_or_too_much_is_refused(
    index: Index, journal: Journal, scan: Put, kind: DecisionKind, genre: str | None
) -> None:
    row = scan(b"a")
    with pytest.raises(ValueError, match="genre"):
        index.decisions.record(journal, [NewDecision(row, kind, genre)], None)
    assert journal.size() == 0


def test_a_dismissal_holds_only_while_the_tag_is_the_same(index: Index, journal: Journal, scan: Put) -> None:
    tagged, untagged = scan(b"a", "Rok"), scan(b"b", None)
    ids = [tagged.track_id, untagged.track_id]
    index.decisions.record(journal, [NewDecision(row, DecisionKind.DISMISS) for row in (tagged, untagged)], None)
    assert index.decisions.dismissed(ids) == set(ids)
    assert index.decisions.of_tracks(ids) == {}
    scan(b"a", "Rock")
    assert index.decisions.dismissed(ids) == {untagged.track_id}
    scan(b"b", "Rock")
    assert index.decisions.dismissed(ids) == set()
