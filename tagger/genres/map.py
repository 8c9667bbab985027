"""Load `genre_map.yaml`, or say in one line where and why it is faulty.

The file is composed, not constructed: nodes keep their lines, and nothing in it is ever run. Aliases are taken as they
are typed, so that 80s, 1999, yes and null need no quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tagger.base.errors import MapError, printable
from tagger.base.records import GenreMatch, GenreTagState
from tagger.genres import spelling
from tagger.genres.matching import SKIPPED, Genre, GenreMap, Rule

__all__ = ["Genre", "GenreMap", "default_map_path", "load_map"]

MAP_NAME = "genre_map.yaml"
ID_CHARACTERS = 64  # keeps folder names far from the 255 bytes that file systems take
NAME_CHARACTERS = 64  # LibreTime cuts genres there

_UNSAFE_ID = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]|^[.\s-]|[.\s]$')
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast


def default_map_path() -> Path:
    """Return where the default map lies: inside an installed package, or at the top of a checkout.

    Raises
    ------
    MapError
        If it is in neither place.
    """
    here = Path(__file__).resolve()
    for path in (here.with_name(MAP_NAME), here.parents[2] / MAP_NAME):
        if path.is_file():
            return path
    raise MapError(f"the default {MAP_NAME} is missing from {here.parent}; install tagger again")


def load_map(path: Path) -> GenreMap:
    """Read a genre map.

    Parameters
    ----------
    path : Path
        A YAML file with the keys `genres` (a list of {id, name, aliases, patterns}), `skip` ({aliases, patterns}, or
        a list of aliases), `placeholders` (a list of {tags, patterns, fillable}) and `fillers` (a list of words);
        all but `genres` may be missing.

    Raises
    ------
    MapError
        If it cannot be read or is faulty; the message names file, line and what is wrong.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_LOADER)
    except OSError as error:
        raise MapError(f"the genre map {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise MapError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}" if mark else ""
        raise MapError(f"{path}{where}: not YAML: {_one_line(error.problem or error.context)}") from error
    except yaml.YAMLError as error:
        raise MapError(f"{path}: not YAML: {_one_line(str(error))}") from error
    except RecursionError as error:
        raise MapError(f"{path}: nested too deep") from error
    return _Reader(path).read(root)


def _one_line(text: str | None) -> str:
    return printable(" ".join((text or "").split()))


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an alias means, and who claims it (for the message if somebody else does, too)."""

    owner: str
    match: GenreMatch


@dataclass
class _Reader:
    """Takes the nodes of one file in."""

    path: Path
    claims: dict[str, _Claim] = field(default_factory=dict)

    def read(self, root: yaml.Node | None) -> GenreMap:
        if root is None:
            raise MapError(f"{self.path}:1: the genre map is empty; it needs a list `genres`")
        top = self._mapping(root, "the genre map", ("genres", "skip", "placeholders", "fillers"), ("genres",))
        genres, genre_rules = self._genres(top["genres"])
        skip_rules = self._skip(top["skip"]) if "skip" in top else []
        placeholder_rules = self._placeholders(top["placeholders"]) if "placeholders" in top else []
        fillers = self._fillers(top["fillers"]) if "fillers" in top else frozenset()
        return GenreMap(
            genres=tuple(genres),
            aliases={key: claim.match for key, claim in self.claims.items()},
            rules=(*skip_rules, *genre_rules),  # "Christmas Rock" is skipped before its Rock is seen
            placeholder_rules=tuple(placeholder_rules),
            fillers=fillers,
        )

    # --- sections

    def _genres(self, node: yaml.Node) -> tuple[list[Genre], list[Rule]]:
        genres: list[Genre] = []
        rules: list[Rule] = []
        for entry in self._items(node, "genres"):
            own = self._mapping(entry, "a genre", ("id", "name", "aliases", "patterns"), ("id", "name"))
            genre = Genre(self._id(own["id"], genres), self._name(own["name"], genres))
            match = GenreMatch(GenreTagState.MAPPED, genre.id)
            self._claim(own["id"], genre.id, match)
            self._claim(own["name"], genre.id, match)
            rules += self._aliases_and_rules(own, genre.id, match)
            genres.append(genre)
        if len(genres) < 2:
            raise self._fault(node, "a map has at least two genres; there is nothing to tell apart otherwise")
        return genres, rules

    def _skip(self, node: yaml.Node) -> list[Rule]:
        if isinstance(node, yaml.SequenceNode):
            return self._aliases_and_rules({"aliases": node}, "skip", SKIPPED)
        return self._aliases_and_rules(self._mapping(node, "skip", ("aliases", "patterns")), "skip", SKIPPED)

    def _placeholders(self, node: yaml.Node) -> list[Rule]:
        rules: list[Rule] = []
        for entry in self._items(node, "placeholders"):
            own = self._mapping(entry, "a placeholder", ("tags", "patterns", "fillable"), ("fillable",))
            fillable = self._truth(own.pop("fillable"))
            owner = f"placeholders that are {'' if fillable else 'not '}fillable"
            match = GenreMatch(GenreTagState.PLACEHOLDER, fillable=fillable)
            rules += self._aliases_and_rules(own, owner, match)
        return rules

    def _fillers(self, node: yaml.Node) -> frozenset[str]:
        fillers = set()
        for item in self._items(node, "fillers"):
            words = spelling.tokens(spelling.plain(self._text(item, "a filler")))
            if len(words) != 1:
                raise self._fault(item, f"filler {_shown(item)} is not one word")
            fillers.update(words)
        return frozenset(fillers)

    # --- their contents

    def _id(self, node: yaml.Node, others: list[Genre]) -> str:
        text = self._text(node, "an id")
        if len(text) > ID_CHARACTERS or _UNSAFE_ID.search(text) or not text.isprintable():
            raise self._fault(
                node,
                f"id {text!r} cannot be the name of a folder everywhere: at most {ID_CHARACTERS} characters, none of "
                r'/\:*?"<>|, and neither dot, dash nor space at its ends',
            )
        # File systems of Windows and macOS see one folder in "Rock" and "rock".
        if any(text.casefold() == other.id.casefold() for other in others):
            raise self._fault(node, f"id {text!r} is there twice")
        return text

    def _name(self, node: yaml.Node, others: list[Genre]) -> str:
        text = self._text(node, "a name")
        if len(text) > NAME_CHARACTERS or not text.isprintable():
            raise self._fault(node, f"name {text!r} is not one line of at most {NAME_CHARACTERS} characters")
        if any(text.casefold() == other.name.casefold() for other in others):
            raise self._fault(node, f"name {text!r} is there twice")
        return text

    def _aliases_and_rules(self, own: dict[str, yaml.Node], owner: str, match: GenreMatch) -> list[Rule]:
        for part in ("aliases", "tags"):
            if part in own:
                for item in self._items(own[part], part):
                    self._claim(item, owner, match)
        patterns = self._items(own["patterns"], "patterns") if "patterns" in own else ()
        return [Rule(self._pattern(item), match) for item in patterns]

    def _claim(self, node: yaml.Node, owner: str, match: GenreMatch) -> None:
        text = self._text(node, "an alias")
        key = spelling.key(spelling.plain(text))
        if not key:
            raise self._fault(node, f"alias {text!r} has neither letter nor digit")
        claim = self.claims.setdefault(key, _Claim(owner, match))
        if claim.owner != owner:
            raise self._fault(node, f"alias {text!r} is claimed by {claim.owner} and {owner}")

    def _pattern(self, node: yaml.Node) -> re.Pattern[str]:
        text = self._text(node, "a pattern")
        try:
            pattern = re.compile(text)
        except re.error as error:
            raise self._fault(node, f"bad pattern {text!r}: {error}") from error
        if pattern.search(""):
            raise self._fault(node, f"bad pattern {text!r}: it matches any tag")
        return pattern

    # --- nodes

    def _mapping(
        self, node: yaml.Node, what: str, allowed: tuple[str, ...], needed: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._fault(node, f"{what} must have keys: {', '.join(allowed)}")
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key not in allowed:
                raise self._fault(key_node, f"unknown key {_shown(key_node)}; allowed are {', '.join(allowed)}")
            if key in found:
                raise self._fault(key_node, f"key {key!r} is there twice")
            found[key] = value
        for key in needed:
            if key not in found:
                raise self._fault(node, f"{what} has no `{key}`")
        return found

    def _items(self, node: yaml.Node, what: str) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null") and not node.value:
            return  # a key whose entries have all been switched off by "#"
        if not isinstance(node, yaml.SequenceNode):
            raise self._fault(node, f"{what} must be a list")
        yield from node.value

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self._fault(node, f"{what} must be a text")
        return str(node.value)

    def _truth(self, node: yaml.Node) -> bool:
        text = node.value.casefold() if isinstance(node, yaml.ScalarNode) else ""
        if text not in _TRUTHS:
            raise self._fault(node, f"fillable is {_shown(node)}: it must be true or false")
        return _TRUTHS[text]

    def _fault(self, node: yaml.Node, what: str) -> MapError:
        return MapError(f"{self.path}:{node.start_mark.line + 1}: {printable(what)}")


def _shown(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else "of another kind"
