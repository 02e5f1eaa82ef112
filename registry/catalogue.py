"""What can be pulled by name: the starter set with its manifests, and recipes for other people's models.

Both are resources of this package: ``starter/<model>/<version>/manifest.yaml``, our own weights beside it, and
``recipes/<model>/<version>.yaml``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from registry.errors import UnknownModelVersion
from registry.manifest import MANIFEST, Manifest, load_manifest, parse_ref
from registry.recipe import Recipe, load_recipe
from registry.references import natural

Entry = Manifest | Recipe

_HERE = Path(__file__).parent


@cache
def starter() -> tuple[Manifest, ...]:
    """What the embedded profile runs on, ready after one pull."""
    return tuple(load_manifest(path) for path in sorted((_HERE / "starter").glob(f"*/*/{MANIFEST}")))


@cache
def known() -> tuple[Entry, ...]:
    """Everything that can be pulled by name, the starter set first, each model's newest version last."""
    recipes = [load_recipe(path) for path in (_HERE / "recipes").glob("*/*.yaml")]
    return (*starter(), *sorted(recipes, key=lambda entry: (entry.model, natural(entry.version))))


def find(ref: str) -> Entry:
    """The entry for ``name@version``, or the newest of ``name``. Raises :class:`UnknownModelVersion`."""
    try:
        model, version = parse_ref(ref)
    except ValueError as error:
        raise UnknownModelVersion(f"{error}.") from error
    entries = [entry for entry in known() if entry.model == model and version in {None, entry.version}]
    if not entries:
        names = ", ".join(sorted({entry.model for entry in known()}))
        raise UnknownModelVersion(f"{ref} is not in the catalogue, which has {names}.")
    return max(entries, key=lambda entry: natural(entry.version))
