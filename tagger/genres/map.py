"""The genre map: from the hundreds of ways in which people write genres to the canonical ones."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tagger.base.records import GenreMatch, GenreTagState
from tagger.genres.id3v1_names import ID3V1_NAMES
from tagger.genres.parse import Entry, parse_map
from tagger.genres.spelling import key_of, plain, plain_words

SEPARATORS = re.compile(r"[;/,|\0\\]")
LIST_SEPARATORS = re.compile(r"[;,|\0\\]")
REFERENCES = re.compile(r"^\s*((?:\(\s*(?:\d{1,3}|RX|CR)\s*\)\s*)+)(.*)$", re.IGNORECASE | re.DOTALL)
WORDS_IN_BRACKETS = {"rx": "Remix", "cr": "Cover"}  # ID3v2.3, section 4.2.1
NEVER_SET = "0"  # "Blues" by the list, but what software left there without meaning it
MATCHES_KEPT = 20_000

UNMAPPED = GenreMatch(GenreTagState.UNMAPPED)
BLANK = GenreMatch(GenreTagState.PLACEHOLDER, fillable=True)


@dataclass(frozen=True, slots=True)
class Genre:
    """A canonical genre: `id` in folders, JSON and the index, `name` in files."""

    id: str
    name: str


def default_map_path() -> Path:
    """Return the map that comes with the package: inside an installed wheel, or at the top of the checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "genre_map.yaml"
    return inside if inside.is_file() else here.parents[1] / "genre_map.yaml"


def load_map(path: Path) -> GenreMap:
    """Read a genre map.

    Raises
    ------
    MapError
        One line with file, line and what is wrong.
    """
    genres, entries, patterns = parse_map(path)
    return GenreMap([Genre(*genre) for genre in genres], entries, patterns)


class GenreMap:
    """What each genre tag means.

    Parameters
    ----------
    genres : sequence of Genre
        In the order of the file.
    aliases : dict
        Key of a spelling to what it means.
    patterns : sequence of (pattern, Entry)
        Tried in order on what no alias names.
    """

    def __init__(
        self, genres: Sequence[Genre], aliases: dict[str, Entry], patterns: Sequence[tuple[re.Pattern[str], Entry]]
    ) -> None:
        self.genres = tuple(genres)
        self._names = {genre.id: genre.name for genre in self.genres}
        self._aliases = {key: _match_of(entry) for key, entry in aliases.items()}
        self._patterns = [(pattern, _match_of(entry)) for pattern, entry in patterns]
        self.hash = self._hash()
        self.match = lru_cache(MATCHES_KEPT)(self._match)  # a library has few tags and many tracks

    def _hash(self) -> str:
        """Return 16 hex digits of what the map means; comments and order of aliases do not matter."""
        meaning = {
            "genres": [[genre.id, genre.name] for genre in self.genres],
            "aliases": sorted((key, m.state, m.genre, m.fillable) for key, m in self._aliases.items()),
            "patterns": [(p.pattern, m.state, m.genre, m.fillable) for p, m in self._patterns],
        }
        return hashlib.blake2b(json.dumps(meaning).encode(), digest_size=8).hexdigest()

    def name(self, genre: str) -> str:
        """Return the name that is written to files for a genre id."""
        return self._names[genre]

    def id_of_name(self, name: str) -> str | None:
        """Return the id of the genre with this name; None if there is none."""
        return next((genre.id for genre in self.genres if genre.name == name), None)

    def spellings(self) -> dict[str, str]:
        """Return the keys of all aliases that mean a genre, with its id."""
        return {key: match.genre for key, match in self._aliases.items() if match.genre is not None}

    def match_all(self, values: Sequence[str]) -> GenreMatch:
        """Return what several values of one tag mean together."""
        return _together([self.match(value) for value in values]) if values else BLANK

    def _match(self, tag: str) -> GenreMatch:
        """Return what one genre tag means."""
        words = plain_words(tag)
        if not words:
            return self._aliases.get("", BLANK)
        # "Pop/Rock" is one thing to many people; after the other separators there is always a second one.
        if not LIST_SEPARATORS.search(plain(tag)) and (found := self._aliases.get(key_of(tag))) is not None:
            return found
        if (referred := self._references(tag)) is not None:
            return referred
        parts = [part for part in SEPARATORS.split(plain(tag)) if plain_words(part)]
        if len(parts) > 1:
            return _together([self.match(part) for part in parts])
        return self._number_or(tag, self._by_pattern(words))

    def _references(self, tag: str) -> GenreMatch | None:
        """Return the meaning of ID3v2.3's "(17)", "(4)(17)" and "(17)Rock"; None for other tags."""
        found = REFERENCES.match(plain(tag))
        if found is None:
            return None
        numbers = re.findall(r"\(\s*(\w+)\s*\)", found[1])
        matches = [self._named(number) for number in numbers]
        if plain_words(found[2]):
            matches.append(self.match(found[2]))
        return _together(matches)

    def _number_or(self, tag: str, other: GenreMatch) -> GenreMatch:
        text = tag.strip()
        return self._named(text) if text.isascii() and text.isdigit() else other

    def _named(self, number: str) -> GenreMatch:
        """Return what an ID3v1 number means; one that is not on the list says nothing."""
        name = WORDS_IN_BRACKETS.get(number.lower())
        if name is None and number.isdigit() and int(number) < len(ID3V1_NAMES) and int(number) != int(NEVER_SET):
            name = ID3V1_NAMES[int(number)]
        return self.match(name) if name else BLANK

    def _by_pattern(self, words: str) -> GenreMatch:
        return next((match for pattern, match in self._patterns if pattern.search(words)), UNMAPPED)


def _match_of(entry: Entry) -> GenreMatch:
    return GenreMatch(GenreTagState(entry.state), entry.genre, entry.fillable)


def _together(matches: Sequence[GenreMatch]) -> GenreMatch:
    """Return what parts mean together: one genre, if all that name one agree; otherwise what the clearest says."""
    if any(match.state is GenreTagState.AMBIGUOUS for match in matches):
        return GenreMatch(GenreTagState.AMBIGUOUS)
    genres = {match.genre for match in matches if match.genre is not None}
    if len(genres) > 1:
        return GenreMatch(GenreTagState.AMBIGUOUS)
    for state in (GenreTagState.MAPPED, GenreTagState.UNMAPPED, GenreTagState.SKIPPED):
        found = next((match for match in matches if match.state is state), None)
        if found is not None:
            return found
    return GenreMatch(GenreTagState.PLACEHOLDER, fillable=all(match.fillable for match in matches))
