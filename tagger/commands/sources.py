"""Which tracks are learned from and measured on, who is held out, and what is left out because it is known already."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagger.base.errors import FileProblem
from tagger.base.records import NONE, ClipSource, GenreTagState, Split, TrackState
from tagger.commands.views import length_ok

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.genres.leaks import Leak
    from tagger.index.rows import TrackRow


LISTENED, CLIPS_LISTENED = 2, 3  # length [s] and number of the clips by which recordings are compared


@dataclass(frozen=True)
class Sources:
    """Tracks with their splits: `labelled` by a person, and `outside`, which teach what is none of the genres.

    `leaks` counts, by kind, the tracks that the audit of the split left out, `labels` the labels with those.
    """

    labelled: list[ClipSource]
    outside: list[ClipSource]
    leaks: dict[str, int]
    labels: int

    @property
    def everything(self) -> list[ClipSource]:
        return [*self.labelled, *self.outside]


def labelled_tracks(session: Session) -> list[TrackRow]:
    """Return the tracks to learn from: labelled by a person, of the right length, each audio once.

    Copies of one audio that people labelled differently are left out: nobody knows which of them is right.
    """
    copies: dict[str, list[TrackRow]] = defaultdict(list)
    for track in session.index.select.labelled():
        if length_ok(session, track):
            copies[track.fingerprint].append(track)
    rows = [min(same, key=lambda t: t.absolute) for same in copies.values() if len({t.label for t in same}) == 1]
    return sorted(rows, key=lambda track: track.track)


def outside_tracks(session: Session, labelled: Sequence[TrackRow]) -> list[TrackRow]:
    """Return the tracks that are none of the genres, as the map's `skip` says of what people typed.

    At most as many as the largest genre has, by a hash, so that a shelf of audiobooks does not drown the music.
    """
    from tagger.genres.labels import match_blocks

    known = {track.fingerprint for track in labelled}
    found: dict[str, TrackRow] = {}
    for track in session.index.select.tracks(states=[TrackState.SKIPPED]):
        skipped = match_blocks(session.genre_map, track.genre_blocks).state is GenreTagState.SKIPPED
        heard = track.audio_error is None and track.fingerprint not in known and length_ok(session, track)
        if skipped and heard and track.provenance is None:
            found.setdefault(track.fingerprint, track)
    most = max(Counter(track.label for track in labelled).values(), default=0)
    return sorted(found.values(), key=lambda track: share_of(track.track))[:most]


def share_of(name: str) -> bytes:
    """Return what orders tracks at random, and always alike."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def clip_sources(session: Session) -> Sources:
    """Return the tracks to learn from with the split of each, and store which artists are held out."""
    from tagger.genres.leaks import leak_counts

    labelled = labelled_tracks(session)
    outside = outside_tracks(session, labelled)
    label_of = {track.track: track.label or "" for track in labelled} | {track.track: NONE for track in outside}
    tracks = sorted([*labelled, *outside], key=lambda track: track.track)
    group_of = groups_of(session, tracks)
    splits = _splits(session, tracks, group_of, label_of)
    leaks = _leaks(session, tracks, [splits[group_of[track.track]].value for track in tracks])
    known = {leak.place for leak in leaks}
    sources = [
        ClipSource(
            track=track.track,
            path=track.absolute,
            duration=track.duration or 0.0,
            group=group_of[track.track],
            label=label_of[track.track],
            split=splits[group_of[track.track]].value,
        )
        for place, track in enumerate(tracks)
        if place not in known
    ]
    return Sources(
        [source for source in sources if source.label != NONE],
        [source for source in sources if source.label == NONE],
        leak_counts(leaks),
        len(labelled),
    )


def groups_of(session: Session, tracks: Iterable[TrackRow]) -> dict[str, str]:
    """Return the group of artists, or what stands for one, of each track, by its id."""
    from tagger.genres.split import GroupRow, group_tracks

    rows = [
        GroupRow(
            track=track.track,
            library=track.library_id,
            folder=track.folder,
            artist=track.artist,
            album_artist=track.album_artist,
            album=track.album,
            compilation=track.compilation,
        )
        for track in tracks
    ]
    return group_tracks(rows, session.genre_map)


def _splits(
    session: Session, tracks: Iterable[TrackRow], group_of: dict[str, str], label_of: dict[str, str]
) -> dict[str, Split]:
    from tagger.genres.split import assign_splits

    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for track in tracks:
        labels[group_of[track.track]][label_of[track.track]] += 1
    seed = session.settings.seed
    splits = assign_splits(labels, session.index.splits.load(seed), seed)
    session.index.splits.save(seed, splits)
    return splits


def _leaks(session: Session, tracks: Sequence[TrackRow], splits: Sequence[str]) -> list[Leak]:
    """Look for held-out tracks that training would know, and for labels that a machine wrote."""
    from tagger.genres.leaks import SplitTrack, find_leaks, same_titles

    written = _written_by_machine(session, tracks)
    rows = [
        SplitTrack(
            track=track.track,
            split=split,
            artist=track.artist,
            album_artist=track.album_artist,
            title=track.title,
            duration=track.duration,
            written=track.track_id in written,
        )
        for track, split in zip(tracks, splits, strict=True)
    ]
    return find_leaks(rows, _alike(session, tracks, same_titles(rows)))


def _alike(session: Session, tracks: Sequence[TrackRow], pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the pairs of tracks that are the same recording, by listening to both."""
    from tagger.audio.same import alike
    from tagger.audio.spectrogram import FORMS
    from tagger.audio.workers import input_stream

    places = sorted({place for pair in pairs for place in pair})
    # One name for all, since it is the name that decides where clips are cut.
    sources = [ClipSource("same", tracks[place].absolute, tracks[place].duration or 0.0) for place in places]
    heard = {}
    stream = input_stream(
        sources, [LISTENED], FORMS["mel"], CLIPS_LISTENED, session.settings.workers, stopping=session.stopping
    )
    for place, (_, found) in zip(places, stream, strict=False):
        if not isinstance(found, FileProblem) and LISTENED in found:
            heard[place] = found[LISTENED]
    session.check()
    return {(one, other) for one, other in pairs if one in heard and other in heard and alike(heard[one], heard[other])}


def _written_by_machine(session: Session, tracks: Sequence[TrackRow]) -> set[int]:
    """Return the tracks whose genre tag is what this system put there without a person: they must have no label.

    The labels see to that; this looks once more, from the other end, before anything is learned.
    """
    genre_map, past = session.genre_map, session.index.changes.past_writes(tracks)
    found = set()
    for track in tracks:
        tag = track.genre_tag or ""
        standing = [write for write in past.get(track.track_id, ()) if write.own and not write.undone]
        person = any(write.by == "person" and genre_map.same(tag, write.written) for write in standing)
        noted = [track.provenance.written] if track.provenance is not None else []
        machine = [*noted, *(write.written for write in standing if write.by != "person")]
        if not person and any(genre_map.same(tag, text) for text in machine):
            found.add(track.track_id)
    return found
