"""Spelling: the many ways in which people type one genre become one key.

Three forms of a tag, each made from the one before:

plain
    What was meant to be typed: lower case, no accents, no HTML entities, no invisible characters. Punctuation stays.
words
    Words with one space between, "&", "+", "'n'" and their like as "and". Patterns of the map are held against it.
key
    The words run together ("hiphop" for Hip-Hop, Hip Hop and HIPHOP), with "&" for "and", and with the separators
    between several genres kept, because "Rock; Pop" names two genres where "Rock Pop" names one. Aliases are looked
    up by it.
"""

from __future__ import annotations

import contextlib
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Sequence

RULES = 1  # raise when a tag may come out otherwise than before, so that an index is labelled anew

CONJUNCTION = "&"
_CONJUNCTIONS = frozenset({"and", "und", "et", "y", "och", "og"})
_NOT_DECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});|&amp(?![a-z;])", re.IGNORECASE)
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_UTF8_READ_AS_LATIN1 = re.compile(r"[\u00c3\u00c2][\u0080-\u00bf]")

# From what parts tags most surely to what does so least; each is tried only where the one before found nothing.
_LISTS = re.compile(r"[;|\0\n\r\u2022\u00b7]|\s//+\s")
_COMMAS = re.compile(r"[,\u3001]")
_SPACED_SLASHES = re.compile(r"\s+[/\\]|[/\\]\s+")
_SLASHES = re.compile(r"[/\\]")
_BRACKETS = re.compile(r"[()\[\]{}]")
_DASHES = re.compile(r"\s+(?:[-\u2010-\u2015>~:\u2192\u00bb]+|->|=>)\s+|:\s+|\s+>|>\s+")
SEPARATORS: tuple[re.Pattern[str], ...] = (_LISTS, _COMMAS, _SPACED_SLASHES, _SLASHES, _BRACKETS, _DASHES)

# What of them stays in a key. A dash does not: "Hip - Hop".
_KEPT = re.compile(r"([;|\0\n\r\u2022\u00b7,\u3001/\\()\[\]{}])")
_KEPT_AS = {"/": "/", "\\": "/", **dict.fromkeys("()[]{}", "(")}

_APOSTROPHES = "'\u2018\u2019\u201b\u02bc\u00b4`\u2032"
_POSSESSIVE = re.compile(rf"(?<=\w)[{_APOSTROPHES}]s\b")
_AND_SIGNS = re.compile(r"[&+]")
_NOT_A_WORD = re.compile(r"[^\w&]|_")


def plain(tag: str) -> str:
    """Return a tag as it was meant: lower case, without accents, entities and invisible characters."""
    text = _repaired(tag)
    text = unicodedata.normalize("NFKD", text).casefold().translate(_NOT_DECOMPOSED)
    text = unicodedata.normalize("NFKD", text)  # casefolding may compose anew
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category in ("Mn", "Cf", "Cs"):  # accents; zero-width and other marks; bytes that were no text
            continue
        kept.append(" " if category == "Cc" and character not in "\0\n\r" else character)
    return " ".join("".join(kept).split(" ")).strip(" ")


def _repaired(tag: str) -> str:
    """Undo what software did to a tag on its way: UTF-8 read as Latin-1, entities (twice at times), URL quoting."""
    if _UTF8_READ_AS_LATIN1.search(tag):
        with contextlib.suppress(UnicodeError):  # it was Latin-1 after all
            tag = tag.encode("latin-1").decode("utf-8")
    for _ in range(2):
        # Not html.unescape as a whole: it takes "&reg" in "rock&reggae" for an entity, too.
        tag = _ENTITY.sub(lambda found: html.unescape(found[0]), tag)
    return urllib.parse.unquote(tag) if _PERCENT.search(tag) else tag


def tokens(text: str) -> list[str]:
    """Return the words of a plain text that names one genre; `CONJUNCTION` stands for every kind of "and"."""
    text = _POSSESSIVE.sub("s", text)
    text = _NOT_A_WORD.sub(" ", _AND_SIGNS.sub(" & ", text))
    found = text.split()
    inner = range(1, len(found) - 1)
    words = [
        CONJUNCTION if word in _CONJUNCTIONS or (word == "n" and place in inner) else word
        for place, word in enumerate(found)
    ]
    return _stripped(_fused(words))


def _fused(words: Sequence[str]) -> list[str]:
    """Make one word of abbreviations that hold an "and": R & B, R'n'B, D&B, C and W."""
    fused: list[str] = []
    place = 0
    while place < len(words):
        three = words[place : place + 3]
        if len(three) == 3 and three[1] == CONJUNCTION and all(len(w) == 1 and w.isalpha() for w in three[::2]):
            fused.append(f"{three[0]}n{three[2]}")
            place += 3
        else:
            fused.append(words[place])
            place += 1
    return fused


def _stripped(words: Sequence[str]) -> list[str]:
    """Drop an "and" that joins nothing, unless there is nothing else."""
    start, end = 0, len(words)
    while start < end and words[start] == CONJUNCTION:
        start += 1
    while end > start and words[end - 1] == CONJUNCTION:
        end -= 1
    return list(words[start:end] or words[:1])


def without(words: Sequence[str], fillers: frozenset[str]) -> list[str]:
    """Return the words that are not among `fillers`."""
    return _stripped([word for word in words if word not in fillers])


def spoken(words: Sequence[str]) -> str:
    """Return tokens as the words that patterns are held against."""
    return " ".join("and" if word == CONJUNCTION else word for word in words)


def key(text: str) -> str:
    """Return the key of a plain text, separators kept; empty if there is neither letter nor digit in it."""
    made = separator = ""
    for part in _KEPT.split(text):
        if _KEPT.fullmatch(part):
            separator = separator or _KEPT_AS.get(part, ";")
        elif run := "".join(tokens(part)):
            made += (separator if made else "") + run
            separator = ""
    return made


def parts(text: str) -> list[str]:
    """Return the genres that a plain text lists, cut at the surest separator in it; one item if there is none."""
    for separator in SEPARATORS:
        found = [part.strip() for part in separator.split(text) if "".join(tokens(part))]
        if len(found) > 1:
            return found
    return [text]


def typing_slip(typed: str, meant: str) -> int | None:
    """Return where in `typed` the one letter is that is missing, added, wrong, or swapped with the next; None if
    the two differ by more, or not at all."""
    if typed == meant or abs(len(typed) - len(meant)) > 1:
        return None
    place = next((i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant)))
    left, right = typed[place:], meant[place:]
    if len(left) == len(right):
        slipped = left[1:] == right[1:] or (left[:2] == right[:2][::-1] and left[2:] == right[2:])
    else:
        slipped = left == right[1:] or left[1:] == right
    return place if slipped else None
