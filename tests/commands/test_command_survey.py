"""A library beside what the index knows of it: two sorted streams, of which neither is held as a whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import FoundFile
from tagger.commands.survey import FoundFiles, paired
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


@given(files=st.lists(st.builds(FoundFile, st.binary(min_size=1), st.integers(0, 2**62), st.integers(-(2**62), 2**62))))
def test_packed_files_are_the_same_files(files: list[FoundFile]) -> None:
    packed = FoundFiles(files)
    assert len(packed) == len(files)
    assert list(packed) == list(packed) == files
