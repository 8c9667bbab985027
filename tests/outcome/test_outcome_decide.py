"""Decisions: the likeliest genre, whether it may be written, and a reason that is true."""

from __future__ import annotations

import math

import pytest

from tagger.base.records import Decision
from tagger.outcome.decide import decide

NEEDS = {"edm": 0.84, "jazz": None, "pop": 0.0}


@pytest.mark.parametrize(
    ("probabilities", "genre", "decision", "reason"),
    [
        pytest.param(
            {"edm": 0.93, "pop": 0.07}, "edm", Decision.ACCEPT, "0.93 reaches the 0.84 that edm needs", id="sure"
        ),
        pytest.param({"edm": 0.84}, "edm", Decision.ACCEPT, "0.84 reaches the 0.84 that edm needs", id="just sure"),
        pytest.param(
            {"edm": 0.71, "pop": 0.29}, "edm", Decision.ABSTAIN, "0.71 is under the 0.84 that edm needs", id="unsure"
        ),
        pytest.param(
            {"edm": 0.8399}, "edm", Decision.ABSTAIN, "0.8399 is under the 0.8400 that edm needs", id="nearly sure"
        ),
        pytest.param({"pop": 0.31}, "pop", Decision.ACCEPT, "0.31; pop is written at any confidence", id="no promise"),
        pytest.param(
            {"jazz": 0.99},
            "jazz",
            Decision.ABSTAIN,
            "jazz was not right often enough on held-out artists, however sure the model was",
            id="never right enough",
        ),
        pytest.param(
            {"polka": 1.0},
            "polka",
            Decision.ABSTAIN,
            "polka is not measured: too few held-out artists",
            id="unmeasured",
        ),
        pytest.param(
            {"pop": 0.5, "edm": 0.5}, "edm", Decision.ABSTAIN, "0.50 is under the 0.84 that edm needs", id="a tie"
        ),
    ],
)
def test_decide(probabilities: dict[str, float], genre: str, decision: Decision, reason: str) -> None:
    expected = (genre, probabilities[genre], decision, reason)
    assert decide(probabilities, NEEDS, unmeasured={"polka"}) == expected
    turned = dict(reversed(probabilities.items()))
    assert decide(turned, NEEDS, unmeasured={"polka"}) == expected


def test_a_genre_without_threshold_is_never_accepted() -> None:
    assert decide({"rock": 1.0}, {})[2] is Decision.ABSTAIN


def test_unmeasured_wins_over_a_threshold() -> None:
    assert decide({"edm": 1.0}, NEEDS, unmeasured={"edm"})[2] is Decision.ABSTAIN


@pytest.mark.parametrize("bad", [{}, {"edm": math.nan}, {"edm": 1.2}, {"edm": -0.1, "pop": 0.9}], ids=str)
def test_what_is_no_probability_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="probabilit"):
        decide(bad, NEEDS)
