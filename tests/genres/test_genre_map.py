"""What the genre map makes of spellings, and what it says of faulty maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.base.errors import MapError
from tagger.base.records import GenreTagState as S
from tagger.genres.map import GenreMap, default_map_path, load_map
from tagger.genres.suggest import as_yaml, suggest


@pytest.fixture(scope="module")
def genre_map() -> GenreMap:
    return load_map(default_map_path())


def test_the_ten_genres_mean_themselves(genre_map: GenreMap) -> None:
    ids = [genre.id for genre in genre_map.genres]
    assert ids == ["alt", "classical", "country", "edm", "funk&soul", "hip hop", "jazz", "pop", "r&b", "rock"]
    for genre in genre_map.genres:
        assert genre_map.match(genre.id).genre == genre_map.match(genre.name).genre == genre.id
        assert genre_map.id_of_name(genre_map.name(genre.id)) == genre.id


@pytest.mark.parametrize(
    ("tag", "genre"),
    [
        *[(tag, "hip hop") for tag in ("Hip-Hop", "hip hop", "HIPHOP", "Hip Hop/Rap", "Rap & Hip Hop", "Hip-Hop\0Rap")],
        *[(tag, "r&b") for tag in ("R&B", "R&amp;B", "R&amp;amp;B", "R n B", "RnB", "Rhythm and Blues", "Blues")],
        *[
            (tag, "rock")
            for tag in ("Rock & Roll", "Rock 'n' Roll", "Rock n Roll", "Alt. Rock", "Classic  Rock", "ROCK!")
        ],
        *[(tag, "edm") for tag in ("Drum & Bass", "drum n bass", "DnB", "Dance & Electronic", "Tech-House", "EDM")],
        *[(tag, "classical") for tag in ("Música Clásica", "Klassik", "Opera", "Baroque")],
        *[(tag, "rock") for tag in ("17", "(17)", "(17)Rock", " 17 ", "Rock; Rock", "Rock|Metal", "Rock, Hard Rock")],
        *[(tag, "funk&soul") for tag in ("Soul & Funk", "Funk / Soul", "funk and soul", "Disco", "(4)")],
        *[(tag, "pop") for tag in ("Pop", "Synth-Pop", "Top 40", "Hot 100", "Pop;", "K-Pop")],
    ],
)
def test_spellings(genre_map: GenreMap, tag: str, genre: str) -> None:
    assert genre_map.match(tag).genre == genre


@pytest.mark.parametrize(
    ("tag", "state", "fillable"),
    [
        ("Rock; Pop", S.AMBIGUOUS, False),
        ("Rock, Jazz", S.AMBIGUOUS, False),
        ("Jazz|Country", S.AMBIGUOUS, False),
        ("Jazz\0Country", S.AMBIGUOUS, False),
        ("(4)(17)Rock", S.AMBIGUOUS, False),
        ("Soundtrack", S.SKIPPED, False),
        ("Film Scores / TV Soundtracks", S.SKIPPED, False),
        ("Zzyzx", S.UNMAPPED, False),
        ("Zzyzx; Qwert", S.UNMAPPED, False),
        ("", S.PLACEHOLDER, True),
        (" - ", S.PLACEHOLDER, True),
        ("Unknown Genre", S.PLACEHOLDER, True),
        ("255", S.PLACEHOLDER, True),
        ("0", S.PLACEHOLDER, True),
        ("http://www.example.org/", S.PLACEHOLDER, True),
        ("Other", S.PLACEHOLDER, False),
        ("Miscellaneous", S.PLACEHOLDER, False),
    ],
)
def test_tags_that_are_no_genre(genre_map: GenreMap, tag: str, state: S, fillable: bool) -> None:
    match = genre_map.match(tag)
    assert (match.state, match.genre, match.fillable) == (state, None, fillable)


def test_parts_that_agree_are_one_genre_and_unknown_ones_do_not_matter(genre_map: GenreMap) -> None:
    assert genre_map.match_all(["Techno", "House", "Zzyzx"]).genre == "edm"
    assert genre_map.match_all(["Rock", "Pop"]).state is S.AMBIGUOUS


MINIMAL = "genres:\n  - {id: a, name: A}\n  - {id: b, name: B, aliases: [Bee]}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (MINIMAL + "colour: red\n", 4, "unknown key 'colour'"),
        ("genres:\n  - {id: a, name: A}\n  - {id: b, nmae: B}\n", 3, "unknown key 'nmae'"),
        (MINIMAL + "skip:\n  aliases: [x, bEE]\n", 5, "alias 'bEE' is claimed by b and skip"),
        (
            "genres:\n  - {id: a, name: A, aliases: [x y]}\n  - {id: b, name: B, aliases: [X-Y]}\n",
            3,
            "claimed by a and b",
        ),
        (MINIMAL + "skip:\n  patterns:\n    - '('\n", 6, "bad pattern '('"),
        ("genres:\n  - {id: a, name: A}\n  - {id: A, name: B}\n", 3, "id 'A' is there twice"),
        ("genres:\n  - {id: a/b, name: A}\n  - {id: b, name: B}\n", 2, "cannot be the name of a folder"),
        ("genres:\n  - {id: a}\n  - {id: b, name: B}\n", 2, "has no `name`"),
        ("genres: [\n", 2, ""),
        ("genres:\n  - {id: a, name: A}\n", 2, "at least two genres"),
        (MINIMAL + "placeholders:\n  - {tags: [x]}\n", 5, "fillable"),
        (MINIMAL + "placeholders:\n  - {tags: [x], fillable: maybe}\n", 5, "true or false"),
        ("genres: !!python/object/apply:os.system ['true']\n", 1, ""),
    ],
    ids=[
        "top key",
        "genre key",
        "claimed by skip",
        "claimed twice",
        "pattern",
        "id twice",
        "id",
        "no name",
        "YAML",
        "one",
        "no fillable",
        "bad fillable",
        "code",
    ],
)
def test_faulty_map_is_refused_with_file_and_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "genre_map.yaml"
    path.write_text(text)
    with pytest.raises(MapError) as caught:
        load_map(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", None], ids=["empty", "not UTF-8", "missing"])
def test_unreadable_map_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "genre_map.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MapError, match=r"genre_map\.yaml"):
        load_map(path)


def test_hash_is_of_the_meaning(tmp_path: Path) -> None:
    def hash_of(text: str) -> str:
        path = tmp_path / "map.yaml"
        path.write_text(text)
        return load_map(path).hash

    assert hash_of(MINIMAL) == hash_of("# a comment\n" + MINIMAL) == hash_of(MINIMAL.replace("Bee", "BEE"))
    assert hash_of(MINIMAL) != hash_of(MINIMAL.replace("Bee", "Bees"))


def test_number_and_names_of_the_genres_come_from_the_map(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("genres:\n  - {id: loud, name: Loud, patterns: ['metal']}\n  - {id: soft, name: Soft}\n")
    genre_map = load_map(path)
    assert genre_map.match("Thrash Metal").genre == "loud"
    assert genre_map.match("Rock").state is S.UNMAPPED


@pytest.mark.parametrize(
    ("tag", "genre"),
    [("Alternativve", "alt"), ("Classicall", "classical"), ("Zzyzx", None)],
    ids=["typo", "typo 2", "no idea"],
)
def test_suggestions(genre_map: GenreMap, tag: str, genre: str | None) -> None:
    found = suggest(tag, genre_map)
    assert (found[0] if found else None) == genre


def test_suggestions_can_be_pasted(genre_map: GenreMap) -> None:
    import yaml

    rows = yaml.safe_load(as_yaml({"Bob's Rock": ("rock", 0.9), "Jazzz": ("jazz", 0.8)}))
    assert rows == [{"id": "jazz", "aliases": ["Jazzz"]}, {"id": "rock", "aliases": ["Bob's Rock"]}]
