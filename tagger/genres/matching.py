"""The genre map in use: what one genre tag, or the tags of one block, mean."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tagger.base.records import GenreMatch, GenreTagState
from tagger.genres import id3v1, spelling

BLANK = GenreMatch(GenreTagState.PLACEHOLDER, fillable=True)
UNMAPPED = GenreMatch(GenreTagState.UNMAPPED)
AMBIGUOUS = GenreMatch(GenreTagState.AMBIGUOUS)
SKIPPED = GenreMatch(GenreTagState.SKIPPED)

# Shorter words have neighbours that are words, too (house, mouse; rocker, rocket). From here on a neighbour is nearly
# always a misspelling.
TYPO_LETTERS = 7

TAG_CHARACTERS = 1000  # what is longer is a text that strayed into the genre; patterns would take long over it

_NUMBER = re.compile(r"\(?\s*(\d{1,3})\s*\)?")
_REFERENCES = re.compile(r"((?:\(\d{1,3}\)\s*)+)(.*)", re.DOTALL)  # ID3v2.3: numbers, then maybe a refinement


@dataclass(frozen=True, slots=True)
class Genre:
    """A canonical genre: `id` in folders, JSON and index, `name` in files."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern to look for in a tag, and what the tag means if it is there."""

    pattern: re.Pattern[str]
    match: GenreMatch


