"""The Serve application: ``build(settings)`` binds the graph, ``app`` is what an ``import_path`` names."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.handle import DeploymentHandle

from deployments.anonymize.deployment import Anonymize
from deployments.faces.deployment import Faces
from deployments.lookalike.deployment import Lookalike
from deployments.moderation.deployment import Moderation
from deployments.moderation.engine import Policy
from deployments.runtime import Runtime
from deployments.serving import Options
from deployments.slots import ModelSet
from deployments.style.deployment import Style
from deployments.swap.artworks import ArtworkGallery
from deployments.swap.deployment import Swap
from serve_app.calls import call
from serve_app.gateway import create_app
from serve_app.inventory import Inventory
from serve_app.pipeline import Graph, Pipeline
from serve_app.selection import Selection, select
from serve_app.settings import Settings
from serve_app.topology import PROFILES, Shape

GRAPH = "graph"

# Capability -> its deployment. Anonymising needs no model of its own, only faces.
MODEL_DEPLOYMENTS: dict[str, type] = {
    "moderation": Moderation,
    "style": Style,
    "faces": Faces,
    "lookalike": Lookalike,
    "swap": Swap,
}


@serve.ingress()
class Gateway:
    """Serves the FastAPI application over handles to the deployments."""

    def __init__(self, settings: Settings, selection: Selection, handles: dict[str, DeploymentHandle[Any]]) -> None:
        self._settings = settings
        self._inventory = Inventory(settings.model_store.open(), selection)
        self._pipeline = Pipeline(
            graph_over(handles, selection.missing, settings.deadline_s),
            settings.limits.for_photos(),
            None
            if settings.artworks_dir is None
            else ArtworkGallery.load(settings.artworks_dir.expanduser().resolve()),
        )

    def __serve_build_asgi_app__(self) -> FastAPI:
        return create_app(self._pipeline, self._inventory, self._settings)


def build(settings: Settings) -> Application:
    """Bind every capability that has a model installed; the gateway says what the others lack.

    Raises ``RegistryError`` when moderation has no model: nothing is served unmoderated.
    """
    selection = select(settings.model_store.open(), settings.models)
    if "moderation" not in selection.chosen:
        raise selection.refusal("moderation")
    topology = PROFILES[settings.profile]
    handles: dict[str, Any] = {}
    for capability, models in selection.chosen.items():
        kind = MODEL_DEPLOYMENTS[capability]
        shape = topology[kind.__name__]
        arguments: list[Any] = [_options(settings, shape)]
        if capability == "moderation":
            arguments.append(Policy(settings.moderation_thresholds))
        handles[capability] = _deployed(kind, shape, user_config=_user_config(models)).bind(*arguments)
    if "faces" in handles:
        shape = topology[Anonymize.__name__]
        handles["anonymize"] = _deployed(Anonymize, shape).bind(_options(settings, shape).runtime.threads)
    return _deployed(Gateway, topology[Gateway.__name__]).bind(settings, selection, handles)


def graph_over(handles: dict[str, DeploymentHandle[Any]], missing: dict[str, str], deadline_s: float) -> Graph:
    """The deployments behind ``handles`` as coroutines with a deadline, retries and the product's errors."""

    def method(capability: str, name: str) -> Callable[..., Awaitable[Any]] | None:
        if capability not in handles:
            return None
        remote = getattr(handles[capability], name).remote

        async def called(*arguments: Any) -> Any:
            return await call(functools.partial(remote, *arguments), deadline_s=deadline_s, what=capability)

        return called

    moderate = method("moderation", "answer")
    if moderate is None:
        raise LookupError("the graph has no moderation")
    states = {name: state for name in MODEL_DEPLOYMENTS if (state := method(name, "status")) is not None}
    return Graph(
        moderate=moderate,
        style=method("style", "answer"),
        styles=method("style", "styles"),
        faces=method("faces", "answer"),
        lookalike=method("lookalike", "answer"),
        portrait=method("lookalike", "portrait"),
        collage=method("lookalike", "collage"),
        swap=method("swap", "answer"),
        anonymize=method("anonymize", "answer"),
        states=states,
        missing=missing,
    )


def _deployed(kind: type, shape: Shape, **more: Any) -> Deployment:
    """``kind`` as a deployment called like the class, on its share of the machine."""
    return serve.deployment(name=kind.__name__, **shape.options(), **more)(kind)


def _options(settings: Settings, shape: Shape) -> Options:
    on_gpu = shape.gpu > 0
    threads = settings.threads if settings.profile == "embedded" else max(1, int(shape.cpu))
    runtime = Runtime("cuda" if on_gpu else "cpu", threads, shape.memory_mb)
    return Options(settings.model_store, runtime, shape.max_batch)


def _user_config(models: ModelSet) -> dict[str, Any]:
    return {"stable": {"model": models.model, "extras": list(models.extras)}}


def __getattr__(name: str) -> Application:
    # Built when a config file's import_path asks for it, so that importing this module reads no store.
    if name == "app":
        return build(Settings())
    raise AttributeError(name)
