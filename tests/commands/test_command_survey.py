"""A library beside what the index knows of it: two sorted streams, of which neither is held as a whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import FoundFile
from tagger.commands.survey import paired
from tagger.index.rows import KnownFile

paths = st.sets(st.binary(min_size=1, max_size=3))


@given(there=paths, known=paths)
def test_every_file_comes_once_beside_its_row(there: set[bytes], known: set[bytes]) -> None:
    files = [FoundFile(path, 1, 1) for path in sorted(there)]
    rows = [KnownFile(number, path, 1, 1, None, False, None, 0) for number, path in enumerate(sorted(known))]
    pairs = list(paired(files, rows))
    assert [file for file, _ in pairs if file] == files
    assert [row for _, row in pairs if row] == rows
    assert {row.path for file, row in pairs if file and row and file.path == row.path} == there & known
    assert all(file is None or row is None or file.path == row.path for file, row in pairs)
