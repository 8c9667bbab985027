"""What people's labels of the same artist and album add to the sound.

    python -m bench.context HOME [LIBRARY]

HOME is that of a station whose current model is judged; how much context counts and the thresholds come from its own
held-out artists, as on a night. LIBRARY was made by `python -m bench.hard` (with other artists, by another seed) and
has a `truth.csv`. Each of its tracks is taken for untagged in turn: by a new artist, of whom nothing is labelled; by
an artist all of whose other tracks are; by one of whom a random half is, or a single track. Prints the share of wrong
tracks by sound alone, by the artist's most frequent genre, and by both together; their calibration errors; precision
and coverage at several promises. Without LIBRARY, the test artists of HOME are judged, by what people typed, at
thresholds that their own tracks had a part in.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.promise import CONFIDENCE, as_heldout, listen, truth
from tagger.base.records import ARTIST, Kin, Split
from tagger.commands.context import Contexts, Evidence, fused, load_contexts, with_context
from tagger.commands.decisions import lower
from tagger.commands.model import current_model, heldout_of
from tagger.commands.session import Session
from tagger.genres.kin import Kinship
from tagger.genres.map import GenreMap
from tagger.model.calibrate import accepted, precision_bound, thresholds
from tagger.model.heldout import Heldout
from tagger.model.metrics import measure
from tagger.model.saved import load
from tagger.outcome.context import Level, Tally, few

PROMISES = (0.6, 0.7, 0.8, 0.9)
Levels = Sequence[Sequence[Level]]
ERRORS = ("labelled besides", "judged by", "tracks", "sound alone", "lookup", "together (95%)", "ECE before", "after")
KEPT = ("labelled besides", "promise", "precision (typed)", "its 80% bound", "precision (truth)", "coverage")


def main(home: Path, library: Path | None) -> None:
    """Judge the current model of a home."""
    session = Session.from_arguments(argparse.Namespace(command="status", home=str(home)))
    session.look()
    current = current_model(session)
    heldout = heldout_of(current)
    found = load_contexts(session, current, heldout)
    if heldout is None or found is None or found[1] is None:
        sys.exit("no held-out track of this home has context")
    contexts, evidence = found
    print(f"{current.model_id}: {len(evidence.few)} held-out tracks with context; {contexts.strengths}\n")
    if library is None:
        said = true = heldout.of(Split.TEST)
        kin = {row.fingerprint[:16]: row for row in session.index.select.kin() if row.label is not None}
        known = protocols(list(kin.values()), contexts.kinship)
        place = {track: number for number, track in enumerate(kin)}
        known = {
            name: [levels[place[track]] if track in place else () for track in said.tracks.tolist()]
            for name, levels in known.items()
        }
    else:
        classifier = load(Path(current.folder))
        rows, chances = listen(classifier, library, truth(library))
        said, true = as_heldout(classifier, rows, chances)
        all_kin = [kin_of_row(row, session.genre_map) for row in rows]
        known = protocols(all_kin, Kinship(all_kin, session.genre_map))
    tables(contexts, evidence, said, true, known)


def tables(contexts: Contexts, evidence: Evidence, said: Heldout, true: Heldout, known: dict[str, Levels]) -> None:
    """Print all that is found of tracks `said` to be of a genre by people and `true` of one, by how much is known."""
    same = unchanged_without_context(contexts, said)
    print(f"new artists: {'exactly as by sound alone' if same else 'NOT as by sound alone'}\n")
    print(heading(ERRORS))
    for name, levels in known.items():
        for by, judged in {"typed": said, "truth": true}.items():
            if by == "typed" or true is not said:
                print(f"| {name} | {by} | {' | '.join(errors(contexts, judged, levels))} |")
    print(f"\n{heading(KEPT)}")
    for name, levels in known.items():
        for cells in promises(contexts, evidence, said, true, levels):
            print(f"| {name} | {' | '.join(cells)} |")


def heading(cells: Sequence[str]) -> str:
    """Return the two first lines of a table."""
    return f"| {' | '.join(cells)} |\n|{' --- |' * len(cells)}"


def kin_of_row(row: dict[str, str], genre_map: GenreMap) -> Kin:
    """Return a row of `truth.csv` as far as it tells with which others it belongs."""
    folder = os.path.dirname(row["path"])
    label = genre_map.match_all([row["genre_tag"]]).genre
    names = (row["artist"], None, os.path.basename(folder))
    return Kin(row["path"], 1, os.fsencode(folder), *names, compilation=False, label=label)


def protocols(kin: Sequence[Kin], kinship: Kinship) -> dict[str, Levels]:
    """Return the context of each track by how much of its artist is labelled besides."""
    keys = [kinship.keys(row) for row in kin]

    def levels(visible: np.ndarray) -> Levels:
        rows = zip(kin, keys, visible, strict=True)
        tally = Tally((row.fingerprint, row.label, key) for row, key, seen in rows if seen and row.label is not None)
        return [tally.levels(row.fingerprint, key) for row, key in zip(kin, keys, strict=True)]

    by_artist: dict[str, list[int]] = defaultdict(list)
    for place in np.random.default_rng(1).permutation(len(kin)).tolist():
        by_artist[kin[place].artist or ""].append(place)
    order = {place: number for places in by_artist.values() for number, place in enumerate(places)}
    number = np.array([order[place] for place in range(len(kin))])
    # Each half is hidden in turn, so that every track is judged once.
    halves = [levels(number % 2 == half) for half in (0, 1)]
    first = levels(number == 0)
    return {
        "all others": levels(np.ones(len(kin), np.bool_)),
        "a half": [halves[1 - order[place] % 2][place] for place in range(len(kin))],
        "one track": [first[place] if number[place] else () for place in range(len(kin))],
    }


def unchanged_without_context(contexts: Contexts, said: Heldout) -> bool:
    """Say whether tracks by new artists have the very probabilities that sound alone gives them."""
    sounds = [dict(zip(said.genres, row, strict=True)) for row in said.probabilities.tolist()]
    return contexts.fuse(sounds, [()] * len(sounds)) == [[sound] for sound in sounds]


def errors(contexts: Contexts, judged: Heldout, levels: Levels) -> list[str]:
    """Return how many of the tracks with context are wrong, and the calibration errors."""
    before, context = with_context(judged, levels, list(contexts.share))
    after = fused((before, context), contexts)
    looked = np.array([lookup(one, contexts, before.genres) for one in context])
    inside = before.inside
    old, now = (measure(one.only(inside), {}, np.zeros(int(inside.sum()), np.bool_)) for one in (before, after))
    low, high = now.intervals["track_accuracy"]
    wrong = [1 - old.metrics["track_accuracy"], float((looked != before.labels)[inside].mean())]
    together = f"{1 - now.metrics['track_accuracy']:.3f} ({1 - high:.3f} to {1 - low:.3f})"
    eces = [old.metrics["ece"], now.metrics["ece"]]
    return [str(inside.sum()), *(f"{x:.3f}" for x in wrong), together, *(f"{x:.3f}" for x in eces)]


def lookup(levels: Sequence[Level], contexts: Contexts, genres: Sequence[str]) -> int:
    """Return the artist's most frequent genre, of equals the more frequent one in the library."""
    counts = next((level.counts for level in levels if level.kind == ARTIST), {})
    return genres.index(max(contexts.share, key=lambda genre: (counts.get(genre, 0), contexts.share[genre])))


def promises(contexts: Contexts, evidence: Evidence, said: Heldout, true: Heldout, levels: Levels) -> list[list[str]]:
    """Return the lines of the promises that were to be kept of tracks with context."""
    held = with_context(said, levels, list(contexts.share))
    after, thin = fused(held, contexts), np.array([few(one) for one in held[1]])
    really = with_context(true, levels, list(contexts.share))[0]
    calls, lines = after.probabilities.argmax(axis=1), []
    for promise in PROMISES:
        limits = [thresholds(one, promise, CONFIDENCE) for one in (evidence.many, evidence.few)]
        many, some = (accepted(after.probabilities, after.genres, one) for one in (lower(*limits), limits[1]))
        taken = np.where(thin, some, many)
        right = calls[taken] == after.labels[taken]
        bound = precision_bound(right, after.groups[taken], CONFIDENCE) if taken.any() else 0.0
        typed, truly = (
            f"{one.mean():.3f}" if taken.any() else "-" for one in (right, calls[taken] == really.labels[taken])
        )
        lines.append([f"{promise:.1f}", typed, f"{bound:.3f}", truly, f"{taken.mean():.3f}"])
    return lines


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
