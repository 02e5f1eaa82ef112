"""What a deployment answers, is told at start, and says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from deployments.runtime import Runtime
from deployments.serving.traffic import Traffic
from deployments.serving.trials import TrialSummary
from deployments.slots import SlotStatus
from registry.opening import StoreAddress

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """A result, the model version it came from (``name@version``), and ``contributors``: others that had a part in it."""

    value: A
    model: str
    contributors: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Every version behind the result, the one that gives the name first."""
        return (self.model, *self.contributors)


@dataclass(frozen=True, slots=True)
class Options:
    """What a replica is told at start: where the versions lie, its share of the machine, its largest batch."""

    models: StoreAddress
    runtime: Runtime
    max_batch: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What one replica says of itself to whoever coordinates versions."""

    slot: SlotStatus
    traffic: dict[str, Traffic]
    trial: TrialSummary | None
    memory_mb: float
