"""Review by spreadsheet: what goes out comes back, whatever Excel made of it, and mistakes are told by line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.base import cells
from tagger.base.errors import UsageError
from tagger.review.csv_file import BYTE_ORDER_MARK, COLUMNS, ReviewDecision, ReviewRow, export_rows, import_rows

GENRES = {"rock": "rock", "hip hop": "hip hop", "hip-hop": "hip hop", "funk & soul": "funk&soul", "jazz": "jazz"}


def genre_of(text: str) -> str | None:
    return GENRES.get(text.strip().lower())


def row(path: bytes = b"/music/a.mp3", predicted: str | None = "rock") -> ReviewRow:
    return ReviewRow(path, "=A1", "Album; one", 'A "title"', None, predicted, 0.714, "0.71 is under the 0.84")


def filled(*answers: tuple[str, str], delimiter: str = ",", end: str = "\r\n") -> str:
    """Return an exported file in which a person filled decision and genre of row 1, 2, ..."""
    text = export_rows([row(b"/music/%d.mp3" % number) for number in range(1, len(answers) + 1)])
    header, *rows = csv.reader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
    writer.writerow(header)
    writer.writerows([[*cells[:-2], *answer] for cells, answer in zip(rows, answers, strict=True)])
    return file.getvalue()


def test_what_is_exported() -> None:
    text = export_rows([row()])
    assert text.startswith(BYTE_ORDER_MARK + ",".join(COLUMNS) + "\r\n")
    (_, cells_of_row) = csv.reader(io.StringIO(text, newline=""))
    assert cells_of_row == [
        *("/music/a.mp3", "'=A1", "Album; one", 'A "title"', "", "rock", "0.71", "0.71 is under the 0.84", "", ""),
    ]
    assert import_rows(text, genre_of) == ([], [])


@pytest.mark.parametrize(
    ("decision", "genre", "kind", "means"),
    [
        pytest.param("accept", "", "accept", "rock", id="accept"),
        pytest.param(" Accept ", "", "accept", "rock", id="as a spreadsheet capitalises"),
        pytest.param("accept", "Rock", "accept", "rock", id="accept, named again"),
        pytest.param("reject", "", "reject", None, id="reject"),
        pytest.param("reject", "jazz", "genre", "jazz", id="reject, with the right one"),
        pytest.param("DISMISS", "", "dismiss", None, id="dismiss"),
        pytest.param("hip hop", "", "genre", "hip hop", id="id of a genre"),
        pytest.param("Funk & Soul", "", "genre", "funk&soul", id="name of a genre"),
        pytest.param("", "Hip-Hop", "genre", "hip hop", id="in the column genre"),
        pytest.param("genre", "Jazz", "genre", "jazz", id="the word genre"),
        pytest.param("jazz", "Jazz", "genre", "jazz", id="said twice"),
    ],
)
def test_decisions(decision: str, genre: str, kind: str, means: str | None) -> None:
    expected = [ReviewDecision(b"/music/1.mp3", kind, means, 2)]
    assert import_rows(filled((decision, genre)), genre_of) == (expected, [])


@pytest.mark.parametrize(
    ("decision", "genre", "problem"),
    [
        pytest.param("polka", "", "line 2: 'polka' is neither accept, reject, dismiss nor a genre", id="no genre"),
        pytest.param("", "polka", "line 2: 'polka' is neither", id="no genre in the column genre"),
        pytest.param(
            "accept", "jazz", "line 2: accept means rock, but the column genre says 'jazz'", id="accept what?"
        ),
        pytest.param("dismiss", "jazz", "line 2: dismiss keeps the tag as it is", id="dismiss and change"),
        pytest.param("rock", "jazz", "line 2: the decision says 'rock', but the column genre 'jazz'", id="two genres"),
        pytest.param("genre", "", "line 2: the decision is 'genre', but the column genre is empty", id="which genre?"),
    ],
)
def test_rows_that_cannot_be_followed(decision: str, genre: str, problem: str) -> None:
    decisions, (found,) = import_rows(filled((decision, genre)), genre_of)
    assert decisions == []
    assert found.path == "/music/1.mp3"
    assert found.error.startswith(problem)


def test_accepting_without_a_prediction() -> None:
    text = export_rows([row(predicted=None)]).replace(",,\r\n", ",accept,\r\n")
    decisions, (problem,) = import_rows(text, genre_of)
    assert decisions == []
    assert problem.error == "line 2: there is no prediction to accept; write a genre instead"


def test_a_mistake_loses_its_row_only() -> None:
    decisions, problems = import_rows(filled(("accept", ""), ("nonsense", ""), ("", ""), ("jazz", "")), genre_of)
    assert [(decision.path, decision.line) for decision in decisions] == [(b"/music/1.mp3", 2), (b"/music/4.mp3", 5)]
    assert [problem.error[:7] for problem in problems] == ["line 3:"]


def test_a_decision_without_a_path() -> None:
    decisions, (problem,) = import_rows("path,decision\n,reject\n", genre_of)
    assert decisions == []
    assert problem.error == "line 2: there is a decision, but no path"


def test_the_same_file_twice() -> None:
    lines = "path,decision\n/a,jazz\n/b,reject\n/a,rock\n/b,reject\n"
    decisions, (problem,) = import_rows(lines, genre_of)
    assert decisions == [ReviewDecision(b"/b", "reject", None, 3)]
    assert (problem.path, problem.error) == ("/a", "lines 2 and 4 decide differently about this file")


TWO = (("accept", ""), ("Funk & Soul", ""))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(filled(*TWO), id="as written"),
        pytest.param(BYTE_ORDER_MARK + filled(*TWO), id="byte order mark in text"),
        pytest.param((BYTE_ORDER_MARK + filled(*TWO)).encode(), id="byte order mark in bytes"),
        pytest.param(filled(*TWO, delimiter=";").encode(), id="semicolons"),
        pytest.param(filled(*TWO, delimiter="\t").encode("utf-16"), id="Excel's Unicode text"),
        pytest.param(filled(*TWO, end="\n"), id="LF"),
        pytest.param(filled(*TWO, end="\r"), id="CR"),
        pytest.param(filled(*TWO) + ";;;\r\n\r\n,,,,,,,,,\r\n", id="empty rows at the end"),
        pytest.param(filled(*TWO).replace("path,artist", "Path, ARTIST", 1), id="capital headings"),
        pytest.param(filled(*TWO).replace("Album; one", "Albüm").encode("cp1252"), id="Windows code page"),
    ],
)
def test_whatever_a_spreadsheet_makes_of_it(content: str | bytes) -> None:
    decisions, problems = import_rows(content, genre_of)
    assert [(decision.kind, decision.genre) for decision in decisions] == [("accept", "rock"), ("genre", "funk&soul")]
    assert [decision.line for decision in decisions] == [2, 3]
    assert problems == []


def test_a_line_that_names_the_delimiter() -> None:
    decisions, problems = import_rows("sep=;\r\n" + filled(("reject", ""), delimiter=";"), genre_of)
    assert (decisions, problems) == ([ReviewDecision(b"/music/1.mp3", "reject", None, 3)], [])


def test_columns_may_be_moved_and_left_out() -> None:
    decisions, _ = import_rows("decision,note,path\njazz,nice,/a\nrock\n", genre_of)
    assert decisions == [ReviewDecision(b"/a", "genre", "jazz", 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "no column path and no column decision", id="empty"),
        pytest.param("path,artist\n/a,b\n", "no column decision", id="another CSV file"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "zero bytes", id="a picture"),
        pytest.param(b"\xff\xfea", "cut short", id="half a character"),
        pytest.param('path,decision\n"/a,' + "x" * 200_000, "cannot be read at line", id="a cell without end"),
    ],
)
def test_what_is_no_review_file(content: str | bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        import_rows(content, genre_of)


paths = st.binary(min_size=1, max_size=40).filter(lambda path: b"\0" not in path)
nasty = st.text(alphabet="'=+-@\t\r\n\"\\x41,; \udcff\uff1dä", min_size=1, max_size=12)


@given(st.one_of(paths, nasty.map(lambda text: text.encode("utf-8", "surrogateescape"))))
def test_every_path_comes_back(path: bytes) -> None:
    text = export_rows([row(path)]).replace(",,\r\n", ",reject,\r\n")
    text.encode("utf-8")
    assert not cells.path_cell(path).startswith(cells.FORMULA_STARTS)
    decisions, problems = import_rows(text.encode("utf-8"), genre_of)
    assert [(decision.path, decision.kind) for decision in decisions] == [(path, "reject")]
    assert problems == []
