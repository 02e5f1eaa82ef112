"""How many replicas a deployment needs, from how long people wait and how much work there is.

Request counts say little about a studio: one swap weighs as much as a hundred look-alikes, and a replica with thirty
requests in one GPU batch may be half idle. The policy counts *work* instead, in engine seconds:

- ``busy``: engine seconds done per second, summed over replicas. Work that keeps arriving needs
  ``busy / utilisation`` replicas, or queues grow without end as utilisation nears one.
- ``waiting`` queries of ``service_s`` engine seconds each are a backlog. To let nobody wait longer than ``queue_s``, the
  backlog needs ``waiting * service_s / queue_s`` replicas on top of those the arriving work keeps busy.

The number is absolute, not a step, so replicas that are still starting are never asked for twice. Up is at once; down
goes only as far as the greatest need of the last ``hold_s`` seconds, which is what keeps a noisy load from flapping
(the stabilisation window of Kubernetes' HorizontalPodAutoscaler). A deployment may rest at zero after ``idle_s`` without
work. Pure: the clock comes with the observation, the memory goes in and out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rule:
    """What to hold a deployment to.

    ``queue_s`` is the longest anyone should wait before their work begins, ``utilisation`` (0..1] the share of the time
    an engine may be busy. ``service_s`` is the work of one query in engine seconds until it has been measured.
    A need within ``tolerance`` of what runs changes nothing.
    """

    min_replicas: int
    max_replicas: int
    service_s: float
    queue_s: float = 1.0
    utilisation: float = 0.7
    hold_s: float = 120.0
    idle_s: float = 300.0
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.min_replicas <= self.max_replicas or self.max_replicas < 1:
            raise ValueError(f"min_replicas {self.min_replicas} and max_replicas {self.max_replicas} are no range")
        if self.service_s <= 0 or self.queue_s <= 0:
            raise ValueError(f"'{'service_s' if self.service_s <= 0 else 'queue_s'}' has to be above 0")
        if not 0 < self.utilisation <= 1:
            raise ValueError("'utilisation' has to be above 0 and at most 1")
        for name in ("hold_s", "idle_s", "tolerance"):
            if getattr(self, name) < 0:
                raise ValueError(f"'{name}' cannot be negative")


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at a deployment at time ``now`` (seconds on any clock that never goes back).

    ``replicas`` have been asked for, whether they run yet or not. ``service_s`` is None until something was measured.
    """

    now: float
    replicas: int
    busy: float
    waiting: float
    service_s: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What the policy remembers: past needs as ``(time, replicas)``, newest last, and when there was work last."""

    needs: tuple[tuple[float, int], ...] = ()
    worked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas should run, why (for logs and simulations), and what to remember."""

    replicas: int
    reason: str
    memory: Memory = field(default_factory=Memory)


def decide(rule: Rule, seen: Observation, memory: Memory) -> Decision:
    """The number of replicas for what was ``seen``, always within the rule's range."""
    need, reason = _need(rule, seen)
    working = seen.busy > 0 or seen.waiting > 0
    worked_at = seen.now if working or memory.worked_at is None else memory.worked_at
    if not working and rule.min_replicas == 0 and seen.now - worked_at < rule.idle_s:
        # The last replica stays for a while: loading a model again costs more than it saves.
        need = max(need, min(1, seen.replicas))
    need = min(max(need, rule.min_replicas), rule.max_replicas)
    needs = _recent((*memory.needs, (seen.now, need)), seen.now - rule.hold_s)
    kept = Memory(needs, worked_at)
    if need > seen.replicas:
        return Decision(need, reason, kept)
    held = min(max(count for _, count in needs), seen.replicas)
    held = min(max(held, rule.min_replicas), rule.max_replicas)
    return Decision(held, "steady" if held == seen.replicas else "less to do", kept)


def _need(rule: Rule, seen: Observation) -> tuple[int, str]:
    service_s = rule.service_s if seen.service_s is None else seen.service_s
    steady = seen.busy / rule.utilisation
    backlog = seen.waiting * service_s / rule.queue_s
    exact = max(steady, seen.busy + backlog)
    if exact > seen.replicas:
        allowed = seen.replicas * (1 + rule.tolerance)
        if seen.replicas and exact <= allowed:
            return seen.replicas, "steady"
        return math.ceil(exact - 1e-9), "queue" if seen.busy + backlog > steady else "work"
    if exact == 0:
        return 0, "idle"
    # Downwards the tolerance counts too: a need that hovers at a whole number would otherwise swing around it.
    return min(seen.replicas, max(1, math.ceil(exact * (1 + rule.tolerance) - 1e-9))), "less to do"


def _recent(needs: tuple[tuple[float, int], ...], since: float) -> tuple[tuple[float, int], ...]:
    """The needs from ``since`` on that can still be a window's greatest: each greater than all that came later."""
    kept: list[tuple[float, int]] = []
    for time, count in needs:
        if time < since:
            continue
        while kept and kept[-1][1] <= count:
            kept.pop()
        kept.append((time, count))
    return tuple(kept)
