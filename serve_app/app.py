"""The Serve application: ``build(settings)`` binds the graph, ``app(arguments)`` is what an ``import_path`` names."""

from __future__ import annotations

import functools
import logging
from typing import Any, Final

from fastapi import FastAPI
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.handle import DeploymentHandle

from deployments.anonymize.deployment import Anonymize
from deployments.authenticity.deployment import Authenticity
from deployments.faces.deployment import Faces
from deployments.lookalike.deployment import Lookalike
from deployments.masterpiece.deployment import Masterpiece
from deployments.moderation.deployment import Moderation
from deployments.moderation.engine import Policy
from deployments.runtime import Runtime
from deployments.serving.types import Options
from deployments.serving.user_config import UserConfig
from deployments.slots import Plan
from deployments.style.deployment import Style
from deployments.swap.deployment import Swap
from serve_app.deployed import NotConfigured, state_of
from serve_app.gateway import create_app
from serve_app.graph import RemoteDeployment, graph_over
from serve_app.http.door import Door, Doorkeeper
from serve_app.inventory import Inventory, artworks_of
from serve_app.pipeline import Graph, Pipeline
from serve_app.resting import Resting
from serve_app.selection import Selection, select
from serve_app.settings import Settings
from serve_app.status.board import StatusBoard
from serve_app.status.cluster import RayCluster
from serve_app.telemetry.logs import to_stderr
from serve_app.topology import GRAPH, PROFILES, Shape, limited
from serve_app.versions.deployment import Versions
from serve_app.versions.desk import Coordination, VersionDesk

log = logging.getLogger(__name__)

CLOSING_S: Final = 20.0
"""How long a studio that closes waits for requests in hand."""

# Capability -> its deployment. Anonymising needs no model of its own, only faces.
MODEL_DEPLOYMENTS: dict[str, type] = {
    "moderation": Moderation,
    "style": Style,
    "faces": Faces,
    "lookalike": Lookalike,
    "swap": Swap,
    "authenticity": Authenticity,
    "masterpiece": Masterpiece,
}


@serve.ingress()
class Gateway:
    """Serves the FastAPI application over handles to the deployments."""

    def __init__(
        self,
        settings: Settings,
        selection: Selection,
        handles: dict[str, DeploymentHandle[Any]],
        versions: DeploymentHandle[Any],
    ) -> None:
        to_stderr()
        self._settings = settings
        self._versions = versions
        self._door = Door()
        self._inventory = Inventory(settings.model_store.open(), selection)
        self._pipeline = Pipeline(
            graph_over(handles, selection.missing, settings.deadline_s, Resting(_resting, _may_rest(settings))),
            settings.limits.for_photos(),
            artworks_of(settings),
        )

    def __serve_build_asgi_app__(self) -> FastAPI:
        desk = VersionDesk(self._inventory, self._settings.models, _coordination(self._versions))
        board = StatusBoard(RayCluster(GRAPH), self._pipeline.states)
        app = create_app(self._pipeline, self._inventory, self._settings, desk, board)
        app.add_middleware(Doorkeeper, door=self._door)
        return app

    async def close(self) -> None:
        """Let nobody in any more, and return when who is inside has been answered, or has had ``CLOSING_S`` for it."""
        if not await self._door.close(CLOSING_S):
            log.warning("some requests were not answered within %.0f s of closing", CLOSING_S)


def build(settings: Settings) -> Application:
    """Bind every capability that has a model installed; the gateway says what the others lack.

    Raises ``RegistryError`` when moderation has no model: nothing is served unmoderated.
    """
    selection = select(settings.model_store.open(), settings.models)
    if "moderation" not in selection.chosen:
        raise selection.refusal("moderation")
    topology = limited(PROFILES[settings.profile], settings.engines)
    handles: dict[str, Any] = {}
    for capability, models in selection.chosen.items():
        kind = MODEL_DEPLOYMENTS[capability]
        shape = topology[kind.__name__]
        arguments: list[Any] = [_options(settings, shape)]
        if capability == "moderation":
            arguments.append(Policy(settings.moderation_thresholds))
        handles[capability] = _deployed(kind, shape, user_config=UserConfig.of(Plan(models)).document()).bind(
            *arguments
        )
    built = {capability: Plan(models) for capability, models in selection.chosen.items()}
    versions = _deployed(Versions, topology[Versions.__name__]).bind(settings, GRAPH, built, dict(handles))
    if "faces" in handles:
        shape = topology[Anonymize.__name__]
        handles["anonymize"] = _deployed(Anonymize, shape).bind(_options(settings, shape).runtime.threads)
    return _deployed(Gateway, topology[Gateway.__name__]).bind(settings, selection, handles, versions)


def app(arguments: dict[str, Any]) -> Application:
    """The graph for a config file's ``args``; what they leave out comes from ``MASQUERADE_*`` variables.

    Takes a plain dictionary: Serve only makes models of arguments whose annotation is not a string.
    """
    return build(Settings(**arguments))


def running_graph(settings: Settings, inventory: Inventory) -> Graph:
    """The graph that serves in the Ray cluster this process belongs to."""
    kinds = {capability: MODEL_DEPLOYMENTS[capability] for capability in inventory.selection.chosen}
    if "faces" in kinds:
        kinds["anonymize"] = Anonymize
    handles = {capability: serve.get_deployment_handle(kind.__name__, GRAPH) for capability, kind in kinds.items()}
    return graph_over(handles, inventory.missing, settings.deadline_s)


def _may_rest(settings: Settings) -> frozenset[str]:
    topology = limited(PROFILES[settings.profile], settings.engines)
    return frozenset(name for name, kind in MODEL_DEPLOYMENTS.items() if topology[kind.__name__].may_rest)


def _resting() -> frozenset[str]:
    """What may rest by Serve's present configuration, which an operator may have written by hand.

    Raises :class:`NotConfigured` where Serve does not say: it names no deployments while it builds an application anew, nor
    after it failed to, though the old ones go on serving.
    """
    state = state_of(GRAPH)
    if state is None or not state.deployments:
        raise NotConfigured(f"Serve names no deployments of {GRAPH}")
    resting = {name for name, one in state.deployments.items() if one.may_rest}
    return frozenset(name for name, kind in MODEL_DEPLOYMENTS.items() if kind.__name__ in resting)


def _coordination(handle: DeploymentHandle[Any]) -> Coordination:
    """The versions deployment. It has a few seconds to answer, since pages show what it says."""
    versions = RemoteDeployment("the versions", handle, deadline_s=10)
    return Coordination(*(functools.partial(versions.call, name) for name in ("notice", "state", "configuration")))


def _deployed(kind: type, shape: Shape, **more: Any) -> Deployment:
    """``kind`` as a deployment called like the class, on its share of the machine."""
    return serve.deployment(name=kind.__name__, **shape.options(), **more)(kind)


def _options(settings: Settings, shape: Shape) -> Options:
    threads = settings.threads if settings.profile == "embedded" else max(1, int(shape.cpu))
    runtime = Runtime(shape.processor, threads, shape.memory_mb)
    return Options(settings.model_store, runtime, shape.max_batch)
