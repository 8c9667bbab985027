"""`tagger inspect PATH`: what is inside a model file, a data set folder or an audio file."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from tagger.base.errors import FileProblem, UsageError
from tagger.commands.session import Outcome, Session, absolute

MODEL_SUFFIXES = (".keras", ".h5", ".hdf5", ".skops")
CARD = "card.json"
# Told in JSON only: too long for eyes.
UNREAD = {"confusion", "counts", "genre_rows", "intervals", "history", "sha256", "thresholds", "versions", "recipe"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to look into."""
    about = "a .keras, .h5 or .skops file, a model or data set folder, an audio file"
    parser.add_argument("path", metavar="PATH", help=about)


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Tell which of the three it is and describe it."""
    path = Path(os.fsdecode(absolute(arguments.path)))
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    if path.is_dir() and not (path / CARD).is_file():
        kind, facts = "dataset", _dataset(path)
    elif path.is_dir() or path.suffix.lower() in MODEL_SUFFIXES:
        kind, facts = "model", _model(path)
    else:
        kind, facts = "audio", _audio(session, path)
    shown = {key: value for key, value in facts.items() if key not in UNREAD}
    if isinstance(shown.get("card"), dict):
        shown["card"] = {key: value for key, value in shown["card"].items() if key not in UNREAD}
    lines = [f"{path}: {kind}", *_lines(shown)]
    return Outcome({"files": 1, "unreadable": len(session.problems)}, {"path": str(path), "kind": kind, **facts}, lines,
                   asked=True)  # fmt: skip


def _dataset(path: Path) -> dict[str, Any]:
    from tagger.audio.dataset_info import read_dataset

    return {key: value for key, value in read_dataset(path).as_dict().items() if key != "path"}


def _model(path: Path) -> dict[str, Any]:
    from tagger.model.describe import describe

    if path.is_file():
        return dict(describe(path))
    from tagger.model.saved import read_card

    card = read_card(path)
    return {**describe(path), "card": {key: card[key] for key in card if key not in ("history",)}}


def _audio(session: Session, path: Path) -> dict[str, Any]:
    """Describe tags and streams; one of them may be readable where the other is not."""
    from tagger.audio.streams import stream_info
    from tagger.genres.labels import match_blocks
    from tagger.library.tags import read_tags

    facts: dict[str, Any] = {}
    raw = os.fsencode(path)
    try:
        tags = read_tags(raw)
        facts["tags"] = {
            name: getattr(tags, name)
            for name in ("container", "artist", "album_artist", "album", "title", "track_number", "year", "duration")
        }
        facts["genre_tags"] = {block.block: list(block.values) for block in tags.genre_blocks}
        facts["canonical"] = match_blocks(session.genre_map, tags.genre_blocks).genre
        facts["fingerprint"] = tags.fingerprint
        note = tags.provenance
        facts["provenance"] = note and {"written": note.written, "model": note.model, "confidence": note.confidence,
                                        "run": note.run}  # fmt: skip
        facts["a_write_would"] = _write_effects(session, raw)
    except FileProblem as problem:
        session.report(problem)
    try:
        facts["streams"] = stream_info(raw)
    except FileProblem as problem:
        if facts:  # else it is the same trouble, said in other words
            session.report(problem)
    return facts


def _write_effects(session: Session, path: bytes) -> dict[str, Any]:
    """Say what writing a genre into the file would lose and change besides."""
    from tagger.library.preflight import preflight

    try:
        found = preflight(path, session.genre_map.genres[0].name)
    except OSError as error:
        raise FileProblem(path, f"no room to try a write: {error.strerror or error}") from error
    return {
        "lose": [f"{loss.kind}: {loss.text}" for loss in found.losses],
        "change": list(found.changes),
        "undo_to_the_same_bytes": found.exact_undo,
    }


def _lines(facts: dict[str, Any], indent: str = "  ") -> list[str]:
    """Return nested facts as indented lines."""
    lines: list[str] = []
    for key, value in facts.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{indent}{key}:")
            lines += [f"{indent}  " + ", ".join(f"{k} {v}" for k, v in row.items()) for row in value]
        else:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            lines.append(f"{indent}{key}: {shown}")
    return lines
