"""What holds for each container when a genre is written and taken back: `python -m bench.containers`.

Each row makes real files (a tagged and an untagged one), writes a genre as the nightly run does, and takes it back in
both ways. A cell says yes only if it holds for both files. Other tags are compared by mutagen's own view of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
from mutagen.apev2 import APENoHeaderError, APEv2
from mutagen.id3 import ID3
from mutagen.mp3 import HeaderNotFoundError
from mutagen.wave import WAVE

from tagger.audio.encode import encode
from tagger.audio.hash import audio_hash
from tagger.base.errors import FileProblem
from tagger.base.records import Provenance
from tagger.library.compose import compose_tags
from tagger.library.preflight import preflight
from tagger.library.swap import WriteContext
from tagger.library.tags import read_tags
from tagger.library.write import undo_write, write_genre

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
RATE = 44100
RUN = "20260101T000000-cafe"
GENRE = "Hip Hop"
NOTE = Provenance(GENRE, "bench", 0.93, RUN)
TAGS = {
    **{"title": "Blå vals", "artist": "The Band", "album_artist": "Various", "album": "One", "track_number": "3"},
    **{"year": "1999", "comment": "bought at the corner shop", "genre": "Unknown"},
}


@dataclass(frozen=True)
class Row:
    """A container with one kind of tags. `tag` gives a fresh file its tags; `allowed`: the station allows the loss."""

    name: str
    container: str
    tag: Callable[[Path], None]
    allowed: bool = False


@dataclass(frozen=True)
class Result:
    """What held."""

    read: bool
    write: bool
    undo_same_bytes: bool
    undo_same_values: bool
    audio_hash_equal: bool
    other_tags_equal: bool


def _composed(container: str, **options: Any) -> Callable[[Path], None]:
    return lambda path: compose_tags(path, container, TAGS, **options)


def _ape_behind(path: Path) -> None:
    tags = APEv2()
    tags.update({"Title": TAGS["title"], "Artist": TAGS["artist"], "Genre": "Unknown"})
    tags.save(path)


def _v1_only(path: Path) -> None:
    compose_tags(path, "mp3", TAGS, id3v1=True)
    ID3(path).delete(path, delete_v1=False)


def _all_three(path: Path) -> None:
    _ape_behind(path)
    compose_tags(path, "mp3", TAGS, id3v1=True)


def _before(block: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: _put(path, block() + path.read_bytes())


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _id3(version: int, frames: tuple[tuple[str, bytes], ...]) -> bytes:
    """Return an ID3v2 block of v2.2 or v2.3; these texts are all shorter than 128 bytes."""
    old = version == 2
    size = (lambda n: n.to_bytes(3, "big")) if old else (lambda n: n.to_bytes(4, "big") + bytes(2))
    body = b"".join(name.encode() + size(len(content)) + content for name, content in frames)
    return b"ID3" + bytes([version, 0, 0, 0, 0, len(body) >> 7, len(body) & 0x7F]) + body


def _id3v22() -> bytes:
    texts = (("TT2", TAGS["title"]), ("TP1", TAGS["artist"]), ("TYE", "1999"), ("TCO", "Unknown"))
    frames = [(name, b"\0" + text.encode("latin-1")) for name, text in texts]
    return _id3(2, (*frames, ("COM", b"\0eng\0fine"), ("PIC", b"\0PNG\x03\0" + b"\x89PNG" * 9)))


def _id3v23(genre: str = "Unknown") -> bytes:
    texts = (("TIT2", TAGS["title"]), ("TPE1", TAGS["artist"]), ("TCON", genre))
    return _id3(3, tuple((name, b"\0" + text.encode("latin-1")) for name, text in texts))


def _two_id3(path: Path) -> None:
    path.write_bytes(_id3v23() + _id3v23("Rock") + path.read_bytes())


def _id3_and_flac(path: Path) -> None:
    compose_tags(path, "flac", TAGS)
    path.write_bytes(_id3v23() + path.read_bytes())


def _info_only(path: Path) -> None:
    compose_tags(path, "wav", TAGS, riff_info=True)
    wave = WAVE(path)
    wave.delete()


ROWS = (
    Row("MP3, ID3v2.3", "mp3", _composed("mp3", id3_version=(2, 3))),
    Row("MP3, ID3v2.4", "mp3", _composed("mp3", id3_version=(2, 4))),
    Row("MP3, ID3v2.3 and ID3v1", "mp3", _composed("mp3", id3_version=(2, 3), id3v1=True)),
    Row("MP3, ID3v1 only", "mp3", _v1_only),
    Row("MP3, APEv2 only", "mp3", _ape_behind),
    Row("MP3, ID3v2.3, APEv2 and ID3v1", "mp3", _all_three),
    Row("MP3, ID3v2.2, allowed", "mp3", _before(_id3v22), allowed=True),
    Row("MP3, two ID3v2.3 tags, allowed", "mp3", _two_id3, allowed=True),
    Row("AAC (ADTS), ID3v2.3", "aac", _composed("aac")),
    Row("AAC (ADTS), APEv2", "aac", _ape_behind),
    Row("FLAC", "flac", _composed("flac")),
    Row("FLAC behind ID3v2.3", "flac", _id3_and_flac),
    Row("Ogg Vorbis", "ogg", _composed("ogg")),
    Row("Opus", "opus", _composed("opus")),
    Row("M4A, AAC", "m4a", _composed("m4a")),
    Row("M4A, ALAC", "alac", _composed("alac")),
    Row("WAV, ID3 chunk and INFO", "wav", _composed("wav", riff_info=True)),
    Row("WAV, INFO only", "wav", _info_only),
    Row("AIFF", "aiff", _composed("aiff")),
    Row("WMA", "wma", _composed("wma")),
    Row("WavPack", "wavpack", _composed("wavpack")),
    Row("Monkey's Audio", "ape", _composed("ape")),
    Row("Musepack", "musepack", _composed("musepack")),
)


def fresh_file(folder: Path, container: str) -> Path:
    """Make a file without tags: encoded, or from the fixtures where FFmpeg has no encoder."""
    path = folder / f"fresh.{container}"
    fixture = {"ape": "full.ape", "musepack": "full.mpc"}.get(container)
    if fixture:
        shutil.copyfile(FIXTURES / fixture, path)
        APEv2(path).delete(path)
        return path
    random = np.random.default_rng(7)
    time = np.arange(2 * RATE) / RATE
    samples = 0.3 * np.sin(2 * np.pi * 330 * time)[:, None] + 0.05 * random.standard_normal((time.size, 2))
    encode(path, samples.astype(np.float32), RATE, container)
    return path


def examine(row: Row, folder: Path) -> Result:
    """Try one row on a tagged and on an untagged file."""
    untagged = fresh_file(folder, row.container)
    tagged = Path(shutil.copyfile(untagged, folder / f"tagged.{row.container}"))
    row.tag(tagged)
    results = [_try(tagged, TAGS["artist"], row.allowed), _try(untagged, None)]
    return Result(*(all(getattr(result, cell.name) for result in results) for cell in fields(Result)))


def _try(path: Path, artist: str | None, allowed: bool = False) -> Result:
    name, content = os.fsencode(path), path.read_bytes()
    before, others, audio = read_tags(name), other_tags(path), audio_hash(name)
    record = _write(path, allowed)
    written = read_tags(name)
    audio_equal = audio_hash(name) == audio and written.fingerprint == before.fingerprint
    others_equal = _kept(others, other_tags(path), bool(before.genre_blocks))
    undo_write(name, record, _context(path, {}))
    same_bytes = path.read_bytes() == content
    record = _write(path, allowed) | {"delta": None}
    undo_write(name, record, _context(path, {}))
    undone = read_tags(name)
    return Result(
        read=before.artist == artist and (before.duration or 0) > 0.5,
        write=written.provenance == NOTE and _genres(written) <= {GENRE, "7"} and GENRE in _genres(written),
        undo_same_bytes=same_bytes,
        undo_same_values=_genres(undone) == _genres(before) and undone.provenance is None,
        audio_hash_equal=audio_equal and audio_hash(name) == audio,
        other_tags_equal=others_equal and _kept(others, other_tags(path), bool(before.genre_blocks)),
    )


def _write(path: Path, allowed: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    context = _context(path, facts)
    if allowed:
        context = replace(context, losses=preflight(os.fsencode(path), GENRE, NOTE).losses)
    write_genre(os.fsencode(path), GENRE, NOTE, context)
    return dict(json.loads(json.dumps(facts)))


def _context(path: Path, facts: dict[str, Any]) -> WriteContext:
    return WriteContext(
        library=os.fsencode(path.parent),
        run=RUN,
        audio_hash=audio_hash,
        journal=lambda stage, told: facts.update(told),
        settle_seconds=0,
    )


def _genres(tags: Any) -> set[str]:
    return {value for block in tags.genre_blocks for value in block.values}


def other_tags(path: Path) -> dict[str, str]:
    """Return every tag but genre and note, as mutagen sees them, of every block of the file."""
    found: dict[str, str] = {}
    try:
        file = mutagen.File(path)
        tags = file.tags if file is not None else None
    except HeaderNotFoundError:  # mutagen takes raw AAC behind ID3 for MP3
        tags = ID3(path)
    if isinstance(tags, ID3):
        tags = {key: frame.pprint() for key, frame in tags.items()}
    found.update({f"main {key}": str(value) for key, value in dict(tags or {}).items()})
    with contextlib.suppress(APENoHeaderError):
        found.update({f"ape {key}": str(value) for key, value in APEv2(path).items()})
    end = path.read_bytes()[-128:]
    if end.startswith(b"TAG") and not end.startswith(b"TAGEX"):  # the middle of an APEv2 mark
        found["id3v1"] = end[:127].hex()
    return {key: value for key, value in found.items() if not _is_own(key)}


def _is_own(key: str) -> bool:
    lower = key.lower()
    return "genre" in lower or "tcon" in lower or "\xa9gen" in lower or "tagger" in lower


def _kept(before: dict[str, str], after: dict[str, str], had_block: bool) -> bool:
    """Whether nothing is lost or changed; a file that had no tags may get what belongs to a new block."""
    return before.items() <= after.items() and (not had_block or before.keys() == after.keys())


def table() -> str:
    """Return the results as Markdown."""
    titles = [cell.name.replace("_", " ") for cell in fields(Result)]
    lines = [f"| container | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for row in ROWS:
        try:
            with tempfile.TemporaryDirectory() as folder:
                result = examine(row, Path(folder))
        except FileProblem as problem:
            print(f"{row.name}: {problem}", file=sys.stderr)
            result = Result(*[False] * len(titles))
        cells = ["yes" if getattr(result, cell.name) else "NO" for cell in fields(Result)]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table; end with an error if something did not hold."""
    shown = table()
    print(shown)
    if "NO" in shown:
        sys.exit("a container does not hold what is promised")


if __name__ == "__main__":
    main()
