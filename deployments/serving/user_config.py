"""The light part of a deployment's configuration: which versions its slot holds.

::

    stable: {model: style-lean@v3, extras: [styles-classic@v1]}
    canary: {model: style-lean@v4, extras: [styles-classic@v1], percent: 5}     # or
    shadow: {model: style-lean@v4, extras: [styles-classic@v1], sample: 0.1}    # or
    staging: {model: style-lean@v4, extras: [styles-classic@v1]}

``staging`` asks every replica to load a version beside the stable one and wait; what it is to become follows in a later
configuration, when all have.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from deployments.slots import ModelSet, Plan, Second
from registry.manifest import Strict


class Versions(Strict):
    """A model and what goes with it."""

    model: str
    extras: tuple[str, ...] = ()

    @classmethod
    def of(cls, models: ModelSet) -> Self:
        return cls(model=models.model, extras=models.extras)

    @property
    def models(self) -> ModelSet:
        return ModelSet(self.model, self.extras)


class Canary(Versions):
    """Answers ``percent`` of the users."""

    percent: Annotated[float, Field(ge=0, le=100)]


class Shadow(Versions):
    """Computes the share ``sample`` (0..1) of requests, and nobody sees it."""

    sample: Annotated[float, Field(ge=0, le=1)]


class UserConfig(Strict):
    """Which versions serve. Besides ``stable`` there is one at most: no more than two are ever held in memory."""

    stable: Versions
    canary: Canary | None = None
    shadow: Shadow | None = None
    staging: Versions | None = None

    @model_validator(mode="after")
    def _one_beside_stable(self) -> Self:
        if sum(entry is not None for entry in (self.canary, self.shadow, self.staging)) > 1:
            raise ValueError("name one of canary, shadow and staging: two versions at most are held in memory")
        return self

    @classmethod
    def of(cls, plan: Plan) -> UserConfig:
        """The configuration that makes slots follow ``plan``."""
        stable, second = Versions.of(plan.stable), plan.second
        if second is None:
            return cls(stable=stable)
        model, extras = second.models.model, second.models.extras
        match second.role:
            case "canary":
                return cls(stable=stable, canary=Canary(model=model, extras=extras, percent=second.percent))
            case "shadow":
                return cls(stable=stable, shadow=Shadow(model=model, extras=extras, sample=second.percent / 100))
            case "staging":
                return cls(stable=stable, staging=Versions.of(second.models))

    @property
    def plan(self) -> Plan:
        """What a slot is to hold."""
        second: Second | None = None
        if self.staging is not None:
            second = Second(self.staging.models)
        elif self.canary is not None:
            second = Second(self.canary.models, "canary", self.canary.percent)
        elif self.shadow is not None:
            second = Second(self.shadow.models, "shadow", self.shadow.sample * 100)
        return Plan(self.stable.models, second)

    def document(self) -> dict[str, Any]:
        """As it stands in a configuration file: nothing that is not set."""
        return self.model_dump(mode="json", exclude_none=True)
