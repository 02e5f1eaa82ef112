"""The admin side of ``/v1/models``: what a decision looks like, and what is said of versions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from deployments.serving.trials import TrialSummary
from deployments.slots import Role
from registry.routing import AuditEntry, Routing
from serve_app.wording import NOT_BLANK

Standing = Literal["active", "canary", "shadow", "staging", "refused", "idle"]
Version = Annotated[str, Field(min_length=1, max_length=64, description="A version, or an alias such as previous")]


class RoutingEntry(BaseModel):
    """Which versions of a model answer; see ``registry.routing``."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    stable: str
    previous: str | None = None
    canary: str | None = None
    percent: float = 0.0
    shadow: str | None = None
    sample: float = 0.0


class LastDecision(BaseModel):
    """Who decided on a model last, and why; an entry of the audit trail."""

    model_config = ConfigDict(from_attributes=True)

    when: datetime
    who: str
    action: str
    version: str
    why: str


class ModelRouting(BaseModel):
    """A model somebody has decided on."""

    model: str
    routing: RoutingEntry
    last: LastDecision

    @classmethod
    def of(cls, model: str, routing: Routing, last: AuditEntry) -> ModelRouting:
        return cls(model=model, routing=RoutingEntry.model_validate(routing), last=LastDecision.model_validate(last))


class Decided(BaseModel):
    """What a decision made of a model, and ``notices``: sentences on what it leaves undone, such as styles left behind.

    ``routing`` is null where nobody has decided on the model any more: a moderator that left the vote.
    """

    model: str
    routing: RoutingEntry | None
    last: LastDecision
    notices: list[str]

    @classmethod
    def of(cls, model: str, routing: Routing | None, last: AuditEntry, notices: list[str]) -> Decided:
        return cls(
            model=model,
            routing=None if routing is None else RoutingEntry.model_validate(routing),
            last=LastDecision.model_validate(last),
            notices=notices,
        )


class TrialState(BaseModel):
    """How far a version's answers lie from the stable version's, over the last requests that both computed.

    ``similarity`` is of pictures, 1 is equal.
    """

    capability: str
    model: str
    role: Role
    compared: int
    disagreed: int
    failed: int
    dropped: int
    similarity: float | None
    delta: float
    own_ms: float
    stable_ms: float

    @classmethod
    def of(cls, capability: str, trial: TrialSummary) -> TrialState:
        count = max(1, trial.compared)
        return cls(
            capability=capability,
            model=trial.model,
            role=trial.role,
            compared=trial.compared,
            disagreed=trial.disagreed,
            failed=trial.failed,
            dropped=trial.dropped,
            similarity=trial.similarity,
            delta=round(trial.delta, 4),
            own_ms=round(trial.own_s / count * 1000, 1),
            stable_ms=round(trial.stable_s / count * 1000, 1),
        )


class ModelState(BaseModel):
    """One installed version and how it fares.

    ``serves`` names the capability it is held in, if any; ``reason`` says why a refused one is; the traffic is that of
    the last two minutes, without the verdicts that moderation gave from memory.
    """

    model: str
    version: str
    task: str
    backend: str
    licence: str
    commercial_use: bool
    embedding_space: str | None
    memory_mb: int
    serves: str | None
    metrics: dict[str, Any]
    aliases: list[str] = []
    state: Standing = "idle"
    reason: str | None = None
    replicas: int = 0
    requests: int = 0
    failed: int = 0
    p95_ms: float | None = None


class Models(BaseModel):
    """Installed versions, the routings of models, and for every capability that cannot serve, what to do about it.

    ``coordinated`` is false while nobody can say what the replicas hold; the rest is then what the store says.
    """

    models: list[ModelState]
    missing: dict[str, str]
    routings: list[ModelRouting] = []
    trials: list[TrialState] = []
    coordinated: bool = False


class Decision(BaseModel):
    """Who decides and why; ``expect`` is the routing they saw, and makes it a conflict when it is another by now."""

    model_config = ConfigDict(extra="forbid")

    by: Annotated[str, Field(min_length=1, max_length=64, pattern=NOT_BLANK)] = "admin"
    reason: Annotated[str, Field(max_length=500)] = ""
    expect: RoutingEntry | None = None


class Promotion(Decision):
    """Make ``version`` stable; with ``force`` and a reason also one under its bars, or one that styles do not follow."""

    version: Version
    force: bool = False


class CanaryTrial(Decision):
    """Let ``version`` answer ``percent`` of the users; without a version the trial ends."""

    version: Version | None = None
    percent: Annotated[float, Field(gt=0, le=100)] = 5.0


class ShadowTrial(Decision):
    """Let ``version`` compute the share ``sample`` of requests unseen; without a version the trial ends."""

    version: Version | None = None
    sample: Annotated[float, Field(gt=0, le=1)] = 0.1


class Rollback(Decision):
    """End the canary, or go back to the previous version; a moderator that its promotion let join the vote leaves it."""


class LiveConfiguration(BaseModel):
    """The running application as a configuration file has it."""

    configuration: dict[str, Any]
