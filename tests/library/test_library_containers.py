"""One contract over every container, by the rows of `bench/containers.py`: write, undo, nothing else changes."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "containers.py"
    spec = importlib.util.spec_from_file_location("bench_containers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


containers = _load()


@pytest.mark.parametrize("row", containers.ROWS, ids=lambda row: row.name)
def test_contract_holds(row: object, tmp_path: Path) -> None:
    assert asdict(containers.examine(row, tmp_path)) == {
        "read": True,
        "write": True,
        "undo_same_bytes": True,
        "undo_same_values": True,
        "audio_hash_equal": True,
        "other_tags_equal": True,
    }


def test_every_container_that_can_be_encoded_has_a_row() -> None:
    from tagger.audio.encode import ENCODABLE

    assert {row.container for row in containers.ROWS} == {*ENCODABLE, "ape", "musepack"}
