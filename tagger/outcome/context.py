"""What people's labels of kindred tracks say of a track's genre, and how that joins what its sound says.

By hierarchical smoothing: the counts of each level (album artist, artist, album) are drawn towards what the level
before says, the first one towards the genre's share in the library,

    context_g = (n_g + s * before_g) / (n + s)

(a Dirichlet prior of strength s; MacKay and Peto, "A hierarchical Dirichlet language model", 1995). Sound and context
are joined as if they were independent given the genre, and a little is left for slips of the pen,

    log q(g) = log sound_g + w * log(context_g / share_g) + constant
    p(g) = (1 - d) q(g) + d * share_g

Labels are of canonical genres, so that they cannot say that a track is none of them: the probability of `NONE` stays
what sound alone says. Where no label is known of any kin, all of it stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.batches import Once
from tagger.base.records import ALBUM, ALBUM_ARTIST, ARTIST, NONE, KinKeys

FEW = 2  # labelled kin; what only these say is judged by itself
LEVELS = 3  # at the most, of one track
LEAST = 1e-6  # [probability] what sound gives less to has not been said to be impossible
SHARE_PRIOR = 0.5  # labels of each genre that are counted as if they were there (Jeffreys)
DIGITS = 6
SAID_OF = {ALBUM_ARTIST: "by the album artist", ARTIST: "by the artist", ALBUM: "on the album"}

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Strengths:
    """How much context counts.

    `artist` and `album` are how many labels it takes until they weigh as much as what was known without them, `weight`
    what a word of the context is worth beside one of the sound, `doubt` how often a label has nothing to do with
    either. The usual values are about the likeliest on the hard library of `bench.hard`; `bench.context` judges them.
    """

    artist: float = 0.2
    album: float = 1.0
    weight: float = 0.9
    doubt: float = 0.05

    def of(self, kind: str) -> float:
        """Return the strength s of a level."""
        return self.album if kind == ALBUM else self.artist


@dataclass(frozen=True, slots=True)
class Level:
    """How often people gave each genre to the kin of one kind; the track and its copies left out."""

    kind: str
    counts: Mapping[str, int]


class Tally:
    """Who was given which genre by people.

    Parameters
    ----------
    labelled : iterable of (fingerprint, genre, keys)
        Tracks that a person labelled, and nothing else. Copies of the same audio count once, under all of their keys,
        and not at all where people disagree on them.
    """

    def __init__(self, labelled: Iterable[tuple[str, str, KinKeys]]) -> None:
        self._known: dict[str, tuple[str | None, KinKeys]] = {}
        once = Once()
        for fingerprint, genre, keys in labelled:
            known = self._known.get(fingerprint)
            if known is None:
                self._known[fingerprint] = genre, once(tuple(map(once, keys)))
            else:
                said, all_keys = known
                more = tuple(key for key in keys if key not in all_keys)
                self._known[fingerprint] = genre if said == genre else None, (*all_keys, *more)
        self.total: Counter[str] = Counter()
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        for label, all_keys in self._known.values():
            if label is not None:
                self.total[label] += 1
                for key in all_keys:
                    self._counts.setdefault(key, Counter())[label] += 1

    def __iter__(self) -> Iterator[tuple[str, str, KinKeys]]:
        """Yield what counts: fingerprint, genre and keys of each audio."""
        for fingerprint, (label, keys) in self._known.items():
            if label is not None:
                yield fingerprint, label, tuple(sorted(keys))

    def label(self, fingerprint: str) -> str | None:
        """Return what people say of this audio; None where they say nothing, or disagree."""
        return self._known.get(fingerprint, (None, ()))[0]

    def levels(self, fingerprint: str, keys: KinKeys) -> tuple[Level, ...]:
        """Return what people say of the kin of a track, level by level, without what they say of its own audio."""
        label, own = self._known.get(fingerprint, (None, ()))
        found = []
        for key in keys:
            counts = Counter(self._counts.get(key, {}))
            if label is not None and key in own:
                counts[label] -= 1
            if +counts:
                found.append(Level(key[0], dict(+counts)))
        return tuple(found)


class SparseTally:
    """The same, were but one track of each artist labelled (of each album, where no artist is named): the one whose
    fingerprint comes first, or the next for that one itself.

    Parameters
    ----------
    tally : Tally
    """

    def __init__(self, tally: Tally) -> None:
        chosen: tuple[list[tuple[str, str, KinKeys]], ...] = ([], [])
        met: Counter[tuple[str, str]] = Counter()
        for fingerprint, genre, keys in sorted(tally):
            owner = next((key for key in keys if key[0] == ARTIST), keys[0] if keys else None)
            if owner is not None:
                if met[owner] < len(chosen):
                    chosen[met[owner]].append((fingerprint, genre, keys))
                met[owner] += 1
        self._first, self._next = map(Tally, chosen)

    def levels(self, fingerprint: str, keys: KinKeys) -> tuple[Level, ...]:
        """Return what the one labelled track says; see `Tally.levels`."""
        tally = self._first if self._first.label(fingerprint) is None else self._next
        return tally.levels(fingerprint, keys)


def few(levels: Sequence[Level]) -> bool:
    """Say whether so few kin are labelled that the evidence of well-known artists does not hold."""
    return max((sum(level.counts.values()) for level in levels), default=0) <= FEW


def shares(total: Mapping[str, int], genres: Sequence[str]) -> dict[str, float]:
    """Return the share of each genre in a library in which so many tracks have it; none is 0."""
    everything = sum(total.get(genre, 0) for genre in genres) + SHARE_PRIOR * len(genres)
    return {genre: (total.get(genre, 0) + SHARE_PRIOR) / everything for genre in genres}


def level_arrays(rows: Sequence[Sequence[Level]], genres: Sequence[str]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the counts of levels, (n, `LEVELS`, genres), and which of them are of albums, (n, `LEVELS`)."""
    place = {genre: i for i, genre in enumerate(genres)}
    counts = np.zeros((len(rows), LEVELS, len(genres)))
    albums = np.zeros((len(rows), LEVELS), np.bool_)
    for i, levels in enumerate(rows):
        for j, level in enumerate(levels):
            albums[i, j] = level.kind == ALBUM
            for genre in level.counts.keys() & place.keys():
                counts[i, j, place[genre]] = level.counts[genre]
    return counts, albums


