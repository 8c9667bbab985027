"""From probabilities to a decision: sure enough to be written without a person, or one for review."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from tagger.base.records import NONE, Decision

FINEST_DIGITS = 6  # beyond this two confidences are shown alike; calibration is not that fine


def decide(
    probabilities: Mapping[str, float],
    thresholds: Mapping[str, float | None],
    unmeasured: Collection[str] = (),
) -> tuple[str, float, Decision, str]:
    """Choose the likeliest genre of a track and say whether it may be written without a person, and why.

    Parameters
    ----------
    probabilities : mapping of genre id to float
        Calibrated, each in [0, 1]; at least one genre. Where the model can say that it is none of the genres, `NONE`
        has the probability of that.
    thresholds : mapping of genre id to float or None
        The confidence from which the genre keeps the promise on held-out artists; None: at none. A genre that is
        not in it counts as None.
    unmeasured : collection of str
        Genres with too few held-out artists to tell, so that the reason can say so.

    Returns
    -------
    genre : str
        The likeliest; of equals, the first by id.
    confidence : float
    decision : Decision
        ``ACCEPT`` or ``ABSTAIN``.
    reason : str
        One plain line.

    Raises
    ------
    ValueError
        If there are no probabilities, or one is not a number in [0, 1].
    """
    if not probabilities.keys() - {NONE}:
        raise ValueError("no probabilities to decide from")
    for genre, probability in probabilities.items():
        if not (math.isfinite(probability) and 0 <= probability <= 1):
            raise ValueError(f"the probability of {genre} is {probability!r}, which is not within 0 and 1")
    genre = min(probabilities.keys() - {NONE}, key=lambda name: (-probabilities[name], name))
    confidence = float(probabilities[genre])
    threshold = thresholds.get(genre)
    if (none := probabilities.get(NONE, 0.0)) >= confidence:
        return genre, confidence, Decision.ABSTAIN, f"sounds like none of the genres ({none:.2f})"
    if genre in unmeasured:
        return genre, confidence, Decision.ABSTAIN, f"{genre} is not measured: too few held-out artists"
    if threshold is None:
        return genre, confidence, Decision.ABSTAIN, _never(genre)
    if threshold <= 0:
        return genre, confidence, Decision.ACCEPT, f"{confidence:.2f}; {genre} is written at any confidence"
    if confidence >= threshold:
        return genre, confidence, Decision.ACCEPT, f"{confidence:.2f} reaches the {threshold:.2f} that {genre} needs"
    low, high = _told_apart(confidence, threshold)
    return genre, confidence, Decision.ABSTAIN, f"{low} is under the {high} that {genre} needs"


def _never(genre: str) -> str:
    return f"{genre} was not right often enough on held-out artists, however sure the model was"


def _told_apart(low: float, high: float) -> tuple[str, str]:
    """Return both numbers with as many digits, two at least, as it takes to see which is smaller."""
    for digits in range(2, FINEST_DIGITS + 1):
        shown = f"{low:.{digits}f}", f"{high:.{digits}f}"
        if shown[0] != shown[1]:
            break
    return shown
