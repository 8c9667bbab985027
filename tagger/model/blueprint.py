"""What a network is built for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tagger.model.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a network is built for.

    Parameters
    ----------
    shape : tuple of int
        Of one clip's input, without the batch.
    genres : int
        Classes.
    recipe : Recipe
        Width, activation, dropout and the like.
    form : mapping
        The form of the inputs as the data set's card has it; features say there where their groups lie.
    """

    shape: tuple[int, ...]
    genres: int
    recipe: Recipe
    form: Mapping[str, Any] = field(default_factory=dict)

    def wide(self, units: int) -> int:
        """Return a number of filters or units at the recipe's width."""
        return max(1, round(units * self.recipe.width))
