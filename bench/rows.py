"""The index alone, with rows that no file stands behind: `python -m bench.rows FILE ROWS`, a process of its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tagger.base.batches import in_batches
from tagger.base.records import FoundFile, GenreBlock, TrackTags
from tagger.commands.scan import BATCH
from tagger.index.rows import ScannedFile
from tagger.index.store import open_index

PER_ALBUM, PER_ARTIST = 10, 50


def rows(count: int) -> Iterator[ScannedFile]:
    """Yield files as a scan reads them, ten to an album."""
    for number in range(count):
        artist, album = f"Artist {number // PER_ARTIST:06}", f"Album {number // PER_ALBUM:07}"
        path = f"{artist}/{album}/{number % PER_ALBUM:02} Title {number}.mp3".encode()
        names = (artist, None, album, f"Title {number}", str(number % PER_ALBUM), "2001")
        blocks = (GenreBlock("id3v2.3", ("Rock",)),)
        tags = TrackTags("mp3", blocks, *names, 200.0, False, None, f"{number:032x}")
        yield ScannedFile(FoundFile(path, 4_000_000, 1_700_000_000_000_000_000 + number), tags, "Rock")


def main(file: Path, count: int) -> None:
    """Fill an index as a scan does, read what a scan reads, and print seconds as JSON."""
    with open_index(file) as index:
        index.runs.start("bench", "scan")
        library = index.libraries.get(b"/music", create=True)
        assert library is not None
        started = time.perf_counter()
        for batch in in_batches(rows(count), BATCH):
            index.tracks.save(library.library_id, batch, "bench")
        saved = time.perf_counter()
        known = sum(1 for _ in index.tracks.known_files(library.library_id))
        read = time.perf_counter()
    print(json.dumps({"rows": known, "save": saved - started, "read": read - saved}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
