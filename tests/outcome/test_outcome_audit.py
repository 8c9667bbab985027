"""The audit: each kind of finding by example and by what is just not one, the order, the outputs."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence

import pytest

from tagger.base.records import GenreBlock, GenreMatch, GenreTagState, TrackState
from tagger.outcome.audit import (
    TABLE_HEADER,
    AuditTrack,
    Doubt,
    Finding,
    Kind,
    audit,
    counts,
    grouped,
    table_rows,
    to_csv,
)

MAPPED = {"Rock": "rock", "17": "rock", "8": "jazz", "Jazz": "jazz", "0": "blues", "Hip-Hop": "hip hop"}


def match(values: Sequence[str]) -> GenreMatch:
    (value,) = values
    if value in MAPPED:
        return GenreMatch(GenreTagState.MAPPED, MAPPED[value])
    return GenreMatch(GenreTagState.PLACEHOLDER if value == "Other" else GenreTagState.SKIPPED)


def track(path: bytes, label: str | None = "rock", tag: str | None = "Rock", **changes: object) -> AuditTrack:
    blocks = (GenreBlock("id3v2.3", (tag,)),) if tag else ()
    state = TrackState.LABELLED if label else TrackState.UNTAGGED
    plain = AuditTrack(path, "", "", state, blocks, tag, label)
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def only(tracks: list[AuditTrack], kind: Kind) -> list[Finding]:
    found = audit(tracks, match)
    assert {finding.kind for finding in found} <= {kind}
    return found


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        pytest.param(track(b"/a", None, None), Kind.MISSING, id="no tag"),
        pytest.param(track(b"/a", None, "  "), Kind.MISSING, id="blank tag"),
        pytest.param(track(b"/a", None, "Unknown"), Kind.PLACEHOLDER, id="fillable placeholder"),
        pytest.param(track(b"/a", None, "Other", state=TrackState.SKIPPED), Kind.PLACEHOLDER, id="placeholder"),
        pytest.param(track(b"/a", None, "Speech", state=TrackState.SKIPPED), None, id="skipped on purpose"),
        pytest.param(track(b"/a", None, "Rock/Jazz", state=TrackState.AMBIGUOUS), Kind.AMBIGUOUS, id="two genres"),
        pytest.param(track(b"/a", None, "Gnawa", state=TrackState.UNMAPPED), Kind.UNMAPPED, id="not in the map"),
        pytest.param(track(b"/a", None, "Rock", state=TrackState.MACHINE), None, id="a machine's genre"),
        pytest.param(track(b"/a"), None, id="nothing wrong"),
        pytest.param(track(b"/a", predicted="jazz", confidence=0.97), Kind.SUSPICIOUS, id="model says otherwise"),
        pytest.param(track(b"/a", predicted="jazz", confidence=0.89), None, id="model is not very sure"),
        pytest.param(track(b"/a", predicted="rock", confidence=0.97), None, id="model agrees"),
        pytest.param(track(b"/a", None, None, predicted="jazz", confidence=0.97), Kind.MISSING, id="no label to doubt"),
    ],
)
def test_one_track(odd: AuditTrack, kind: Kind | None) -> None:
    assert [finding.kind for finding in audit([odd], match)] == ([kind] if kind else [])


def test_a_doubted_label_comes_with_its_evidence_and_overrules_the_current_model() -> None:
    doubt = Doubt(True, genre="jazz", confidence=0.83, own=0.02, clips=5, agreeing=4, others=0, alike=0, score=0.6)
    doubted = track(b"/a", doubt=doubt, predicted="blues", confidence=0.99)
    (finding,) = only([doubted], Kind.SUSPICIOUS)
    assert (finding.suggested, finding.score) == ("jazz", 0.8)
    assert finding.detail == (
        "labelled rock; models that never heard the artist say jazz (0.83) on 4 of 5 clips, rock 0.02"
    )
    known = dataclasses.replace(doubted, doubt=dataclasses.replace(doubt, others=7, alike=6))
    (finding,) = only([known], Kind.SUSPICIOUS)
    assert finding.detail.endswith("rock 0.02; 6 of the artist's 7 other tracks are jazz")
    cleared = dataclasses.replace(doubted, doubt=dataclasses.replace(doubt, suspect=False))
    assert audit([cleared], match) == []


def test_what_is_missing_gets_the_prediction_as_a_proposal() -> None:
    (finding,) = only([track(b"/a", None, None, predicted="jazz", confidence=0.4)], Kind.MISSING)
    assert finding.suggested == "jazz"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("8", "Rock", True, id="another genre"),
        pytest.param("17", "Rock", False, id="the same"),
        pytest.param("0", "Rock", False, id="zero is what was never set"),
        pytest.param("12", "Rock", False, id="the number says nothing"),
        pytest.param("8", "Speech", False, id="the rest says nothing"),
        pytest.param("8", None, False, id="the number alone"),
    ],
)
def test_id3v1_against_the_rest(old: str, new: str | None, found: bool) -> None:
    blocks = (GenreBlock("id3v1", (old,)), *((GenreBlock("id3v2.4", (new,)),) if new else ()))
    findings = only([track(b"/a", "rock", new, blocks=blocks)], Kind.ID3V1)
    assert bool(findings) is found
    if found:
        assert (findings[0].suggested, findings[0].detail) == (
            "rock",
            "ID3v1 has number 8 (jazz), the rest of the file rock",
        )


@pytest.mark.parametrize(
    ("labels", "strays"),
    [
        pytest.param("rrrj", 1, id="one of four"),
        pytest.param("rrj", 0, id="too few tracks"),
        pytest.param("rrjj", 0, id="half and half"),
        pytest.param("rrrjj", 2, id="two of five"),
        pytest.param("rrrjh", 2, id="two different of five"),
        pytest.param("rrrrjjj", 0, id="three is no stray"),
        pytest.param("rrrr", 0, id="all agree"),
        pytest.param("rrrr..", 0, id="without a label there is nothing to disagree"),
    ],
)
def test_strays(labels: str, strays: int) -> None:
    names = {"r": "rock", "j": "jazz", "h": "hip hop"}
    tracks = [
        track(
            b"/%d" % i,
            names.get(letter),
            album="x",
            state=TrackState.LABELLED if letter in names else TrackState.MACHINE,
        )
        for i, letter in enumerate(labels)
    ]
    found = only(tracks, Kind.STRAY)
    assert len(found) == strays
    assert {finding.suggested for finding in found} == ({"rock"} if strays else set())
    assert audit([dataclasses.replace(one, album="") for one in tracks], match) == []


def test_copies_that_contradict_each_other() -> None:
    tracks = [track(b"/1", fingerprint="f"), track(b"/2", "jazz", fingerprint="f"), track(b"/3", fingerprint="f")]
    worst, *rest = only([*tracks, track(b"/4", "jazz", fingerprint="other"), track(b"/5", "jazz")], Kind.CONFLICTING)
    assert (worst.path, worst.suggested) == (b"/2", "rock")
    assert worst.detail == "labelled jazz; copies of the same audio are rock"
    assert [finding.path for finding in rest] == [b"/1", b"/3"]
    tie = only(tracks[:2], Kind.CONFLICTING)
    assert [finding.suggested for finding in tie] == [None, None]


def mixed() -> list[AuditTrack]:
    unmapped = {"state": TrackState.UNMAPPED}
    return [
        track(b"/m1", None, None),
        track(b"/m2", None, None),
        track(b"/u1", None, "Gnawa", **unmapped),
        track(b"/u2", None, "Gnawa", **unmapped),
        track(b"/u3", None, "Hiphopp", **unmapped),
        track(b"/s", predicted="jazz", confidence=0.97),
    ]


def test_worst_first_whatever_the_order_of_the_tracks() -> None:
    found = audit(mixed(), match)
    assert found == audit(mixed()[::-1], match)
    assert [finding.path for finding in found] == [b"/s", b"/u1", b"/u2", b"/u3", b"/m1", b"/m2"]
    scores = [finding.score for finding in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert counts(found) == {
        **{kind.value: 0 for kind in Kind},
        **{"missing": 2, "unmapped": 3, "suspicious": 1},
    }


def test_groups_are_settled_by_one_decision() -> None:
    groups = grouped(audit(mixed(), match, suggest=lambda tag: ("hip hop", 0.8) if tag == "Hiphopp" else None))
    assert [(g.kind.value, g.genre_tag, g.tracks, g.suggested) for g in groups] == [
        ("suspicious", "Rock", 1, "jazz"),
        ("unmapped", "Gnawa", 2, None),
        ("unmapped", "Hiphopp", 1, "hip hop"),
        ("missing", None, 2, None),
    ]
    rows = table_rows(groups, limit=2)
    assert len(rows) == 2
    assert all(len(row) == len(TABLE_HEADER) for row in rows)
    assert rows[1][:4] == ("unmapped", "Gnawa", 2, "")


def test_facts_have_the_keys_that_programs_rely_on() -> None:
    (finding,) = audit([track(b"/\xff", None, None)], match)
    assert finding.facts() == {
        **{"path": "/\udcff", "kind": "missing", "genre_tag": None, "suggested": None, "score": 0.1},
    }


def test_csv_is_safe_in_a_spreadsheet() -> None:
    text = to_csv(audit([track(b"=cmd\xff.mp3", None, "@SUM(1)", state=TrackState.UNMAPPED)], match))
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert header == ["path", "kind", "genre_tag", "suggested", "score", "detail"]
    assert row[:4] == ["'=cmd\\xff.mp3", "unmapped", "'@SUM(1)", ""]
