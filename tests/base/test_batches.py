"""Batches hold everything once, in order; what equals something known is that very object."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tagger.base.batches import Once, in_batches


@given(items=st.lists(st.integers()), size=st.integers(1, 9))
def test_batches_hold_everything_in_order(items: list[int], size: int) -> None:
    found = list(in_batches(iter(items), size))
    assert [item for batch in found for item in batch] == items
    assert all(len(batch) == size for batch in found[:-1]) and all(found)


def test_names_are_kept_once() -> None:
    once = Once()
    first, again = "".join(["a", "lbum"]), "".join(["alb", "um"])
    assert first is not again
    assert once(first) is once(again) is first
    assert once(None) is None


def test_old_names_are_forgotten() -> None:
    once = Once(most=10)
    for number in range(100):
        assert once(f"name {number}") == f"name {number}"
    assert len(once._known) <= 11
