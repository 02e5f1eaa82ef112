"""Whether the installed models fit what a config file deploys: there at all, in one embedding space, within their share.

Only where the file's ``models_dir`` is on this machine; a bucket is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from registry.errors import RegistryError
from registry.store import FolderStore
from serve_app.checking.document import Document, Problem
from serve_app.selection import Selection, select
from serve_app.settings import ModelChoice, Settings
from serve_app.topology import CLUSTER, limited
from serve_app.wording import Place


def model_problems(
    document: Document, place: Place, settings: Settings, deployments: list[dict[str, Any]]
) -> Iterator[Problem]:
    """Problems of the models in ``settings.store_dir`` with the deployments of one application at ``place``."""
    if settings.models_url is not None or not settings.store_dir.is_dir():
        return
    store = FolderStore(settings.store_dir)
    chosen = (*place, "args", "models")
    try:
        selection = select(store, settings.models)
    except RegistryError as error:
        setting = _refused(store, settings.models)
        yield document.problem((*chosen, setting), str(error), "See `masquerade models list`.")
        return
    for number, deployment in enumerate(deployments):
        where = (*place, "deployments", number, "name")
        yield from _deployment(document, where, str(deployment.get("name")), store, selection, settings)


def _refused(store: FolderStore, wishes: ModelChoice) -> str:
    """The first setting that cannot be followed beside those before it; "" where it is none of them."""
    named = wishes.model_dump(exclude_none=True)
    for count, setting in enumerate(("", *named)):
        try:
            select(store, ModelChoice(**dict(islice(named.items(), count))))
        except RegistryError:
            return setting
    return ""


def _deployment(
    document: Document, where: Place, name: str, store: FolderStore, selection: Selection, settings: Settings
) -> Iterator[Problem]:
    # Hiding faces needs no model of its own, only the one that finds them.
    capability = "faces" if name == "Anonymize" else name.lower()
    if capability in selection.missing:
        remedy = f"Take it out, or install one: {selection.missing[capability]}"
        yield document.problem(where, f"{name} is deployed and has no model in {store.root}", remedy)
        return
    if capability not in selection.chosen or name not in CLUSTER or name == "Anonymize":
        return
    models = selection.chosen[capability]
    needed = sum(store.get(ref).manifest.memory_mb for ref in (models.model, *models.extras))
    known = {key: limits for key, limits in settings.engines.items() if key in CLUSTER}
    shape = limited(CLUSTER, known)[name]
    if shape.processor == "cuda" and needed > shape.memory_mb:
        yield document.problem(
            where,
            f"{models.model} needs {needed} MB of GPU memory and {name} may take {shape.memory_mb} MB",
            f"Raise num_gpus and engines.{name}.gpu_memory_mb, or choose a smaller model.",
        )
