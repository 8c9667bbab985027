"""The report: true sentences with their denominators, nothing that a tag could smuggle in, one file that is whole."""

from __future__ import annotations

import base64
import dataclasses
import html.parser
import json
import os
import re
from pathlib import Path

import pytest

from tagger.base.records import Problem
from tagger.outcome.audit import FindingGroup, Kind
from tagger.outcome.markup import MAX_ROWS, duration, number, percent, shown_path
from tagger.outcome.page import render
from tagger.outcome.report import (
    ABSTAINED_KEPT,
    Abstained,
    Change,
    GenreScore,
    ModelFacts,
    Picture,
    Report,
    Stage,
    report_facts,
    write_report,
)

EVIL = "<script>alert('x')</script>&\"\u202e"
PNG = b"\x89PNG not really"

CHANGE = Change(b"/music/a/\xff.mp3", EVIL, "Album", "Title", None, "r&b", 0.93, "accept", "0.93 reaches the 0.84")
MODEL = ModelFacts(
    id="20261120T024410-cnn2d-91be",
    family="cnn2d",
    metrics={"track_accuracy": 0.82, "majority_baseline": 0.21, "ece": 0.04},
    intervals={"track_accuracy": (0.74, 0.88)},
    tracks=50,
    groups=17,
    clips=250,
    split="test",
    promise=0.9,
    promise_confidence=0.8,
    genres=(
        GenreScore("r&b", 9, 4, 0.9, 0.8, 0.85, 0.84, True),
        GenreScore("pop", 9, 4, 0.4, 0.5, 0.45, None, True),
        GenreScore("jazz", 1, 1, 0.0, 0.0, 0.0, None, False),
    ),
    note="trained in this run",
)
REPORT = Report(
    run_id="20261121T021504-3f2a",
    command="nightly",
    version="0.1.0",
    started="2026-11-21T02:15:04+01:00",
    seconds=3725.0,
    home="/var/lib/tagger",
    libraries=(b"/music",),
    applied=True,
    found={"files": 1234, "labelled": 1200, "untagged": 31, "unreadable": 3, "new": 2},
    changes=(CHANGE, dataclasses.replace(CHANGE, confidence=None, decision="person", after="pop", before=EVIL)),
    postponed=5,
    skipped=(Problem("/music/link.mp3", "has 2 hard links"),),
    left=(("has a person's genre", 1200),),
    abstained=(
        Abstained(b"/music/b.mp3", "Artist", EVIL, "pop", 0.61, "pop was not right often enough"),
        Abstained(b"/music/c.mp3", None, None, "jazz", 0.99, "jazz is not measured: too few held-out artists"),
    ),
    model=MODEL,
    findings=(
        FindingGroup(Kind.UNMAPPED, EVIL, None, 7, b"/music/u.mp3", 0.3, "the genre map does not know this tag"),
    ),
    finding_counts={"unmapped": 7, "missing": 0},
    errors=(Problem("/music/\udcfe.mp3", EVIL),),
    stages=(Stage("scan", 61.0, {"files": 1234, "new": 2, "moved": 0}),),
    pictures=(Picture("Confusion", EVIL, PNG),),
    notes=(EVIL,),
    genre_names={"r&b": "R&B", "pop": "Pop", "jazz": "Jazz"},
)


