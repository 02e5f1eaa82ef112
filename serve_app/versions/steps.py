"""The next step of one capability from the versions that are live to those that are desired.

Two phases: first every running replica stages the version beside what it serves, and only when all of them have does
one further configuration put it in its place. Replicas that start in between read the same configuration and stage it
too; the count is of those that run when the question is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.slots import ModelSet, Plan, Second, SlotStatus


@dataclass(frozen=True, slots=True)
class Apply:
    """Give the capability this configuration."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Refuse:
    """A replica could not stage ``models``; nothing is activated."""

    models: ModelSet
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Replicas are at work on ``models``."""

    models: ModelSet


Step = Apply | Refuse | Wait


def next_step(live: Plan, desired: Plan, replicas: Sequence[SlotStatus], *, settled: bool) -> Step | None:
    """None when there is nothing to do. ``settled``: ``replicas`` are all there are, and none is just starting."""
    target = _target(live, desired)
    if target is None:
        if live != desired:
            return Apply(desired)
        # A replica that started late may refuse what the others hold.
        return None if live.beside is None else _refusal(live.beside, replicas)
    staging = Plan(live.stable, Second(target))
    if all(target in _held(status) for status in replicas) and settled and replicas:
        return Apply(_activated(live, desired, target))
    if live.beside != target:
        return Apply(staging)
    return _refusal(target, replicas) or Wait(target)


def _target(live: Plan, desired: Plan) -> ModelSet | None:
    """The version to stage next, if one is missing: stable before what is tried beside it."""
    if desired.stable != live.stable:
        return desired.stable
    staged_only = live.second is not None and live.second.role == "staging"
    return desired.beside if staged_only or live.beside != desired.beside else None


def _activated(live: Plan, desired: Plan, target: ModelSet) -> Plan:
    if target == desired.stable:
        # What was stable may be what is tried next; anything else is staged in its turn.
        return Plan(target, desired.second if desired.beside == live.stable else None)
    return Plan(live.stable, desired.second)


def _held(status: SlotStatus) -> set[ModelSet]:
    return {models for models in (status.active, status.beside) if models is not None}


def _refusal(models: ModelSet, replicas: Sequence[SlotStatus]) -> Refuse | None:
    """Why ``models`` cannot be held, if a replica says so."""
    said = (status.error for status in replicas if status.refused == models)
    return next((Refuse(models, reason or "it could not be staged") for reason in said), None)
