"""`tagger guess`: the likeliest genres of any files, without touching them or the index."""

from __future__ import annotations

import argparse
import os

import numpy as np

from tagger.base.errors import FileProblem, UnreadableAudio
from tagger.base.records import NONE, ClipSource
from tagger.commands.console import problem_lines
from tagger.commands.session import Outcome, Session, absolute


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Files, and how many genres to name."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="an audio file")
    parser.add_argument("--top", type=at_least_one, default=3, metavar="N", help="genres to name (default: 3)")
    parser.add_argument("--explain", action="store_true", help="also say what each clip of the file spoke for")


def at_least_one(text: str) -> int:
    """Return a whole number from 1; others are refused by the parser."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Predict; a file that cannot be read is reported and the others are answered."""
    session.home.create()
    from tagger.commands.model import current_classifier, inputs_of

    classifier = current_classifier(session)
    sources = [source for name in arguments.files if (source := _source(session, absolute(name)))]
    results, lines = [], []
    with session.console.bar("listening", len(sources)) as bar:
        for source, clips in inputs_of(session, classifier, sources):
            bar.step()
            session.check()
            if isinstance(clips, FileProblem):
                session.report(clips)
                continue
            chances = classifier.track_probabilities([clips])[0]
            order = [i for i in np.argsort(-chances, kind="stable") if classifier.genres[i] != NONE][: arguments.top]
            path = os.fsdecode(source.path)
            named = [{"genre": classifier.genres[i], "probability": round(float(chances[i]), 6)} for i in order]
            results.append({"path": path, "predictions": named})
            lines.append(path)
            lines += [f"  {entry['probability']:6.1%}  {entry['genre']}" for entry in named]
            if classifier.genres[int(chances.argmax())] == NONE:
                lines.append(f"  {chances.max():6.1%}  none of the genres")
            if arguments.explain:
                spoken = [classifier.genres[int(row.argmax())] for row in classifier.probabilities(clips)]
                results[-1]["clips"] = spoken
                lines.append(f"  clips: {', '.join(spoken)}")
    lines += problem_lines(session.problems)
    return Outcome(
        counts={"files": len(arguments.files), "unreadable": len(session.problems)},
        own={"results": results, "model": classifier.id},
        lines=lines,
        asked=True,
        looked_at=len(arguments.files),
    )


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