class Reader(html.parser.HTMLParser):
    """Collects what a browser would make of the page."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def read(**changes: object) -> Reader:
    reader = Reader(render(dataclasses.replace(REPORT, **changes)))  # type: ignore[arg-type]
    assert reader.open == []
    return reader


def headline(**changes: object) -> str:
    found = re.search(r"<h1>(.*?)</h1>", render(dataclasses.replace(REPORT, **changes)))  # type: ignore[arg-type]
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param(
            {},
            "1 of 31 tracks without a genre got one. 1 decision of yours was carried out. 2 tracks wait for you.",
            id="written",
        ),
        pytest.param(
            {"applied": False, "abstained": ()},
            "Nothing was changed. 1 of 31 tracks without a genre would get one. "
            "1 decision of yours would be carried out.",
            id="dry run",
        ),
        pytest.param(
            {"changes": (CHANGE,), "found": {"untagged": 0}, "abstained": ()},
            "1 track got a genre.",
            id="more filled than were empty",
        ),
        pytest.param(
            {"changes": (CHANGE, dataclasses.replace(CHANGE, replaced=True)), "abstained": ()},
            "1 of 31 tracks without a genre got one. 1 genre of earlier runs gave way.",
            id="replaced",
        ),
        pytest.param(
            {"changes": REPORT.changes[1:], "abstained": ()},
            "1 decision of yours was carried out.",
            id="only decisions",
        ),
        pytest.param(
            {"changes": (), "abstained": (), "model": None},
            "There is no model yet, so nothing was written.",
            id="no model",
        ),
        pytest.param(
            {"changes": ()},
            "Nothing was written: the model is not sure enough about 2 of 31 tracks without a genre. "
            "2 tracks wait for you.",
            id="not sure",
        ),
        pytest.param(
            {"changes": (), "abstained": (), "found": {"untagged": 1}},
            "Nothing was written to the 1 track without a genre.",
            id="nothing classified",
        ),
        pytest.param(
            {"changes": (), "abstained": (), "found": {"untagged": 0}},
            "No track lacks a genre tag; nothing was written.",
            id="nothing to do",
        ),
    ],
)
def test_headline(changes: dict[str, object], says: str) -> None:
    assert headline(**changes) == says


def test_numbers_come_with_their_denominators() -> None:
    said = read().text
    assert "82% of 50 tracks by 17 artists it never heard" in said
    assert "always the most common genre: 21%" in said
    assert "82% right (41 of 50 tracks), for other artists likely between 74% and 88% (95% interval, by artist)" in said
    assert "Always saying the most common genre would be right on 21%." in said
    assert "3 of 1,234 files" in said
    assert "2 of 31 tracks without one" in said
    assert "5 more on later nights" in said


def test_the_way_back_is_there_only_if_there_is_something_to_take_back() -> None:
    assert "How to undo: tagger undo 20261121T021504-3f2a" in read().text
    assert "tagger undo" not in read(applied=False).text
    assert "tagger write --apply" in read(applied=False).text
    assert "tagger undo" not in read(changes=()).text


def test_each_genre_says_from_when_it_is_written() -> None:
    said = read().text
    assert "R&B 9 by 4 0.90 0.80 from 0.84" in said
    assert "Pop 9 by 4 0.40 0.50 never: not right often enough" in said
    assert "Jazz 1 by 1 0.00 0.00 never: too few held-out artists" in said
    assert "Jazz 1 0.99 never: not measured, only 1 held-out artist" in said


def test_no_promise_is_said() -> None:
    said = read(model=dataclasses.replace(MODEL, promise=0.0)).text
    assert "The promise is set to 0: whatever the model says is written." in said
    assert "of such tracks" not in said


def test_why_there_is_no_model() -> None:
    assert (
        "There is none: too few labels, 3 of 10 genres."
        in read(model=None, no_model="too few labels, 3 of 10 genres").text
    )


def test_tags_cannot_become_markup_nor_load_anything() -> None:
    reader = read()
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "<script>alert('x')</script>&\"\\u202e" in reader.text
    for _, attributes in reader.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert "href" not in attributes
        assert (attributes.get("src") or "data:").startswith("data:")
    policies = [given["content"] for tag, given in reader.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert "url(" not in render(REPORT)


def test_pictures_are_inside() -> None:
    (picture,) = [given for tag, given in read().tags if tag == "img"]
    assert base64.b64decode((picture["src"] or "").removeprefix("data:image/png;base64,")) == PNG
    assert picture["alt"] == "Confusion: <script>alert('x')</script>&\"\\u202e"


def test_a_very_long_list_is_cut_and_says_so() -> None:
    errors = tuple(Problem(f"/music/{i}.mp3", "cut short") for i in range(MAX_ROWS + 3))
    said = read(errors=errors).text
    assert f"Could not be read ({MAX_ROWS + 3})" in said
    assert "and 3 more, in report.json" in said
    assert said.count("cut short") == MAX_ROWS


def test_changes_stand_least_sure_first() -> None:
    sure = dataclasses.replace(CHANGE, path=b"/music/1.mp3", confidence=0.99)
    unsure = dataclasses.replace(CHANGE, path=b"/music/2.mp3", confidence=0.85)
    said = read(changes=(sure, unsure)).text
    assert said.index("2.mp3") < said.index("1.mp3")


def test_an_almost_empty_report_is_a_page_too() -> None:
    bare = Report("run", "write", "0", "2026-11-21T02:15:04", 0.4, "/home", (), False, {})
    reader = Reader(render(bare))
    assert reader.open == []
    assert "There is no model yet" in reader.text


def test_written_whole_and_readable_by_programs(tmp_path: Path) -> None:
    page = write_report(REPORT, tmp_path / "reports" / REPORT.run_id)
    assert page.read_text(encoding="utf-8") == render(REPORT)
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "report.json"]
    raw = (page.parent / "report.json").read_bytes()
    assert raw.isascii()
    facts = json.loads(raw)
    assert facts == json.loads(json.dumps(report_facts(REPORT)))
    assert os.fsencode(facts["changes"][0]["path"]) == CHANGE.path
    assert facts["undo"] == "tagger undo 20261121T021504-3f2a"
    assert facts["model"]["intervals"]["track_accuracy"] == [0.74, 0.88]
    assert facts["findings"][0]["kind"] == "unmapped"
    assert facts["pictures"] == ["Confusion"]
    assert json.loads(json.dumps(report_facts(dataclasses.replace(REPORT, applied=False))))["undo"] is None


def test_all_that_waits_is_counted_and_the_surest_are_kept() -> None:
    many = tuple(Abstained(b"/music/%d" % i, None, None, "pop", i / 2000, "not sure") for i in range(1500))
    report = dataclasses.replace(REPORT, abstained=many)
    assert headline(abstained=many).endswith("1,500 tracks wait for you.")
    facts = report_facts(report)
    assert facts["waiting"] == 1500
    assert len(facts["abstained"]) == ABSTAINED_KEPT
    assert facts["abstained"][0]["path"] == "/music/1499"


@pytest.mark.parametrize(
    ("share", "says"),
    [
        *((0.0, "0%"), (1.0, "100%"), (0.82, "82%"), (0.004, "0.4%"), (0.9951, "99.5%")),
        *((0.0001, "under 0.1%"), (0.99999, "over 99.9%")),
    ],
)
def test_percent_never_rounds_to_all_or_nothing(share: float, says: str) -> None:
    assert percent(share) == says


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0.42, "0.4 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_duration(seconds: float, says: str) -> None:
    assert duration(seconds) == says


def test_small_words() -> None:
    assert number(1234567) == "1,234,567"
    assert shown_path(b"/music/a\xff<.mp3", [b"/music/"]) == '<span class="path">a\\udcff&lt;.mp3</span>'
    assert shown_path("/musical/a.mp3", [b"/music"]) == '<span class="path">/musical/a.mp3</span>'
