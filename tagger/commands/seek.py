"""The search for a recipe: `tagger train --search`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tagger.base.files import write_text
from tagger.commands.clips import Material
from tagger.commands.console import table
from tagger.commands.learn import watch_of

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.model.recipe import Recipe
    from tagger.model.search import How, Search


@dataclass(frozen=True)
class Found:
    """What a search came to: lines for people and, if it is finished, what to train on, by which recipe.

    `facts` are for the model's card; `recipe` is None for classical models, which find their row of the grid again.
    """

    lines: list[str]
    material: Material | None = None
    recipe: Recipe | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def seek(session: Session, material: Material, family: str, how: How, tries: int, deterministic: bool = False) -> Found:
    """Try recipes on validation artists, and write the table of all tries into the reports."""
    from tagger.model.families import Network, family_named
    from tagger.model.search import clips_of, recipe_of, search

    settings, kind = session.settings, family_named(family)
    with session.console.bar("searching", settings.epochs, "epochs") as bar:
        found = search(
            material.clips, material.genres, family, session.home.cache / f"search-{family}", how=how, tries=tries,
            seed=settings.seed, max_epochs=settings.epochs, form=material.form,
            deterministic=deterministic, watch=watch_of(session, bar),
        )  # fmt: skip
    lines = _lines(session, found, family)
    if not found.finished:
        return Found(lines)
    options = found.best.options
    chosen = replace(material, clips=clips_of(material.clips, options))
    recipe = recipe_of(kind, options, tuple(material.form.get("groups", ()))) if isinstance(kind, Network) else None
    facts = {"search": {"how": how, "tries": len(found.tries), "options": options}}
    return Found(lines, chosen, recipe, facts)


def _lines(session: Session, found: Search, family: str) -> list[str]:
    from tagger.model.search import HEADER, rows_for_people

    if not found.tries:
        return ["No try is finished yet."]
    rows = rows_for_people(found)
    text = "\n".join(["| " + " | ".join(cells) + " |" for cells in (HEADER, ["---"] * len(HEADER), *rows)])
    path = session.home.reports / f"search-{family}.md"
    write_text(path, f"# Search for a recipe of {family}, judged by validation artists\n\n{text}\n")
    shown = table(HEADER, rows[:10], frozenset(range(6)))
    more = [f"... and {len(rows) - 10} more"] if len(rows) > 10 else []
    return [f"{len(found.tries)} of {found.wanted} tries, validation artists only:", *shown, *more, f"All: {path}", ""]
