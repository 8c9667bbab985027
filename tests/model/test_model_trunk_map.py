"""What the trunk's tags say of genres: which tag speaks for which, by any genre map, and how loud."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from tagger.genres.map import GenreMap, default_map_path, load_map
from tagger.model.trunk_map import (
    MSD_GENRES,
    MSD_MEANS,
    MTT_GENRES,
    MTT_MEANS,
    NOTHING,
    SHARPNESS,
    map_scores,
    means,
    speaking,
)
from tagger.model.trunk_tags import MSD_TAGS, MTT_TAGS

TAGS = [*(f"MSD {tag}" for tag in MSD_TAGS), *(f"MTT {tag}" for tag in MTT_TAGS)]
DOCS = Path(__file__).parents[2] / "docs" / "genres.md"
# The genres of GTZAN.
STUDY = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"]
ROCK = ["MSD rock", "MSD alternative rock", "MSD classic rock", "MSD punk", "MSD hard rock", "MSD Progressive rock"]
METAL = ["MSD metal", "MSD heavy metal", "MTT metal"]
INDIE = ["MSD alternative", "MSD indie", "MSD indie rock"]
POP = ["MSD pop", "MSD catchy", "MSD indie pop", "MTT pop"]
CLASSICAL = [
    *("MTT classical", "MTT strings", "MTT violin", "MTT opera", "MTT harpsichord", "MTT classic", "MTT choir"),
    *("MTT cello", "MTT choral"),
]
ELECTRONIC = ["MSD electronic", "MSD electronica", "MSD ambient", "MSD electro", "MTT techno", "MTT electronic"]
BY_DEFAULT = {
    "alt": [*INDIE, "MSD folk"],
    "classical": CLASSICAL,
    "country": ["MSD country", "MTT country"],
    "edm": [*ELECTRONIC, "MSD dance", "MSD House"],
    "funk&soul": ["MSD soul", "MSD funk"],
    "hip hop": ["MSD Hip-Hop"],
    "jazz": ["MSD jazz"],
    "pop": POP,
    "r&b": ["MSD blues", "MSD rnb"],
    "rock": [*ROCK, *METAL, "MTT rock"],
}
BY_STUDY = {
    "blues": ["MSD blues"],
    "classical": CLASSICAL,
    "country": ["MSD country", "MTT country"],
    "disco": ["MSD dance", "MSD House", "MSD funk"],
    "hiphop": ["MSD Hip-Hop"],
    "jazz": ["MSD jazz"],
    "metal": METAL,
    "pop": POP,
    "reggae": [],
    "rock": [*ROCK, *INDIE, "MTT rock"],
}


def study_map(folder: Path) -> GenreMap:
    path = folder / "genre_map.yaml"
    path.write_text("genres:\n" + "".join(f"  - {{id: {genre}, name: {genre.title()}}}\n" for genre in STUDY))
    return load_map(path)


def spoken(genres: Sequence[str], genre_of: Callable[[str], str | None]) -> dict[str, list[str]]:
    found = speaking(genres, genre_of)
    return {genre: sorted(TAGS[tag] for tag in own) for genre, own in zip(genres, found, strict=True)}


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        pytest.param(lambda _: load_map(default_map_path()), BY_DEFAULT, id="default map"),
        pytest.param(study_map, BY_STUDY, id="a map of ten other genres"),
    ],
)
def test_each_tag_speaks_for_the_first_genre_that_the_map_knows(
    load: Callable[[Path], GenreMap], expected: Mapping[str, list[str]], tmp_path: Path
) -> None:
    genre_map = load(tmp_path)
    found = spoken([genre.id for genre in genre_map.genres], lambda text: genre_map.match(text).genre)
    assert found == {genre: sorted(tags) for genre, tags in expected.items()}
    every = [tag for tags in found.values() for tag in tags]
    assert len(every) == len(set(every)), "no tag speaks for two genres"


def test_a_genre_that_is_not_asked_for_is_passed_over() -> None:
    """The map may know more genres than a model has."""
    assert spoken(["rock"], str.lower)["rock"] == sorted([*ROCK, *METAL, *INDIE, "MTT rock"])
    assert spoken(["metal", "rock"], str.lower)["metal"] == sorted(METAL)
    assert speaking([], str.lower) == []
    assert speaking(["none", "rock"], lambda _: None) == [[], []]


def test_the_tables_are_about_tags_that_the_trunk_has() -> None:
    assert set(MSD_GENRES) <= set(MSD_TAGS) and set(MTT_GENRES) <= set(MTT_TAGS)
    assert (len(MSD_MEANS), len(MTT_MEANS)) == (len(MSD_TAGS), len(MTT_TAGS))
    assert all(0 < mean < 1 for mean in means())


def test_the_docs_have_the_table() -> None:
    lines = DOCS.read_text().partition("| tag | genre tags, in order |")[2].splitlines()[2:]
    told: dict[str, tuple[str, ...]] = {}
    for line in lines[: lines.index("")]:
        tags, genres = (cell.strip() for cell in line.strip("|").split("|"))
        for tag in tags.split(", "):
            own = genres.replace("the same words", tag).replace(" then ", " ").split(", ")
            told[tag] = tuple(genre.casefold() for genre in own)
    known = {**MTT_GENRES, **MSD_GENRES}
    assert told == {tag: tuple(genre.casefold() for genre in genres) for tag, genres in known.items()}
    shared = MSD_GENRES.keys() & MTT_GENRES.keys()
    assert all(MSD_GENRES[tag] == MTT_GENRES[tag] for tag in shared), "one row serves both"


# --- how loud -------------------------------------------------------------------------------------------------------


def logit(chance: np.ndarray) -> np.ndarray:
    return np.log(chance / (1 - chance))


def test_what_is_as_loud_as_usual_scores_nothing() -> None:
    scores = map_scores(logit(means())[None], [[0], [3, 7], [99]])
    assert scores == pytest.approx(np.zeros((1, 3)), abs=1e-3)


def test_the_tag_furthest_above_its_average_counts() -> None:
    chances = means()[None].repeat(2, axis=0).astype(np.float64)
    chances[0, 5], chances[1, 8] = 0.9, 0.9
    scores = map_scores(logit(chances).astype(np.float32), [[5, 8], [5], [8], []])
    above = SHARPNESS * np.log((0.9 + 0.001) / (means() + 0.001))
    assert scores[0] == pytest.approx([above[5], above[5], 0, NOTHING], abs=1e-3)
    assert scores[1] == pytest.approx([above[8], 0, above[8], NOTHING], abs=1e-3)


def test_a_tag_that_is_not_heard_at_all_has_a_floor() -> None:
    scores = map_scores(np.full((1, 100), -80, np.float32), [[0]])
    assert scores[0, 0] == pytest.approx(SHARPNESS * np.log(0.001 / (means()[0] + 0.001)), abs=1e-3)
    assert map_scores(np.zeros((0, 100), np.float32), [[0], []]).shape == (0, 2)
