"""A store with small models of every kind a graph is made of, and a graph that follows its configuration at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from deployments.serving.traffic import Traffic
from deployments.serving.trials import TrialSummary
from deployments.serving.types import Report
from deployments.serving.user_config import UserConfig
from deployments.slots import ModelSet, Plan, SlotStatus
from registry.store import FolderStore
from serve_app.settings import ModelChoice
from serve_app.versions.coordinator import Coordinator
from tests import versions
from tests.clock import Clock

NAMES = {"moderation": "Moderation", "style": "Style"}
BY = {"by": "ada", "why": "better"}
V1, V2 = ModelSet("judge@v1"), ModelSet("judge@v2")

Publish = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "models")


@pytest.fixture
def publish(store: FolderStore) -> Publish:
    """Publish a version with one small file; ``content`` makes its hash."""

    def published(model: str, version: str, task: str = "moderation", content: str = "", **fields: Any) -> str:
        files = {"net.dat": content.encode() or f"{model}@{version}".encode()}
        backend = "open-nsfw" if task == "moderation" else ""
        told = {"model": model, "version": version, "task": task, "backend": backend, **fields}
        return versions.publish(store, files, **told).ref

    return published


@pytest.fixture
def graph(publish: Publish) -> Mapping[str, Plan]:
    """Moderation, and a painter with one pack made for its weights; the plans they were deployed with."""
    publish("judge", "v1")
    publish("painter", "v1", "style", content="weights one")
    pins = {"painter": hashlib.sha256(b"weights one").hexdigest()}
    publish("classics", "v1", "style-pack", requires=pins)
    return {"moderation": Plan(ModelSet("judge@v1")), "style": Plan(ModelSet("painter@v1", ("classics@v1",)))}


class Graph:
    """Replicas that follow the configuration as real ones do, when they are told to ``work``."""

    def __init__(self, plans: Mapping[str, Plan], replicas: int = 2) -> None:
        self.documents: dict[str, Mapping[str, Any]] = {}
        self.slots = {name: [SlotStatus(plan.stable, None, None)] * replicas for name, plan in plans.items()}
        self.refuses: dict[str, str] = {}
        self.traffic: dict[str, Traffic] = {}
        self.trial: TrialSummary | None = None
        self.applied: list[dict[str, Plan]] = []
        self.starting: set[str] = set()

    async def user_configs(self) -> Mapping[str, Mapping[str, Any]]:
        return self.documents

    async def apply(self, user_configs: Mapping[str, Mapping[str, Any]]) -> None:
        self.documents |= user_configs
        plans = {name: UserConfig.model_validate(document).plan for name, document in user_configs.items()}
        self.applied.append(plans)
        for capability, name in NAMES.items():
            if name in plans:
                # What is loaded changes its place at once; what is not has to be loaded.
                self.slots[capability] = [_arranged(slot, plans[name]) for slot in self.slots[capability]]

    async def replicas(self) -> Mapping[str, tuple[int, int]]:
        return {NAMES[name]: (len(slots), len(slots) + (name in self.starting)) for name, slots in self.slots.items()}

    async def ask(self, capability: str) -> list[Report]:
        return [
            Report(slot, self.traffic if number == 0 else {}, self.trial, 100.0)
            for number, slot in enumerate(self.slots[capability])
        ]

    def rest(self, capability: str) -> None:
        """Nobody asks for it, and its replicas go."""
        self.slots[capability] = []

    def start(self, capability: str) -> None:
        """Its first replica is there: the stable version is loaded, and nothing else yet."""
        plan = UserConfig.model_validate(self.documents[NAMES[capability]]).plan
        self.slots[capability] = [SlotStatus(plan.stable, None, None)]

    def work(self, *numbers: int) -> None:
        """Let replicas (all unless numbered) load what their configuration names."""
        for capability, slots in self.slots.items():
            document = self.documents.get(NAMES[capability])
            if document is None:
                continue
            plan = UserConfig.model_validate(document).plan
            for number in numbers or range(len(slots)):
                slots[number] = self._loaded(slots[number], plan)

    def _loaded(self, slot: SlotStatus, plan: Plan) -> SlotStatus:
        for models in (plan.stable, plan.second and plan.second.models):
            for ref in models.refs if models else ():
                if ref in self.refuses:
                    return SlotStatus(slot.active, None, f"{models.model}: {self.refuses[ref]}", None, models)
        return SlotStatus(plan.stable, None, None, plan.second)


def _arranged(slot: SlotStatus, plan: Plan) -> SlotStatus:
    held = {slot.active, slot.second.models if slot.second else None}
    active = plan.stable if plan.stable in held else slot.active
    second = plan.second if plan.second and plan.second.models in held else None
    return SlotStatus(active, None, None, second)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(graph: Mapping[str, Plan]) -> Graph:
    return Graph(graph)


@pytest.fixture
def coordinator(store: FolderStore, graph: Mapping[str, Plan], live: Graph, clock: Clock) -> Coordinator:
    return Coordinator(store, ModelChoice(), graph, NAMES, live, live.ask, clock=clock)


async def settle(coordinator: Coordinator, live: Graph, most: int = 12) -> None:
    """Step, and let replicas work, until there is nothing more to do."""
    for _ in range(most):
        if not await coordinator.step():
            return
        live.work()
    raise AssertionError("the coordinator does not come to rest")


def serving(live: Graph, capability: str = "moderation") -> set[str]:
    return {slot.active.model for slot in live.slots[capability] if slot.active}
