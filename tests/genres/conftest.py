"""The default genre map, loaded once, and maps written on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.genres.map import GenreMap, default_map_path, load_map


@pytest.fixture(scope="session")
def default_map() -> GenreMap:
    return load_map(default_map_path())


@pytest.fixture
def map_of(tmp_path: Path) -> Callable[[str], GenreMap]:
    """Return a function that loads a map from its text; the file is `tmp_path / "genre_map.yaml"`."""

    def load(text: str) -> GenreMap:
        path = tmp_path / "genre_map.yaml"
        path.write_text(text, encoding="utf-8")
        return load_map(path)

    return load
