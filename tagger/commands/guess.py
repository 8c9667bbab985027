"""`tagger guess`: the likeliest genres of any files, without touching them or the index."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tagger.base.errors import FileProblem, UnreadableAudio
from tagger.base.records import NONE, ClipSource
from tagger.commands.console import problem_lines
from tagger.commands.session import Outcome, Session, absolute
from tagger.outcome.context import SAID_OF, Level, explained

if TYPE_CHECKING:
    from tagger.model.saved import Classifier

Said = tuple[Sequence[Mapping[str, float]], Sequence[Level]]  # probabilities by each voice, and who spoke
Voices = Callable[[ClipSource, Mapping[str, float]], Said]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Files, and how many genres to name."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="an audio file")
    parser.add_argument("--top", type=at_least_one, default=3, metavar="N", help="genres to name (default: 3)")
    about = "also say what each clip spoke for, and what people's labels of the same artist and album added"
    parser.add_argument("--explain", action="store_true", help=about)


def at_least_one(text: str) -> int:
    """Return a whole number from 1; others are refused by the parser."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Predict; a file that cannot be read is reported and the others are answered."""
    session.home.create()
    from tagger.commands.model import canonical, inputs_of

    classifier = _classifier(session)
    cold = bool(classifier.card.get("cold_start"))
    sources = [source for name in arguments.files if (source := _source(session, absolute(name)))]
    voices = _voices(session, classifier, sources)
    results, lines = [], []
    with session.console.bar("listening", len(sources)) as bar:
        for source, clips in inputs_of(session, classifier, sources):
            bar.step()
            session.check()
            if isinstance(clips, FileProblem):
                session.report(clips)
                continue
            chances = classifier.track_probabilities([clips])[0]
            steps, levels = voices(source, canonical(session, classifier.genres, chances))
            path = os.fsdecode(source.path)
            named = _named(steps[-1], classifier.genres)
            result: dict[str, Any] = {"path": path, "predictions": named[: arguments.top]}
            results.append(result)
            lines += [path, *_lines(steps[-1], named[: arguments.top])]
            if arguments.explain:
                spoken = [classifier.genres[int(row.argmax())] for row in classifier.probabilities(clips)]
                why = explained(named[0]["genre"], steps, levels) or {"audio": steps[0]}
                result |= {"clips": spoken, "explain": why}
                lines += [f"  clips: {', '.join(spoken)}", *_reasons(named[0]["genre"], why)]
    if cold and results:
        lines.append("Nothing was learned here yet: this is what the pretrained trunk's tags say, for review only.")
    lines += problem_lines(session.problems)
    return Outcome(
        counts={"files": len(arguments.files), "unreadable": len(session.problems)},
        own={"results": results, "model": classifier.id, "cold_start": cold},
        lines=lines,
        asked=True,
        looked_at=len(arguments.files),
    )


def _classifier(session: Session) -> Classifier:
    """Return the current model; where there is none yet, what an installed trunk knows by itself."""
    from tagger.commands.model import current_classifier
    from tagger.commands.transfer import cold_classifier

    cold = cold_classifier(session) if session.index.models.current() is None else None
    return current_classifier(session) if cold is None else cold


def _named(chances: Mapping[str, float], learned: Collection[str]) -> list[dict[str, Any]]:
    """Return the genres that are thought of, best first."""
    order = sorted(chances, key=lambda genre: -chances[genre])
    known = [genre for genre in order if genre != NONE and (chances[genre] > 0 or genre in learned)]
    return [{"genre": genre, "probability": chances[genre]} for genre in known]


def _lines(chances: Mapping[str, float], named: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"  {entry['probability']:6.1%}  {entry['genre']}" for entry in named]
    if (none := chances.get(NONE, 0.0)) > max(entry["probability"] for entry in named):
        lines.append(f"  {none:6.1%}  none of the genres")
    return lines


def _reasons(genre: str, why: Mapping[str, Any]) -> list[str]:
    """Return what each voice said of a genre, and how likely it then was."""
    lines = [f"  sound alone: {genre} {why['audio'].get(genre, 0.0):.1%}"]
    for kind, what in SAID_OF.items():
        if kind in why:
            counts, chance = why[kind]["counts"], why[kind]["probability"]
            said = f"{counts.get(genre, 0):,} of {sum(counts.values()):,} labelled {genre}"
            lines.append(f"  {what}: {said}, then {chance:.1%}")
    return lines


def _voices(session: Session, classifier: Classifier, sources: Sequence[ClipSource]) -> Voices:
    """Return what tells how likely each genre of a file is, by sound alone and after people's labels of its kin."""
    from tagger.commands.context import kin_of_file, load_contexts
    from tagger.commands.model import heldout_of

    current = session.index.models.current()
    found = load_contexts(session, current, heldout_of(current) if current else None)
    if found is None:
        return lambda _, sound: ([sound], ())
    contexts, _ = found
    kin = kin_of_file(session, [source.path for source in sources])

    def voices(source: ClipSource, sound: Mapping[str, float]) -> Said:
        levels = contexts.levels(kin[source.path]) if source.path in kin else ()
        return contexts.fuse([sound], [levels])[0], levels

    return voices


def _source(session: Session, path: bytes) -> ClipSource | None:
    """Find out how long a file is, and the fingerprint that fixes its clips."""
    from tagger.audio.decode import duration
    from tagger.library.payload import fingerprint

    try:
        if not os.path.isfile(path):
            raise UnreadableAudio(path, "there is no such file" if not os.path.exists(path) else "not a file")
        return ClipSource(fingerprint(path)[:16], path, duration(path))
    except FileProblem as problem:
        session.report(problem)
        return None
