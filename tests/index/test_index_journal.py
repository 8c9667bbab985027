"""The journal as a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.index.journal import Journal, JournalUnusable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(entries=st.lists(st.dictionaries(st.text(st.characters(categories=None)), VALUES, max_size=4), max_size=5))
def test_what_is_appended_is_read(tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, object]]) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.jsonl")
    for entry in entries:
        journal.append(entry)
    found = list(journal.read())
    assert [entry for _, entry in found] == entries
    assert journal.path.read_bytes().isascii() if entries else not journal.path.exists()
    for place, (offset, _) in enumerate(found):
        assert [entry for _, entry in journal.read(offset)] == entries[place + 1 :]


def test_offsets_of_an_append_are_the_size_before_and_after(journal: Journal) -> None:
    assert journal.append({"a": 1}) == (0, 8)
    assert journal.append({"b": 2}, {"c": 3}) == (8, 24)
    assert journal.size() == 24


def test_a_line_without_its_end_is_left_for_later_and_does_not_swallow_the_next(journal: Journal) -> None:
    journal.append({"a": 1})
    with journal.path.open("ab") as file:
        file.write(b'{"b": ')
    assert [entry for _, entry in journal.read()] == [{"a": 1}]
    journal.append({"c": 3})
    assert [entry for _, entry in journal.read()] == [{"a": 1}, None, {"c": 3}]


def test_a_whole_last_line_whose_newline_an_editor_took_is_read(journal: Journal) -> None:
    journal.append({"a": 1})
    os.truncate(journal.path, journal.size() - 1)
    ((offset, entry),) = journal.read()
    assert (offset, entry) == (7, {"a": 1})
    journal.append({"b": 2})
    assert [entry for _, entry in journal.read(offset)] == [{"b": 2}]


def test_a_full_disk_leaves_no_half_line(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append({"a": 1})
    write = os.write

    def write_some(descriptor: int, content: bytes) -> int:
        if len(content) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content[:10])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write_some)
        with pytest.raises(JournalUnusable, match="No space left on device"):
            journal.append({"long": "x" * 100})
    assert journal.path.read_bytes() == b'{"a":1}\n'


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "none.jsonl")
    assert (list(journal.read()), journal.identity(), journal.size()) == ([], "", 0)


def test_two_journals_differ_and_one_stays_the_same(tmp_path: Path) -> None:
    one, two = Journal(tmp_path / "1.jsonl"), Journal(tmp_path / "2.jsonl")
    one.append({"id": 1})
    two.append({"id": 2})
    identity = one.identity()
    one.append({"id": 3})
    assert one.identity() == identity != two.identity()


def test_an_unreadable_journal_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(JournalUnusable, match="cannot be read"):
        list(Journal(tmp_path).read())


def test_a_value_that_json_does_not_have_is_refused_before_anything_is_written(journal: Journal) -> None:
    with pytest.raises(ValueError, match="JSON"):
        journal.append({"ok": 1}, {"confidence": float("nan")})
    assert not journal.path.exists()
