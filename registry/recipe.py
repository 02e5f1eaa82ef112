"""How to obtain a model whose hashes nobody vouches for yet.

Some publishers neither sign their files nor promise that a name keeps its content. A recipe says where such a model
comes from and under which licence; the first pull records what arrived (trust on first use) in an ordinary manifest,
and every later load, verification and pull has to match that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from registry.manifest import Description, FileName, Source, Strict


class RecipeFile(Strict):
    """One file to be fetched; ``max_mb`` bounds what may be written for it."""

    name: FileName
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    max_mb: Annotated[int, Field(gt=0)]


class Recipe(Description):
    """A version yet to be pinned."""

    files: Annotated[tuple[RecipeFile, ...], Field(min_length=1)]


def load_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises ``OSError`` or ``ValueError`` when it cannot be used."""
    return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
