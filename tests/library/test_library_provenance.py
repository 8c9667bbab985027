"""The note beside a genre that this system wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import Provenance
from tagger.library.provenance import from_text, to_text

WORDS = st.text(st.characters(codec="utf-8"), max_size=40)


def test_reads_plainly() -> None:
    note = Provenance("Funk & Soul", "20260101T000000-cnn2d-3f2a", 0.93, "20260102T000000-cafe")
    assert to_text(note) == (
        "genre=Funk & Soul; model=20260101T000000-cnn2d-3f2a; confidence=0.93; run=20260102T000000-cafe"
    )


@given(st.builds(Provenance, WORDS, WORDS, st.floats(allow_nan=False, allow_infinity=False), WORDS))
def test_round_trip(note: Provenance) -> None:
    text = to_text(note)
    assert from_text(text) == note
    assert text.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "1", "genre=Rock"),
        "genre=Rock; model=m; confidence=high; run=r",
        "genre=a; model=b; confidence=nan; run=c",
    ],
)
def test_other_texts_are_no_note(text: str | None) -> None:
    assert from_text(text) is None
