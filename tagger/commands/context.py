"""Wiring of context: what people's labels of kindred tracks add to what a model hears, and the evidence for it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import UnreadableTags
from tagger.base.records import NONE, Kin, Split
from tagger.outcome.context import Level, SparseTally, Strengths, Tally, few, fuse, join, level_arrays, shares

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.genres.kin import Kinship
    from tagger.index.rows import ModelRow, TrackRow
    from tagger.model.heldout import Heldout

IN_FORCE = "context"  # key in the index's meta table: shares and strengths of the model that they were found for
GROWTH = 0.10  # of the labels, by which they are found anew
# By how much they are expected to differ from the usual ones: three logarithms, and the weight.
SPREAD = np.array([0.7, 0.7, 0.25, 0.7])
MOST_DOUBT = 0.5


@dataclass(frozen=True)
class Contexts:
    """What people's labels say of any track, and how much that counts beside the sound."""

    kinship: Kinship
    tally: Tally
    share: Mapping[str, float]
    strengths: Strengths
    learned: frozenset[str]

    def levels(self, row: Kin) -> tuple[Level, ...]:
        """Return what people say of the kin of a track."""
        return self.tally.levels(row.fingerprint, self.kinship.keys(row))

    def fuse(
        self, sounds: Sequence[Mapping[str, float]], contexts: Sequence[Sequence[Level]]
    ) -> list[list[dict[str, float]]]:
        """Return probabilities by sound alone and after each level, as `tagger.outcome.context.fuse` does."""
        return fuse(sounds, contexts, self.share, self.strengths, self.learned)


def kin_of(track: TrackRow) -> Kin:
    """Return a track of the index as far as it tells with which others it belongs."""
    return Kin(
        track.fingerprint,
        track.library_id,
        track.folder,
        track.artist,
        track.album_artist,
        track.album,
        track.compilation,
    )


def kin_of_file(session: Session, paths: Sequence[bytes]) -> dict[bytes, Kin]:
    """Return, by path, any files whose tags can be read, as far as they tell with which tracks they belong."""
    from tagger.library.readers import tag_stream, workers_for

    roots = {library.root.rstrip(b"/") + b"/": library.library_id for library in session.index.libraries.all()}
    found = {}
    for path, tags in tag_stream(paths, workers_for(len(paths), session.settings.workers), stopping=session.stopping):
        if isinstance(tags, UnreadableTags):
            continue
        root = max((root for root in roots if path.startswith(root)), key=len, default=None)
        folder = b"" if root is None else os.path.dirname(path[len(root) :])
        names = (tags.artist, tags.album_artist, tags.album, tags.compilation)
        found[path] = Kin(tags.fingerprint, None if root is None else roots[root], folder, *names)
    return found


@dataclass(frozen=True)
class Evidence:
    """What a model says, together with people's labels of their kin, of tracks by artists that it never heard: with all
    labels that there are, but for a track's own, of artists of whom there are more than a few; and of all, had but one
    other track of the artist a label."""

    many: Heldout
    few: Heldout


def load_contexts(
    session: Session, current: ModelRow | None, heldout: Heldout | None
) -> tuple[Contexts, Evidence | None] | None:
    """Return what people's labels say, and the evidence of what that is worth.

    Parameters
    ----------
    current : ModelRow or None
    heldout : Heldout or None
        What the model alone says of artists that it never heard; where there are none, there is no evidence, and how
        much context counts is what is usual.

    Returns
    -------
    Contexts and Evidence, or None
        None where context is switched off, nobody labelled a track, or context cannot be measured on two held-out
        artists of any genre: then nothing shows what it is worth.
    """
    if not session.settings.context:
        return None
    from tagger.genres.kin import Kinship
    from tagger.model.calibrate import measured

    wanted = frozenset() if heldout is None else frozenset(heldout.tracks.tolist())
    kept: list[Kin] = []
    kinship = Kinship(_keeping(session.index.select.kin(), wanted, kept), session.genre_map)
    tally = Tally((row.fingerprint, row.label, kinship.keys(row)) for row in kept if row.label is not None)
    if not tally.total:
        return None
    genres = [genre.id for genre in session.genre_map.genres]
    contexts = Contexts(kinship, tally, shares(tally.total, genres), Strengths(), frozenset(genres))
    if heldout is None or not len(heldout):
        return contexts, None
    rows = {row.fingerprint[:16]: row for row in reversed(kept) if row.fingerprint[:16] in wanted}
    found = [rows.get(track) for track in heldout.tracks.tolist()]
    held = with_context(heldout, [contexts.levels(row) if row else () for row in found], genres)
    if not any(measured(held[0]).values()):
        return None
    share, strengths = _in_force(session, current, tally, contexts.share, held)
    contexts = replace(contexts, share=share, strengths=strengths, learned=frozenset(heldout.genres) - {NONE})
    sparse = SparseTally(tally)
    thin = [sparse.levels(row.fingerprint, kinship.keys(row)) if row else () for row in found]
    plenty = np.array([not few(levels) for levels in held[1]], np.bool_)
    return contexts, Evidence(fused(held, contexts).only(plenty), fused(with_context(heldout, thin, genres), contexts))


