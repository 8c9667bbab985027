"""The plan: which files get which genre tonight. The same candidates, in any order, give the same plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tagger.base.records import Decision, PlanItem, TrackState

LEFT_BECAUSE = {
    TrackState.LABELLED: "has a person's genre",
    TrackState.UNMAPPED: "has a genre tag that the map does not know",
    TrackState.AMBIGUOUS: "has a genre tag that means several genres, or is not to be trusted",
    TrackState.SKIPPED: "has a genre tag that is left alone on purpose",
    TrackState.MACHINE: "was filled by an earlier run",
}
ALREADY_AS_DECIDED = "already has the genre that a person decided on"
LENGTH = "is shorter or longer than tracks that are written"
DECIDED_BUT_LENGTH = "was decided by a person, but is shorter or longer than tracks that are written"
CLOSED = "is closed: a person changed, blanked, took back or rejected an earlier genre"
NO_PREDICTION = "has no prediction by the current model yet"
NOT_SURE = "goes to review: the model is not sure enough"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track as the plan sees it.

    Parameters
    ----------
    track_id : int
        Its row in the index.
    path : bytes
        Absolute.
    album : str
        A key that the tracks of one album share; empty for a track of its own.
    state : TrackState
        Where it stands.
    closed : bool
        A person said no to an earlier genre.
    genre_tag : str or None
        The raw genre tag, as people see it; None if there is none.
    current : str or None
        The canonical genre that the file holds now, whoever wrote it.
    genre, confidence, decision, reason
        The prediction of the current model, with the decision that `decide` made (``ACCEPT`` or ``ABSTAIN``); all
        None, and an empty reason, where there is no prediction.
    person_genre : str or None
        What a person decided on in review and is *not yet carried out*. Once it was written, give None: otherwise
        a later edit by hand would be overruled by the old decision. It comes after an earlier no, so it opens a
        closed track.
    duration_ok : bool
        Its length lies within `min_seconds` and `max_seconds`.
    """

    track_id: int
    path: bytes
    album: str
    state: TrackState
    closed: bool
    genre_tag: str | None
    current: str | None
    genre: str | None
    confidence: float | None
    decision: Decision | None
    reason: str
    person_genre: str | None = None
    duration_ok: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write now, what on later nights, and why the rest is left as it is.

    `left` has a row per reason, most frequent first; the reasons read after "the track".
    """

    items: tuple[PlanItem, ...]
    postponed: tuple[PlanItem, ...]
    left: tuple[tuple[str, int], ...]


def make_plan(
    candidates: Iterable[Candidate], max_writes: int | None, again: bool = False, refresh: bool = False
) -> Plan:
    """Choose the tracks to write.

    A person's decisions come first, by path. Then whole albums, the surest first; an album that does not fit into
    what is left of `max_writes` waits for another night, so that no album is half written. Then single tracks, the
    surest first. An album larger than `max_writes` would wait for ever, so it goes in parts, as single tracks do.

    Parameters
    ----------
    candidates : iterable of Candidate
        In any order.
    max_writes : int or None
        The most files to write; None for no limit.
    again : bool
        Fill closed tracks too.
    refresh : bool
        Replace genres of earlier runs by those that the current model is sure of.

    Returns
    -------
    Plan
    """
    chosen: list[PlanItem] = []
    left: Counter[str] = Counter()
    for candidate in candidates:
        why_not = _left_because(candidate, again, refresh)
        if why_not is None:
            chosen.append(_item(candidate))
        else:
            left[why_not] += 1
    items, postponed = _within(chosen, len(chosen) if max_writes is None else max_writes)
    rows = sorted(left.items(), key=lambda row: (-row[1], row[0]))
    return Plan(tuple(items), tuple(postponed), tuple(rows))


def _left_because(track: Candidate, again: bool, refresh: bool) -> str | None:
    """Say why a track is not to be written; None if it is."""
    if track.person_genre is not None:
        if track.person_genre == track.current:
            return ALREADY_AS_DECIDED
        return None if track.duration_ok else DECIDED_BUT_LENGTH
    # A machine's genre that the map no longer knows (current is None) is a matter for the map, not for the model.
    replaces = track.state is TrackState.MACHINE and refresh and track.current not in (None, track.genre)
    if track.state is not TrackState.UNTAGGED and not replaces:
        return LEFT_BECAUSE[track.state]
    if not track.duration_ok:
        return LENGTH
    if track.closed and (replaces or not again):
        return CLOSED
    if track.genre is None:
        return NO_PREDICTION
    return None if track.decision is Decision.ACCEPT else NOT_SURE


def _item(track: Candidate) -> PlanItem:
    before, album = track.genre_tag, track.album
    if track.person_genre is not None:
        decision, reason = Decision.PERSON.value, "a person decided in review"
        return PlanItem(track.track_id, track.path, before, track.person_genre, None, decision, reason, album)
    decision, reason = Decision.ACCEPT.value, track.reason
    if track.state is TrackState.MACHINE:
        reason = f"replaces {track.current} of an earlier run; {reason}"
    elif track.closed:
        reason = f"filled again, as asked; {reason}"
    return PlanItem(track.track_id, track.path, before, track.genre, track.confidence, decision, reason, album)


def _within(chosen: list[PlanItem], budget: int) -> tuple[list[PlanItem], list[PlanItem]]:
    """Return what fits into `budget` files, in the order of writing, and what has to wait, by path."""
    ordered = sorted(chosen, key=lambda item: (item.path, item.track_id or 0))
    persons = [item for item in ordered if item.decision == Decision.PERSON]
    albums: dict[str, list[PlanItem]] = {}
    singles: list[PlanItem] = []
    for item in ordered:
        if item.decision != Decision.PERSON:
            if item.album:
                albums.setdefault(item.album, []).append(item)
            else:
                singles.append(item)
    taken = persons[:budget]
    for _, album in sorted(albums.items(), key=lambda pair: (-_mean_confidence(pair[1]), pair[0])):
        if len(album) == 1 or len(album) > budget:
            singles += album
        elif len(album) <= budget - len(taken):
            taken += album
    singles.sort(key=lambda item: (-(item.confidence or 0.0), item.path, item.track_id or 0))
    taken += singles[: budget - len(taken)]
    written = {(item.path, item.track_id) for item in taken}
    return taken, [item for item in ordered if (item.path, item.track_id) not in written]


def _mean_confidence(album: list[PlanItem]) -> float:
    # Rounded: the sum of floats depends on their order only in digits that mean nothing.
    return round(sum(item.confidence or 0.0 for item in album) / len(album), 9)