def join(sound: Array, counts: Array, albums: NDArray[np.bool_], share: Array, strengths: Strengths) -> Array:
    """Return the probabilities by sound alone and after each level has spoken: (`LEVELS` + 1, n, genres).

    Parameters
    ----------
    sound : float array of shape (n, genres)
        Of the canonical genres; each row adds up to 1.
    counts, albums : arrays
        See `level_arrays`. A level that nobody spoke of has only zeros, and changes nothing.
    share : float array of shape (genres,) or (n, genres)
        Of the genres in the library; none is 0.
    strengths : Strengths
    """
    strength = np.where(albums, strengths.album, strengths.artist)
    context = np.broadcast_to(share, sound.shape)
    heard = np.log(np.maximum(sound, LEAST))
    steps = [sound]
    for j in range(LEVELS):
        told = counts[:, j].sum(axis=1, keepdims=True)
        s = strength[:, j, None]
        context = (counts[:, j] + s * context) / (told + s)
        logs = heard + strengths.weight * np.log(context / share)
        odds = np.exp(logs - logs.max(axis=1, keepdims=True))
        joined = (1 - strengths.doubt) * odds / odds.sum(axis=1, keepdims=True) + strengths.doubt * share
        steps.append(np.where(told > 0, joined, steps[-1]))
    return np.stack(steps)


def fuse(
    sounds: Sequence[Mapping[str, float]],
    contexts: Sequence[Sequence[Level]],
    share: Mapping[str, float],
    strengths: Strengths,
    learned: Collection[str],
) -> list[list[dict[str, float]]]:
    """Return the probabilities of tracks by sound alone and after each level of their context.

    Parameters
    ----------
    sounds : sequence of mappings of genre id to probability
        By sound alone, with `NONE` where the model can say that.
    contexts : sequence of sequences of Level
        For each track, the level that says least of its genre first.
    share : mapping of genre id to float
        See `shares`; of the canonical genres, in their order.
    strengths : Strengths
    learned : collection of str
        The genres that the model knows; of the others sound says no more than their share in the library.
    """
    genres = list(share)
    shared = np.array([share[genre] for genre in genres])
    known = np.array([genre in learned for genre in genres])
    sound = np.array([[chances.get(genre, 0.0) for genre in genres] for chances in sounds]).reshape(-1, len(genres))
    heard = _without_unlearned(sound, shared, known)
    steps = join(heard, *level_arrays(contexts, genres), shared, strengths)
    found = []
    for i, (chances, levels) in enumerate(zip(sounds, contexts, strict=True)):
        none = {NONE: chances[NONE]} if NONE in chances else {}
        inside = 1 - chances.get(NONE, 0.0)
        after = [
            {genre: round(float(inside * p), DIGITS) for genre, p in zip(genres, step[i], strict=True)} | none
            for step in steps[1 : len(levels) + 1]
        ]
        found.append([dict(chances), *after])
    return found


def _without_unlearned(sound: Array, share: Array, known: NDArray[np.bool_]) -> Array:
    """Return what sound says of the canonical genres, (n, genres), with the share of those that the model never met."""
    heard = np.where(known, np.maximum(sound, LEAST), 0.0)
    total = np.maximum(heard.sum(axis=1, keepdims=True), LEAST)
    rest = share[known].sum()
    return np.where(known, heard / total * rest, share)


def explained(
    genre: str, steps: Sequence[Mapping[str, float]], levels: Sequence[Level], clips: Mapping[str, int] | None = None
) -> dict[str, Any] | None:
    """Return what spoke for a genre.

    Parameters
    ----------
    genre : str
        The likeliest.
    steps : sequence of mappings
        Probabilities by sound alone, and once each level has spoken.
    levels : sequence of Level
        Of the context.
    clips : mapping of str to int, optional
        For how many clips each genre was the likeliest.

    Returns
    -------
    dict or None
        ``clips`` where they are known; where there is context, the probabilities by sound alone (``audio``), and for
        each level how often people gave each genre (``counts``) and the probability of `genre` once it has spoken.
        None where there is neither.
    """
    said: dict[str, Any] = {"clips": dict(clips)} if clips else {}
    if levels:
        said["audio"] = dict(steps[0])
        for level, step in zip(levels, steps[1:], strict=True):
            said[level.kind] = {"counts": dict(sorted(level.counts.items())), "probability": step[genre]}
    return said or None


def note(genre: str, context: Mapping[str, Any] | None) -> str:
    """Return what context had a say in a genre, in a few words; empty where there is none."""
    if context is None or "audio" not in context:
        return ""
    words = [f"sound {context['audio'].get(genre, 0.0):.2f}"]
    for kind, what in SAID_OF.items():
        if kind in context:
            counts = context[kind]["counts"]
            words.append(f"{counts.get(genre, 0):,} of {sum(counts.values()):,} {what}")
    return f" ({'; '.join(words)})"