def beside_people(session: Session, heldout: Heldout) -> Heldout | None:
    """Return held-out tracks with what people's labels of their kin add to the sound, each without its own label.

    None where there is no context, or nothing shows what it is worth.
    """
    found = load_contexts(session, None, heldout)
    if found is None or found[1] is None:
        return None
    contexts = found[0]
    wanted = frozenset(heldout.tracks.tolist())
    rows = {row.fingerprint[:16]: row for row in session.index.select.kin() if row.fingerprint[:16] in wanted}
    levels = [contexts.levels(rows[track]) if track in rows else () for track in heldout.tracks.tolist()]
    sounds = [dict(zip(heldout.genres, row, strict=True)) for row in heldout.probabilities.tolist()]
    said = [steps[-1] for steps in contexts.fuse(sounds, levels)]
    chances = np.array([[one.get(genre, 0.0) for genre in heldout.genres] for one in said])
    return replace(heldout, probabilities=chances / chances.sum(axis=1, keepdims=True))


Held = tuple["Heldout", Sequence[Sequence[Level]]]


def with_context(heldout: Heldout, levels: Sequence[Sequence[Level]], genres: Sequence[str]) -> Held:
    """Return the held-out tracks that have context, over all canonical genres (and `NONE`), with that context."""
    wide = (*genres, NONE)
    place = [wide.index(genre) if genre in wide else -1 for genre in heldout.genres]
    chances = np.zeros((len(heldout), len(wide)))
    for i, j in enumerate(place):
        if j >= 0:
            chances[:, j] = heldout.probabilities[:, i]
    labels = np.array(place, np.int64)[heldout.labels]
    chosen = np.array([bool(said) for said in levels], np.bool_) & (labels >= 0)
    whole = replace(heldout, genres=wide, labels=labels, probabilities=chances)
    return whole.only(chosen), [said for said, one in zip(levels, chosen, strict=True) if one]


def fused(held: Held, contexts: Contexts) -> Heldout:
    """Return held-out tracks with the probabilities that sound and context give together."""
    heldout, levels = held
    sounds = [dict(zip(heldout.genres, row, strict=True)) for row in heldout.probabilities.tolist()]
    steps = contexts.fuse(sounds, levels)
    chances = np.array([[row[-1][genre] for genre in heldout.genres] for row in steps])
    return replace(heldout, probabilities=chances)


def fit(held: Held, share: Mapping[str, float]) -> Strengths:
    """Return the strengths under which the labels of validation artists are the likeliest.

    Parameters
    ----------
    held : Heldout and levels
        Tracks with context (`with_context`).
    share : mapping of genre to float
        The library's, over the genres of `held`.
    """
    from tagger.model.strengths import likeliest

    heldout, levels = held
    chosen = (heldout.splits == str(Split.VAL)) & heldout.inside
    some = heldout.only(chosen)
    counts, albums = level_arrays([said for said, one in zip(levels, chosen, strict=True) if one], list(share))
    shared = np.array(list(share.values()))
    sound = some.probabilities[:, : len(share)]
    rows = np.arange(len(some))

    def chances(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return join(sound, counts, albums, shared, _strengths(numbers))[-1, rows, some.labels]

    return _strengths(likeliest(chances, some.groups, SPREAD))


def _strengths(numbers: NDArray[np.float64]) -> Strengths:
    """Return strengths that are so far from the usual ones."""
    usual = Strengths()
    artist, album, weight, doubt = numbers.tolist()
    return Strengths(
        usual.artist * math.exp(artist),
        usual.album * math.exp(album),
        max(0.0, usual.weight + weight),
        min(MOST_DOUBT, usual.doubt * math.exp(doubt)),
    )


def _in_force(
    session: Session, current: ModelRow | None, tally: Tally, share: Mapping[str, float], held: Held
) -> tuple[Mapping[str, float], Strengths]:
    """Return shares and strengths of the current model, found anew only where there are many more labels.

    If they followed every label, each would change the probabilities of all tracks.
    """
    labels = tally.total.total()
    about = {"model": current.model_id if current else "", "genres": list(share)}
    stored: Mapping[str, Any] = session.index.meta.get(IN_FORCE, {})
    if stored.get("about") == about and abs(labels - stored["labels"]) <= GROWTH * stored["labels"]:
        return dict(zip(share, stored["share"], strict=True)), Strengths(**stored["strengths"])
    strengths = fit(held, share)
    if session.run_id is not None and current is not None:
        found = {"about": about, "labels": labels, "share": list(share.values()), "strengths": asdict(strengths)}
        session.index.meta.set(IN_FORCE, found)
    return share, strengths


def _keeping(rows: Iterator[Kin], wanted: frozenset[str], kept: list[Kin]) -> Iterator[Kin]:
    """Pass all rows on, and keep the labelled and the wanted ones."""
    for row in rows:
        if row.label is not None or row.fingerprint[:16] in wanted:
            kept.append(row)
        yield row
