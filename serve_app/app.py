"""The Serve application: ``build(settings)`` binds the graph, ``app(arguments)`` is what an ``import_path`` names."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from deployments.anonymize.deployment import Anonymize
from deployments.authenticity.deployment import Authenticity
from deployments.faces.deployment import Faces
from deployments.lookalike.deployment import Lookalike
from deployments.masterpiece.deployment import Masterpiece
from deployments.moderation.deployment import Moderation
from deployments.moderation.engine import Policy
from deployments.runtime import Runtime
from deployments.serving import Options
from deployments.slots import Plan, SlotStatus
from deployments.style.deployment import Style
from deployments.swap.deployment import Swap
from deployments.user_config import UserConfig
from serve_app.calls import call
from serve_app.deployed import state_of
from serve_app.gateway import create_app
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
from serve_app.visitors import visitor

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
# A masterpiece's call may have to wait for a replica to start, which takes torch some time.
SLOW_DEADLINE_S = 600.0


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
        self._inventory = Inventory(settings.model_store.open(), selection)
        self._pipeline = Pipeline(
            graph_over(handles, selection.missing, settings.deadline_s, Resting(_resting, _may_rest(settings))),
            settings.limits.for_photos(),
            artworks_of(settings),
        )

    def __serve_build_asgi_app__(self) -> FastAPI:
        desk = VersionDesk(self._inventory, _coordination(self._versions))
        board = StatusBoard(RayCluster(GRAPH), self._pipeline.states)
        return create_app(self._pipeline, self._inventory, self._settings, desk, board)


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


def graph_over(
    handles: dict[str, DeploymentHandle[Any]],
    missing: dict[str, str],
    deadline_s: float,
    may_rest: Callable[[str], Awaitable[bool]] | None = None,
) -> Graph:
    """The deployments behind ``handles`` as coroutines with a deadline, retries and the product's errors.

    Capabilities that ``may_rest`` have no replica while nobody asks for one, and are not woken to tell their state.
    """

    def method(capability: str, name: str) -> Callable[..., Awaitable[Any]] | None:
        if capability not in handles:
            return None
        remote = getattr(handles[capability], name).remote

        async def called(*arguments: Any) -> Any:
            # Model deployments choose between stable and canary by who asks.
            who = (visitor(),) if name == "answer" and capability in MODEL_DEPLOYMENTS else ()
            limit_s = SLOW_DEADLINE_S if capability == "masterpiece" else deadline_s
            return await call(functools.partial(remote, *arguments, *who), deadline_s=limit_s, what=capability)

        return called

    moderate = method("moderation", "answer")
    if moderate is None:
        raise LookupError("the graph has no moderation")

    def state(capability: str) -> Callable[[], Awaitable[SlotStatus | None]]:
        handle = handles[capability]

        async def ask() -> SlotStatus | None:
            if may_rest is not None and await may_rest(capability):
                return await _status(handle)
            answer: SlotStatus = await handle.status.remote()
            return answer

        return functools.partial(call, ask, deadline_s=deadline_s, what=capability)

    # A painting in hand takes its replica for minutes, and whoever asks for its state would wait.
    asked = MODEL_DEPLOYMENTS.keys() & handles.keys() - {"masterpiece"}
    states = {name: state(name) for name in sorted(asked)}
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
        authenticity=method("authenticity", "answer"),
        masterpiece=method("masterpiece", "answer"),
        states=states,
        missing=missing,
    )


async def _status(handle: DeploymentHandle[Any]) -> SlotStatus | None:
    """What the first replica that answers says of itself; None where none runs.

    One that is asked by a call of its own waits for a replica, and the scaling policy starts one for whoever waits.
    """
    try:
        answers = await handle.broadcast("status").results_async(return_exceptions=True)
    except DeploymentUnavailableError:
        return None
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    if answers and len(failures) == len(answers):
        raise failures[0]
    return next((answer for answer in answers if isinstance(answer, SlotStatus)), None)


def _may_rest(settings: Settings) -> frozenset[str]:
    topology = limited(PROFILES[settings.profile], settings.engines)
    return frozenset(name for name, kind in MODEL_DEPLOYMENTS.items() if topology[kind.__name__].may_rest)


def _resting() -> frozenset[str]:
    """What may rest by Serve's present configuration, which an operator may have written by hand."""
    state = state_of(GRAPH)
    resting = {name for name, one in state.deployments.items() if one.may_rest} if state is not None else set()
    return frozenset(name for name, kind in MODEL_DEPLOYMENTS.items() if kind.__name__ in resting)


def _coordination(handle: DeploymentHandle[Any]) -> Coordination:
    """The versions deployment as coroutines; each waits a few seconds at most, since pages show their answers."""

    def method(name: str) -> Callable[..., Awaitable[Any]]:
        remote = getattr(handle, name).remote
        return functools.partial(call, remote, deadline_s=10, what="the versions")

    return Coordination(method("notice"), method("state"), method("configuration"))


def _deployed(kind: type, shape: Shape, **more: Any) -> Deployment:
    """``kind`` as a deployment called like the class, on its share of the machine."""
    return serve.deployment(name=kind.__name__, **shape.options(), **more)(kind)


def _options(settings: Settings, shape: Shape) -> Options:
    threads = settings.threads if settings.profile == "embedded" else max(1, int(shape.cpu))
    runtime = Runtime(shape.processor, threads, shape.memory_mb)
    return Options(settings.model_store, runtime, shape.max_batch)
