"""The audit: genre tags that a person should look at, worst first."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tagger.base.cells import path_cell, text_cell
from tagger.base.errors import path_text
from tagger.base.records import GenreBlock, GenreMatch, GenreTagState, TrackState

MIN_ALBUM = 4  # labelled tracks; among fewer, one that differs says little
MIN_AGREEING = 3  # so that two strays never outvote the rest of an album of four
MAX_STRAYS = 2  # with more, the album is mixed and nothing is wrong
SURE = 0.90  # confidence from which a model that says otherwise is worth a look: the default promise

Match = Callable[[Sequence[str]], GenreMatch]
Suggest = Callable[[str], tuple[str, float] | None]


class Kind(StrEnum):
    """What is the matter with a genre tag."""

    CONFLICTING = "conflicting"  # copies of the same audio have different genres
    STRAY = "stray"  # one or two tracks of an album differ from all others
    SUSPICIOUS = "suspicious"  # models that never heard the artist say another genre
    ID3V1 = "id3v1"  # the old ID3v1 number says another genre than the rest of the file
    AMBIGUOUS = "ambiguous"  # means several genres
    UNMAPPED = "unmapped"  # the genre map does not know it
    PLACEHOLDER = "placeholder"  # says nothing ("Unknown")
    MISSING = "missing"  # there is none


# The scores of a kind go from the first number to the second with how clear the case is. First what is likely wrong
# on air, then what cannot be used, then what is merely not there. Judgement, not measurement: the order is the point.
SCORES = {
    Kind.CONFLICTING: (0.8, 1.0),  # with the share of copies that say otherwise
    Kind.SUSPICIOUS: (0.5, 1.0),  # with the doubt, or the model's confidence
    Kind.STRAY: (0.5, 0.9),  # with the share of the album that agrees
    Kind.ID3V1: (0.45, 0.45),
    Kind.AMBIGUOUS: (0.4, 0.4),
    Kind.UNMAPPED: (0.2, 0.35),  # with the share of the unmapped tracks that have this very tag
    Kind.PLACEHOLDER: (0.15, 0.15),
    Kind.MISSING: (0.1, 0.1),
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """What models that never heard a track's artist say of its label.

    Parameters
    ----------
    suspect : bool
        The label is so likely wrong that a person should look.
    genre : str
        What they say it is.
    confidence, own : float
        How probable they find that, and the label.
    clips, agreeing : int
        How many clips they heard, and how many of these sound like `genre` one by one.
    others, alike : int
        How many other tracks of the artist people labelled, and how many of these `genre`.
    score : float
        How likely the label is wrong, in [0, 1].
    """

    suspect: bool
    genre: str
    confidence: float
    own: float
    clips: int
    agreeing: int
    others: int
    alike: int
    score: float


@dataclass(frozen=True, slots=True)
class AuditTrack:
    """A track as the audit sees it.

    Parameters
    ----------
    path : bytes
        Absolute.
    album : str
        A key that the tracks of one album share; empty for none.
    fingerprint : str
        The same for copies of the same audio; empty if not known.
    state : TrackState
        Where it stands.
    blocks : tuple of GenreBlock
        The genre strings of each tag block.
    genre_tag : str or None
        The raw genre tag as people see it; None if there is none.
    label : str or None
        The canonical genre that a person gave.
    predicted, confidence
        What the current model says, if it was asked.
    doubt : Doubt or None
        What was found when the label was last judged by models of the other artists; takes the place of the current
        model's word.
    """

    path: bytes
    album: str
    fingerprint: str
    state: TrackState
    blocks: tuple[GenreBlock, ...]
    genre_tag: str | None
    label: str | None
    predicted: str | None = None
    confidence: float | None = None
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One track with one thing to look at.

    `suggested` is a canonical genre or None, `score` in [0, 1] says how much a look is worth, `detail` why, in words.
    """

    path: bytes
    kind: Kind
    genre_tag: str | None
    suggested: str | None
    score: float
    detail: str

    def facts(self) -> dict[str, object]:
        """Return the finding for JSON; bytes of the path that are not UTF-8 become surrogate escapes."""
        return {
            "path": path_text(self.path),
            "kind": self.kind.value,
            "genre_tag": self.genre_tag,
            "suggested": self.suggested,
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that one decision settles: tracks of one kind and, where the tag itself is the matter, of one tag."""

    kind: Kind
    genre_tag: str | None
    suggested: str | None
    tracks: int
    example: bytes
    score: float
    detail: str


def audit(
    tracks: Iterable[AuditTrack], match: Match, suggest: Suggest | None = None, sure: float = SURE
) -> list[Finding]:
    """Find the genre tags that a person should look at.

    Parameters
    ----------
    tracks : iterable of AuditTrack
        Of any order; all that are readable.
    match : callable
        What the genre map makes of the values of one tag block.
    suggest : callable, optional
        Proposes a canonical genre, with a score, for a tag that the map does not know.
    sure : float
        The confidence from which a prediction that differs from the label is suspicious.

    Returns
    -------
    list of Finding
        Worst first, then by path. A track can have several.
    """
    rows = sorted(tracks, key=lambda track: track.path)
    found = [*_unusable(rows, match, suggest), *_old_numbers(rows, match), *_suspicious(rows, sure)]
    found += [*_strays(rows), *_conflicting(rows)]
    return sorted(found, key=lambda finding: (-finding.score, finding.path, finding.kind))


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings of each kind, zeros too."""
    return {kind.value: 0 for kind in Kind} | Counter(finding.kind.value for finding in findings)


def grouped(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Put findings together that one decision settles, in the order of their worst."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        if finding.kind is Kind.MISSING:
            key: tuple[object, ...] = (finding.kind,)
        elif finding.kind in (Kind.UNMAPPED, Kind.AMBIGUOUS, Kind.PLACEHOLDER):
            key = (finding.kind, finding.genre_tag)
        else:
            key = (finding.kind, finding.path)
        groups.setdefault(key, []).append(finding)
    return [_group(members) for members in groups.values()]


def _group(members: Sequence[Finding]) -> FindingGroup:
    worst = members[0]
    suggested = worst.suggested if len({member.suggested for member in members}) == 1 else None
    return FindingGroup(worst.kind, worst.genre_tag, suggested, len(members), worst.path, worst.score, worst.detail)


TABLE_HEADER = ("kind", "genre tag", "tracks", "suggested", "why", "path")


def table_rows(groups: Sequence[FindingGroup], limit: int | None = None) -> list[tuple[object, ...]]:
    """Return the rows of a table under `TABLE_HEADER`, at most `limit`."""
    return [
        (g.kind.value, g.genre_tag or "", g.tracks, g.suggested or "", g.detail, path_text(g.example))
        for g in groups[:limit]
    ]


def to_csv(findings: Iterable[Finding]) -> str:
    """Return the findings as CSV, one row per track and kind, safe to open in a spreadsheet."""
    file = io.StringIO(newline="")
    rows = csv.writer(file)
    rows.writerow(["path", "kind", "genre_tag", "suggested", "score", "detail"])
    for f in findings:
        cells = [text_cell(f.genre_tag), text_cell(f.suggested), f"{f.score:.4f}", text_cell(f.detail)]
        rows.writerow([path_cell(f.path), f.kind.value, *cells])
    return file.getvalue()


# --- the kinds ------------------------------------------------------------------------------------------------------


def _finding(track: AuditTrack, kind: Kind, suggested: str | None, clear: float, detail: str) -> Finding:
    low, high = SCORES[kind]
    return Finding(track.path, kind, track.genre_tag, suggested, round(low + (high - low) * clear, 4), detail)


def _values(track: AuditTrack, old: bool) -> tuple[str, ...]:
    """Return the values of the ID3v1 block, or of the first other block that has some."""
    for block in track.blocks:
        if (block.block == "id3v1") is old and block.values:
            return block.values
    return ()


def _unusable(rows: Sequence[AuditTrack], match: Match, suggest: Suggest | None) -> Iterable[Finding]:
    """Tags that say nothing, or nothing that the map knows."""
    unmapped = Counter(track.genre_tag for track in rows if track.state is TrackState.UNMAPPED)
    proposals = {tag: suggest(tag) if suggest and tag else None for tag in unmapped}
    for track in rows:
        if track.state is TrackState.UNMAPPED:
            proposal = proposals[track.genre_tag]
            share = unmapped[track.genre_tag] / unmapped.total()
            yield _finding(
                track, Kind.UNMAPPED, proposal[0] if proposal else None, share, "the genre map does not know this tag"
            )
        elif track.state is TrackState.AMBIGUOUS:
            only_old = not _values(track, old=False)
            detail = "only an old ID3v1 number, often never set" if only_old else "means more than one genre"
            yield _finding(track, Kind.AMBIGUOUS, track.predicted, 1, detail)
        elif track.state is TrackState.UNTAGGED and not (track.genre_tag or "").strip():
            yield _finding(track, Kind.MISSING, track.predicted, 1, "no genre tag")
        elif track.state is TrackState.UNTAGGED or _is_placeholder(track, match):
            yield _finding(track, Kind.PLACEHOLDER, track.predicted, 1, "says nothing about the music")


def _is_placeholder(track: AuditTrack, match: Match) -> bool:
    """Tell a placeholder that is not to be filled from a tag that is skipped on purpose (speech, holiday music)."""
    if track.state is not TrackState.SKIPPED:
        return False
    values = _values(track, old=False) or _values(track, old=True)
    return bool(values) and match(values).state is GenreTagState.PLACEHOLDER


def _old_numbers(rows: Sequence[AuditTrack], match: Match) -> Iterable[Finding]:
    """ID3v1 numbers that contradict the rest of the file. 0 is what many programs left there without meaning it."""
    for track in rows:
        old, new = _values(track, old=True), _values(track, old=False)
        if not old or not new or old == ("0",):
            continue
        said, says = match(old), match(new)
        if said.genre and says.genre and said.genre != says.genre:
            detail = f"ID3v1 has number {old[0]} ({said.genre}), the rest of the file {says.genre}"
            yield _finding(track, Kind.ID3V1, says.genre, 1, detail)


def _suspicious(rows: Sequence[AuditTrack], sure: float) -> Iterable[Finding]:
    for track in rows:
        if track.label is None:
            continue
        if track.doubt is not None:
            if track.doubt.suspect:
                yield _finding(track, Kind.SUSPICIOUS, track.doubt.genre, track.doubt.score, _evidence(track))
        elif track.predicted not in (None, track.label) and track.confidence is not None and track.confidence >= sure:
            detail = f"labelled {track.label}; the model is {track.confidence:.0%} sure of {track.predicted}"
            yield _finding(track, Kind.SUSPICIOUS, track.predicted, track.confidence, detail)


def _evidence(track: AuditTrack) -> str:
    doubt = track.doubt
    if doubt is None:
        return ""
    artist = f"; {doubt.alike} of the artist's {doubt.others} other tracks are {doubt.genre}" if doubt.others else ""
    return (
        f"labelled {track.label}; models that never heard the artist say {doubt.genre} ({doubt.confidence:.2f}) "
        f"on {doubt.agreeing} of {doubt.clips} clips, {track.label} {doubt.own:.2f}{artist}"
    )


def _strays(rows: Sequence[AuditTrack]) -> Iterable[Finding]:
    albums: dict[str, list[AuditTrack]] = defaultdict(list)
    for track in rows:
        if track.album and track.label is not None:
            albums[track.album].append(track)
    for album in albums.values():
        genre, agreeing = _most(track.label for track in album)
        strays = len(album) - agreeing
        if len(album) < MIN_ALBUM or agreeing < MIN_AGREEING or not 0 < strays <= MAX_STRAYS:
            continue
        for track in album:
            if track.label != genre:
                detail = f"labelled {track.label}; {agreeing} of {len(album)} tracks of the album are {genre}"
                yield _finding(track, Kind.STRAY, genre, agreeing / len(album), detail)


def _conflicting(rows: Sequence[AuditTrack]) -> Iterable[Finding]:
    copies: dict[str, list[AuditTrack]] = defaultdict(list)
    for track in rows:
        if track.fingerprint and track.label is not None:
            copies[track.fingerprint].append(track)
    for same in copies.values():
        genre, agreeing = _most(track.label for track in same)
        if agreeing == len(same):
            continue
        suggested = genre if 2 * agreeing > len(same) else None
        for track in same:
            others = Counter(copy.label or "" for copy in same if copy.label != track.label)
            detail = f"labelled {track.label}; copies of the same audio are {', '.join(sorted(others))}"
            yield _finding(track, Kind.CONFLICTING, suggested, others.total() / len(same), detail)


def _most(labels: Iterable[str | None]) -> tuple[str, int]:
    """Return the most frequent label, of equals the first by id, and how often it is there."""
    number = Counter(label for label in labels if label is not None)
    return min(number.items(), key=lambda pair: (-pair[1], pair[0]))
