"""Families side by side: every figure beside its interval, nothing that a name could smuggle in."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import re

import pytest

from tagger.outcome.compare import LEAKY, METRICS, About, FamilyRow, facts, short, table, to_markdown
from tagger.outcome.compare_page import page

EVIL = "<script>alert('x')</script>&|*_`$\n# \u202e"

KEYS = (*(key for key, _, _ in METRICS), "majority_baseline")


def row(family: str, accuracy: float, **changes: object) -> FamilyRow:
    metrics = {key: round(accuracy - 0.01 * i, 3) for i, key in enumerate(KEYS)}
    intervals = {key: (round(value - 0.05, 3), round(value + 0.04, 3)) for key, value in metrics.items()}
    made = FamilyRow(family, metrics, intervals, 211_450, 75.0, 1234.5, "1 s")
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


ROWS = [
    row("logreg", 0.5, parameters=0, note="tried 4 settings"),
    row("cnn2d", 0.7, leaky={"track_accuracy": 0.91, "clip_accuracy": 0.83}),
    row("forest", 0.6, train_seconds=3.25, tracks_per_second=9.5),
]
ABOUT = About(412, 97, ("jazz", "r&b", "funk&soul"), 0.284, dataset="/srv/dataset", version="0.1.0")
NOTHING_WRITTEN = row("shy", 0.4, metrics={"track_accuracy": 0.4, "precision": 0.0, "coverage": 0.0})


class Reader(html.parser.HTMLParser):
    """Collects what a browser would make of the page; every tag must be closed where it was opened."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        self.text = " ".join(" ".join(self.words).split())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def cells(markdown: str, family: str) -> list[list[str]]:
    """Return the cells of each line about a family."""
    lines = [line for line in markdown.splitlines() if line.startswith(f"| {family} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# --- JSON and terminal ------------------------------------------------------------------------------------------------


def test_facts_are_json_and_say_where_nothing_was_asked() -> None:
    found = json.loads(json.dumps(facts(ROWS[1]), allow_nan=False))
    assert list(found) == [
        "family", "metrics", "intervals", "parameters", "train_seconds", "tracks_per_second", "leaky", "note",
    ]  # fmt: skip
    assert found["metrics"]["track_accuracy"] == 0.7
    assert found["intervals"]["track_accuracy"] == [0.65, 0.74]
    assert found["leaky"] == {"track_accuracy": 0.91, "clip_accuracy": 0.83}
    assert facts(ROWS[0])["leaky"] is None


def test_the_table_has_the_best_family_first() -> None:
    header, lines = table(ROWS)
    assert [line[0] for line in lines] == ["cnn2d", "forest", "logreg"]
    best = dict(zip(header, lines[0], strict=True))
    assert (best["tracks"], best["95%"], best["leaky"], best["params"]) == ("0.700", "0.650-0.740", "0.910", "211k")
    assert (best["train s"], best["tracks/s"]) == ("75.0", "1,234")
    assert [dict(zip(header, line, strict=True))["leaky"] for line in lines[1:]] == ["-", "-"]
    assert "leaky" not in table(ROWS[:1])[0]


def test_a_line_fits_120_columns_whatever_the_names_and_costs() -> None:
    wide = row("x" * 90, 0.7, parameters=999_999_999, train_seconds=99_999.0, tracks_per_second=99_999.0,
               leaky={"track_accuracy": 1.0})  # fmt: skip
    header, lines = table([wide, *ROWS])
    widths = [max(len(line[i]) for line in (header, *lines)) for i in range(len(header))]
    assert sum(widths) + 2 * (len(widths) - 1) <= 120


def test_names_cannot_steer_the_terminal() -> None:
    assert all(character.isprintable() for cell in table([row("\x1b[2J\n", 0.5)])[1][0] for character in cell)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "-"), (640, "640"), (99_999, "99,999"), (211_450, "211k"), (1_240_000, "1.24M"), (65_300_000, "65M")],
)
def test_numbers_of_parameters_are_short(count: int, text: str) -> None:
    assert short(count) == text


# --- Markdown ---------------------------------------------------------------------------------------------------------


def test_markdown_has_every_figure_with_its_interval() -> None:
    text = to_markdown(ROWS, ABOUT)
    assert "On 412 test tracks by 97 artists that no model heard." in text
    assert "right on 28% (0.540 to 0.630)" in text
    assert "Genres: jazz, r&b, funk&soul." in text
    for each in ROWS:
        figures, costs, _ = cells(text, each.family)
        expected = [
            f"{each.metrics[k]:.3f} ({each.metrics[k] - 0.05:.3f} to {each.metrics[k] + 0.04:.3f})" for k in KEYS
        ]
        assert figures == [each.family, *expected[: len(METRICS)]]
        assert costs[1] == "1 s"
    assert cells(text, "cnn2d")[1] == ["cnn2d", "1 s", "211,450", "1 min 15 s", "1,234", ""]
    assert cells(text, "logreg")[1][2::3] == ["-", "tried 4 settings"]


