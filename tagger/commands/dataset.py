"""`tagger dataset`: spectrogram clips of the labelled tracks, folder per class; `dataset info` looks at one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.base.errors import UsageError
from tagger.commands.clips import build, cache_sounds, inputs_in_cache
from tagger.commands.console import problem_lines, table
from tagger.commands.libraries import mounted_libraries
from tagger.commands.session import Outcome, Session
from tagger.commands.sources import clip_sources

if TYPE_CHECKING:
    import numpy as np

    from tagger.audio.dataset_info import DatasetInfo


PICTURES = ("mel", "wtsc")
TABLES = {"mfcc": ".json", "features": ".csv"}  # forms that are written as one file
FORM_HELP = "the kind of spectrogram; mfcc (JSON) and features (CSV) of 3-s clips go to the file --out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What clips, where; or which data set to look at."""
    parser.add_argument("action", nargs="?", choices=("info",), help="look at a data set instead of making one")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the data set to look at")
    parser.add_argument("--seconds", dest="clip_seconds", metavar="1,2", help="lengths of the clips (default: 1,2)")
    parser.add_argument("--form", choices=(*PICTURES, *TABLES), default="mel", help=FORM_HELP)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to put it (default: dataset/ in the home)")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Make the data set, or describe one."""
    if arguments.action == "info":
        return _info(session, arguments.folder or session.home.dataset)
    if arguments.form in TABLES and (arguments.out is None or arguments.out.is_dir()):
        raise UsageError(f"--form {arguments.form} needs --out FILE{TABLES[arguments.form]}, the file to write")
    session.begin()
    mounted_libraries(session)
    if arguments.form in TABLES:
        return _table(session, arguments.form, arguments.out.absolute())
    out = arguments.out.absolute() if arguments.out else session.home.dataset
    sources = clip_sources(session).labelled
    result = build(session, sources, arguments.form, out)
    counts = {"tracks": result.tracks, **{f"clips_{seconds}s": n for seconds, n in result.clips.items()}}
    clips = ", ".join(f"{number:,} of {seconds} s" for seconds, number in result.clips.items())
    lines = [f"{result.tracks:,} tracks, clips: {clips or 'none'}; in {out}."]
    lines += problem_lines(session.problems)
    if not sources:
        lines.append("No track has a label yet: scan a library first, and look at `tagger genres`.")
    return Outcome(counts, {"path": str(out)}, lines, bool(session.new_problems), looked_at=len(sources))


def _table(session: Session, form: str, out: Path) -> Outcome:
    """Write MFCCs or features of the labelled tracks' clips as one file."""
    from tagger.audio.tables import write_features_csv, write_mfcc_json
    from tagger.model.families import STUDY_SECONDS

    sources, seconds = clip_sources(session), STUDY_SECONDS[0]
    cache_sounds(session, sources, seconds)
    counts = {"tracks": 0, f"clips_{seconds}s": 0}

    def rows() -> Iterator[tuple[str, str, str, np.ndarray]]:
        for source, found in inputs_in_cache(session, seconds, form, sources.labelled):
            counts["tracks"] += 1
            counts[f"clips_{seconds}s"] += len(found)
            yield source.track, source.label, source.split, found

    out.parent.mkdir(parents=True, exist_ok=True)
    if form == "features":
        write_features_csv(out, rows())
    else:
        write_mfcc_json(out, [genre.id for genre in session.genre_map.genres], rows())
    clips = counts[f"clips_{seconds}s"]
    lines = [
        f"{counts['tracks']:,} tracks, {clips:,} clips of {seconds} s; in {out}.",
        *problem_lines(session.problems),
    ]
    return Outcome(counts, {"path": str(out)}, lines, bool(session.new_problems), looked_at=len(sources.labelled))


def _info(session: Session, folder: Path) -> Outcome:
    from tagger.audio.dataset_info import read_dataset

    info = read_dataset(folder.absolute())
    counts = {"tracks": max((one.tracks for one in info.lengths), default=0)}
    counts |= {f"clips_{one.seconds}s": one.clips for one in info.lengths}
    return Outcome(counts, info.as_dict(), _info_lines(folder, info), asked=True)


def _info_lines(folder: Path, info: DatasetInfo) -> list[str]:
    rows = [
        (length.seconds or "?", split, name, number)
        for length in info.lengths
        for split, classes in length.counts.items()
        for name, number in classes.items()
    ]
    sizes = ", ".join(f"{n:,} of {size}" for length in info.lengths for size, n in length.sizes.items())
    lines = [f"Data set {folder}: pictures (rows x columns): {sizes or 'none'}"]
    lines += table(("seconds", "split", "class", "clips"), rows, frozenset({0, 3}))
    lines += [f"Fault: {fault}" for fault in info.faults]
    return lines if info.faults else [*lines, "No faults."]