@dataclass(frozen=True)
class GenreMap:
    """What genre tags mean; made by `map.load_map`.

    Parameters
    ----------
    genres : tuple of Genre
        In the order of the file.
    aliases : mapping of str to GenreMatch
        By key (see `spelling`); names and ids of genres are among them.
    rules : tuple of Rule
        Patterns on the words of one genre; the first that matches decides.
    placeholder_rules : tuple of Rule
        Patterns on the plain text of a whole tag.
    fillers : frozenset of str
        Words that say nothing about the genre.
    """

    genres: tuple[Genre, ...]
    aliases: Mapping[str, GenreMatch]
    rules: tuple[Rule, ...] = ()
    placeholder_rules: tuple[Rule, ...] = ()
    fillers: frozenset[str] = frozenset()
    _known: dict[str, GenreMatch] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits that differ between maps of different meaning; comments and layout do not matter."""
        meaning = [
            spelling.RULES,
            [(genre.id, genre.name) for genre in self.genres],
            sorted((key, *_facts(match)) for key, match in self.aliases.items()),
            [[(rule.pattern.pattern, *_facts(rule.match)) for rule in r] for r in (self.rules, self.placeholder_rules)],
            sorted(self.fillers),
        ]
        return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:16]

    def name(self, genre_id: str) -> str:
        """Return the name that is written to files.

        Raises
        ------
        KeyError
            If the map has no such genre.
        """
        for genre in self.genres:
            if genre.id == genre_id:
                return genre.name
        raise KeyError(genre_id)

    def id_of_name(self, name: str) -> str | None:
        """Return the id of the genre with exactly this name or id; None if there is none."""
        return next((genre.id for genre in self.genres if name in (genre.name, genre.id)), None)

    def match(self, tag: str) -> GenreMatch:
        """Return what one genre string means, be it one genre, several, a number or nothing."""
        found = self._known.get(tag)
        if found is None:
            text = tag.strip()
            found = self._read(spelling.plain(text)) if len(text) <= TAG_CHARACTERS else UNMAPPED
            self._known[tag] = found
        return found

    def match_all(self, values: Sequence[str]) -> GenreMatch:
        """Return what the genre strings of one tag block mean together; a blank if there are none."""
        return combined(self.match(value) for value in values)

    def same(self, one: str, other: str) -> bool:
        """Say whether two genre strings are spellings of the same, an ID3v1 number and its name among them."""
        return _identity(one) == _identity(other)

    # --- from the whole to its parts

    def _read(self, text: str) -> GenreMatch:
        key = spelling.key(text)
        if not key:
            return BLANK
        number = _NUMBER.fullmatch(text)
        reference = number is not None and "(" in text
        if key in self.aliases and not reference:
            return self.aliases[key]
        if number and (found := self._number(int(number[1]), reference)):
            return found
        if references := _REFERENCES.fullmatch(text):
            return self._references(re.findall(r"\d+", references[1]), references[2])
        for rule in self.placeholder_rules:
            if rule.pattern.search(text):
                return rule.match
        parts = spelling.parts(text)
        return combined(map(self._read, parts)) if len(parts) > 1 else self._one(spelling.tokens(parts[0]))

    def _number(self, number: int, reference: bool) -> GenreMatch | None:
        """Return what an ID3v1 genre number means; None outside the list.

        A plain 0 is what a genre byte reads that nobody ever set, so it is not taken for Blues. "(0)" was written.
        """
        unset = number == id3v1.BLUES and not reference
        if str(number) in self.aliases and (unset or number != id3v1.BLUES):  # the map knows better
            return self.aliases[str(number)]
        if unset:
            return AMBIGUOUS
        name = id3v1.genre_name(number)
        return self._read(spelling.plain(name)) if name is not None else None

    def _references(self, numbers: Iterable[str], refinement: str) -> GenreMatch:
        """Return what "(4)(17)Rock" means. A refinement that names the number's genre more closely replaces it:
        "(17)Indie Rock" is Indie Rock, while "(17)Jazz" says two things."""
        refined = set(spelling.tokens(refinement.replace("/", " ")))
        if not refined:
            return combined(self._referred(int(number)) for number in numbers)
        found = [self._read(refinement)]
        for number in map(int, numbers):
            name = id3v1.genre_name(number) or ""
            told_better = set(spelling.tokens(spelling.plain(name))) <= refined
            if number != id3v1.BLUES and not told_better:
                found.append(self._referred(number))
        return combined(found)

    def _referred(self, number: int) -> GenreMatch:
        return self._number(number, reference=True) or self._read(str(number))

    # --- one genre

    def _one(self, words: Sequence[str]) -> GenreMatch:
        """Return what the words of one genre mean that is not in the map as it stands."""
        reduced = spelling.without(words, self.fillers)
        bare = reduced if reduced and reduced != list(words) else None
        found = self._joined(words) or self._by_rule(words)
        if found is None and bare:
            found = self.aliases.get("".join(bare)) or self._joined(bare) or self._by_rule(bare)
        if found is None and not reduced:  # "French song": nothing but fillers, one of which may be an alias
            known = [self.aliases[word] for word in words if word in self.aliases]
            found = combined(known) if known else None
        return found or self._misspelt(reduced) or UNMAPPED

    def _joined(self, words: Sequence[str]) -> GenreMatch | None:
        """Return what "Jazz & Blues" means by its halves, if the map knows every one of them."""
        halves, half = [], ""
        for word in [*words, spelling.CONJUNCTION]:
            if word == spelling.CONJUNCTION:
                halves.append(self.aliases.get(half))
                half = ""
            else:
                half += word
        known = [match for match in halves if match is not None]
        return combined(known) if 1 < len(known) == len(halves) else None

    def _by_rule(self, words: Sequence[str]) -> GenreMatch | None:
        said = spelling.spoken(words)
        return next((rule.match for rule in self.rules if rule.pattern.search(said)), None)

    def _misspelt(self, words: Sequence[str]) -> GenreMatch | None:
        """Return what the words mean if one long word among them is one letter off what the map knows."""
        key = "".join(words)
        if not (key.isascii() and key.isalpha()) or not any(len(word) >= TYPO_LETTERS for word in words):
            return None
        near = {
            match
            for alias, match in self.aliases.items()
            if alias[0] == key[0]
            and (place := spelling.typing_slip(key, alias)) is not None
            and _word_at(words, place) >= TYPO_LETTERS
        }
        return near.pop() if len(near) == 1 else None


def _word_at(words: Sequence[str], place: int) -> int:
    """Return the length of the word that a place in the joined words belongs to; at a seam, of the longer one."""
    longest = end = 0
    for word in words:
        start, end = end, end + len(word)
        if start <= place <= end:
            longest = max(longest, len(word))
    return longest


def combined(matches: Iterable[GenreMatch]) -> GenreMatch:
    """Return what several genre tags mean together.

    Two genres make them ambiguous. One genre decides whatever stands beside it ("Rock; 80s", "Rock; Soundtrack",
    "Rock; Other"). Without a genre, what was skipped on purpose comes before what the map does not know, and that
    before placeholders, which may be filled only if all of them may.
    """
    found = list(matches)
    genres = {match.genre for match in found if match.state is GenreTagState.MAPPED}
    states = {match.state for match in found}
    if GenreTagState.AMBIGUOUS in states or len(genres) > 1:
        return AMBIGUOUS
    if genres:
        return GenreMatch(GenreTagState.MAPPED, genres.pop())
    for match in (SKIPPED, UNMAPPED):
        if match.state in states:
            return match
    said = [match for match in found if match != BLANK]
    return said[0] if said else BLANK


def _facts(match: GenreMatch) -> tuple[str, str | None, bool]:
    return match.state.value, match.genre, match.fillable


def _identity(tag: str) -> str:
    text = spelling.plain(tag)
    if number := _NUMBER.fullmatch(text):
        text = spelling.plain(id3v1.genre_name(int(number[1])) or text)
    return spelling.key(text)