def test_markdown_says_what_a_leak_would_claim_and_only_if_asked() -> None:
    text = to_markdown(ROWS, ABOUT)
    assert LEAKY in text
    assert cells(text, "cnn2d")[2] == ["cnn2d", "0.700", "0.910", "+0.210", "0.830"]
    assert cells(text, "forest")[2] == ["forest", "0.600", "-", "-", "-"]
    assert LEAKY not in to_markdown(ROWS[:1], ABOUT)


def test_markdown_of_strange_names_stays_a_table() -> None:
    text = to_markdown([row(EVIL, 0.5, note=EVIL)], dataclasses.replace(ABOUT, genres=(EVIL, "a&lt;b")))
    assert not re.search(r"(?<!\\)[<>`$]", text)
    assert r"a\&lt;b" in text
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert widths == {len(METRICS) + 2, 7}
    assert not re.search(r"^# \\", text, re.MULTILINE)
    assert "\u202e" not in text


def test_precision_of_nothing_is_no_figure() -> None:
    figures = cells(to_markdown([NOTHING_WRITTEN], ABOUT), "shy")[0]
    assert figures[-2:] == ["-", "0.000 (0.250 to 0.340)"]
    assert figures[2] == "-"  # clips: not known


# --- page -------------------------------------------------------------------------------------------------------------


def test_page_has_every_family_and_figure() -> None:
    reader = Reader(page(ROWS, ABOUT, [("Tracks right", "bars.png")]))
    assert "cnn2d is right on 70% of 412 tracks by artists it never heard." in reader.text
    assert "always the most common genre: 28%" in reader.text
    assert reader.text.index("cnn2d 0.700") < reader.text.index("forest 0.600") < reader.text.index("logreg 0.500")
    for each in ROWS:
        for key, _, _ in METRICS:
            if key != "macro_recall":  # the same as balanced
                assert f"{each.metrics[key]:.3f} {each.metrics[key] - 0.05:.3f} to" in reader.text
    assert "cnn2d 0.700 0.910 +0.210 0.690 0.830" in reader.text
    assert "tried 4 settings" in reader.text
    assert LEAKY not in Reader(page(ROWS[:1], ABOUT)).text


def test_page_shows_pictures_that_lie_beside_it_and_loads_nothing_else() -> None:
    source = page(ROWS, ABOUT, [("ROC", "roc.png"), (EVIL, 'a "b"#?.png'), ("x", "javascript:alert(1)")])
    reader = Reader(source)
    assert [tag["src"] for name, tag in reader.tags if name == "img"] == [
        "roc.png", "a%20%22b%22%23%3F.png", "javascript%3Aalert%281%29",
    ]  # fmt: skip
    assert not {"script", "link", "iframe", "a"} & {name for name, _ in reader.tags}
    assert "url(" not in source
    assert "http:" not in source
    policy = [tag["content"] for name, tag in reader.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"]


def test_page_escapes_what_it_did_not_write() -> None:
    about = dataclasses.replace(ABOUT, genres=(EVIL,), dataset=EVIL, version=EVIL, split=EVIL)
    source = page([row(EVIL, 0.5, note=EVIL, seconds=EVIL, leaky={"track_accuracy": 0.9})], about, [(EVIL, EVIL)])
    reader = Reader(source)
    assert "script" not in {name for name, _ in reader.tags}
    assert reader.text.count("<script>alert('x')</script>&|*_`$") >= 10
    assert "\u202e" not in source


@pytest.mark.parametrize(
    ("rows", "about", "says"),
    [
        pytest.param([], ABOUT, "No family was trained.", id="no rows"),
        pytest.param(
            ROWS, dataclasses.replace(ABOUT, tracks=0, groups=0), "There are no held-out tracks", id="no tracks"
        ),
        pytest.param([NOTHING_WRITTEN], ABOUT, "shy is right on 40% of 412 tracks", id="few figures"),
    ],
)
def test_page_says_what_is_missing(rows: list[FamilyRow], about: About, says: str) -> None:
    assert says in Reader(page(rows, about)).text
    assert to_markdown(rows, about).startswith("# Model families side by side\n")


def test_the_day_is_in_words() -> None:
    about = dataclasses.replace(ABOUT, started="2026-11-21T02:15:04+01:00")
    assert "Saturday 21 November 2026, 02:15" in Reader(page(ROWS, about)).text
