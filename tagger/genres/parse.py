"""Reads and checks the genre map's YAML; every complaint names file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tagger.base.errors import MapError
from tagger.genres.spelling import key_of

TOP = ("genres", "skip", "placeholders")
GENRE = ("id", "name", "aliases", "patterns")
SKIP = ("aliases", "patterns")
PLACEHOLDER = ("fillable", "tags", "patterns")
UNSAFE_ID = re.compile(r"[/\\\0\n\r\t]|^\.|^\s|\s$|__")  # an id is the name of a folder


@dataclass(frozen=True, slots=True)
class Entry:
    """What a spelling means; `state` is one of ``mapped skipped placeholder``, `owner` names it in complaints."""

    state: str
    genre: str | None
    fillable: bool
    owner: str


Parsed = tuple[list[tuple[str, str]], dict[str, Entry], list[tuple[re.Pattern[str], Entry]]]


def parse_map(path: Path) -> Parsed:
    """Return genres (id, name), aliases by key, and patterns of a map.

    Raises
    ------
    MapError
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise MapError(f"the genre map {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MapError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MapError(f"{path}:{line}: {error.problem or 'is not YAML'}") from error
    except yaml.YAMLError as error:
        raise MapError(f"{path}: is not YAML: {str(error).splitlines()[0]}") from error
    return _Reader(path).read(root)


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.genres: list[tuple[str, str]] = []
        self.aliases: dict[str, Entry] = {}
        self.patterns: list[tuple[re.Pattern[str], Entry]] = []

    def read(self, root: yaml.Node | None) -> Parsed:
        if root is None:
            raise MapError(f"{self.path}: the genre map is empty")
        top = self._fields(root, TOP, "the map")
        if "genres" not in top:
            raise MapError(f"{self.path}:1: there is no list `genres`")
        entries = [(node, self._fields(node, GENRE, "a genre")) for node in self._items(top["genres"])]
        if len(entries) < 2:
            self._fail(top["genres"], "at least two genres are needed")
        for node, fields in entries:
            self._genre(node, fields)
        for (genre, name), (node, _) in zip(self.genres, entries, strict=True):
            self._claim(node, genre, Entry("mapped", genre, False, genre))
            self._claim(node, name, Entry("mapped", genre, False, genre))
        for (genre, _), (_, fields) in zip(self.genres, entries, strict=True):
            self._spellings(fields, "aliases", Entry("mapped", genre, False, genre))
        if "skip" in top:
            node = top["skip"]
            fields = {"aliases": node} if isinstance(node, yaml.SequenceNode) else self._fields(node, SKIP, "skip")
            self._spellings(fields, "aliases", Entry("skipped", None, False, "skip"))
        for node in self._items(top["placeholders"]) if "placeholders" in top else ():
            fields = self._fields(node, PLACEHOLDER, "a placeholder")
            self._spellings(fields, "tags", Entry("placeholder", None, self._fillable(fields, node), "placeholders"))
        return self.genres, self.aliases, self.patterns

    def _genre(self, node: yaml.Node, fields: dict[str, yaml.Node]) -> None:
        for needed in ("id", "name"):
            if needed not in fields:
                self._fail(node, f"a genre has no `{needed}`")
        genre, name = self._text(fields["id"]), self._text(fields["name"])
        if not genre or UNSAFE_ID.search(genre) or len(genre.encode()) > 100:
            self._fail(fields["id"], f"id {genre!r} cannot be the name of a folder")
        if not name.strip() or not name.isprintable():
            self._fail(fields["name"], f"name {name!r} cannot be written into a file")
        if genre.casefold() in (known.casefold() for known, _ in self.genres):
            self._fail(fields["id"], f"id {genre!r} is there twice")
        if name.casefold() in (known.casefold() for _, known in self.genres):
            self._fail(fields["name"], f"name {name!r} is there twice")
        self.genres.append((genre, name))

    def _spellings(self, fields: dict[str, yaml.Node], aliases: str, entry: Entry) -> None:
        for node in self._items(fields[aliases]) if aliases in fields else ():
            self._claim(node, self._text(node), entry)
        for node in self._items(fields["patterns"]) if "patterns" in fields else ():
            text = self._text(node)
            try:
                self.patterns.append((re.compile(text), entry))
            except re.error as error:
                self._fail(node, f"bad pattern {text!r}: {error}")

    def _claim(self, node: yaml.Node, alias: str, entry: Entry) -> None:
        key = key_of(alias)
        if not key and entry.state != "placeholder":
            self._fail(node, f"alias {alias!r} has neither letters nor digits")
        other = self.aliases.setdefault(key, entry)
        if other != entry:
            self._fail(node, f"alias {alias!r} is claimed by {other.owner} and {entry.owner}")

    def _fillable(self, fields: dict[str, yaml.Node], node: yaml.Node) -> bool:
        if "fillable" not in fields:
            self._fail(node, "a placeholder has no `fillable: true` or `fillable: false`")
        value = fields["fillable"]
        if not (isinstance(value, yaml.ScalarNode) and value.tag == "tag:yaml.org,2002:bool"):
            self._fail(value, "`fillable` must be true or false")
        return value.value.lower() in ("true", "yes", "on")

    def _fields(self, node: yaml.Node, known: tuple[str, ...], what: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} must have the keys {', '.join(known)}")
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self._text(key)
            if name not in known:
                self._fail(key, f"unknown key {name!r} in {what}; known are {', '.join(known)}")
            if name in fields:
                self._fail(key, f"key {name!r} is there twice")
            fields[name] = value
        return fields

    def _items(self, node: yaml.Node) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
            return
        if not isinstance(node, yaml.SequenceNode):
            self._fail(node, "this must be a list")
        yield from node.value

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, "this must be a text")
        return str(node.value)

    def _fail(self, node: yaml.Node, what: str) -> None:
        raise MapError(f"{self.path}:{node.start_mark.line + 1}: {what}")
