"""One deployment of the simulation: replicas with queues and batches, watched and scaled like the real one."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from deployments.serving.batching import QUEUE_S
from deployments.serving.load import WINDOW_S
from serve_app.scaling.policy import Memory, Observation, Rule, decide
from serve_app.simulation.machines import Fleet, Machine
from serve_app.simulation.profile import Work
from serve_app.topology import Shape

Event = Callable[[float], None]
Schedule = Callable[[float, Event], None]


@dataclass(eq=False, slots=True)
class Replica:
    """A queue and an engine that works on one batch at a time."""

    machine: Machine
    queue: deque[Event] = field(default_factory=deque)
    in_batch: int = 0
    batch_began: float = 0.0
    draining: bool = False


@dataclass(slots=True)
class Totals:
    """``busy_s`` engine seconds of the ``provided_s`` replica seconds, and the queries and batches that took them."""

    busy_s: float = 0.0
    provided_s: float = 0.0
    queries: int = 0
    batches: int = 0
    refused: int = 0


class Pool:
    """The replicas of one deployment."""

    def __init__(
        self, shape: Shape, work: Work, rule: Rule, fleet: Fleet, schedule: Schedule, chance: random.Random
    ) -> None:
        self.rule = rule
        self.totals = Totals()
        self.running: list[Replica] = []
        self.target = rule.min_replicas
        self._shape, self._work, self._fleet, self._schedule, self._chance = shape, work, fleet, schedule, chance
        self._unassigned: deque[Event] = deque()
        self._starting = 0
        self._memory = Memory()
        self._recent: deque[tuple[float, float, int]] = deque()
        for _ in range(rule.min_replicas):
            machine = fleet.place(shape.cpu, shape.gpu, 0.0)
            if machine is not None:
                self.running.append(Replica(machine))

    def submit(self, now: float, done: Event) -> bool:
        """Take a query, or refuse it when the queues are full."""
        # The shorter queue of two looked at by chance, as Serve's router does.
        free = [
            replica for replica in self._looked_at() if len(replica.queue) + replica.in_batch < self._shape.max_ongoing
        ]
        if free:
            replica = min(free, key=lambda each: len(each.queue) + each.in_batch)
            if self._is_too_long(replica.queue):
                self.totals.refused += 1
                return False
            replica.queue.append(done)
            self._begin(replica, now)
            return True
        if 0 <= self._shape.max_queued <= len(self._unassigned):
            self.totals.refused += 1
            return False
        self._unassigned.append(done)
        return True

    def _is_too_long(self, queue: deque[Event]) -> bool:
        """Whether an engine refuses another query, as ``deployments.serving.batching`` does."""
        each_s = self._work.query_s + self._work.base_s / self._shape.max_batch
        return len(queue) >= self._shape.max_batch and len(queue) * each_s >= QUEUE_S

    def scale(self, now: float) -> None:
        """One look of the policy, and what follows from it."""
        while self._recent and self._recent[0][0] < now - WINDOW_S:
            self._recent.popleft()
        running_s = sum(now - max(each.batch_began, now - WINDOW_S) for each in self.running if each.in_batch)
        spent = sum(seconds for _, seconds, _ in self._recent)
        queries = sum(count for _, _, count in self._recent)
        seen = Observation(
            now=now,
            replicas=self.target,
            busy=min(float(len(self.running)), (spent + running_s) / WINDOW_S),
            waiting=len(self._unassigned) + sum(len(replica.queue) for replica in self.running),
            service_s=spent / queries if queries else None,
        )
        decision = decide(self.rule, seen, self._memory)
        self.target, self._memory = decision.replicas, decision.memory
        self._follow(now)

    def account(self, seconds: float) -> None:
        """Count a stretch of time with the replicas there are."""
        self.totals.provided_s += len(self.running) * seconds

    def _looked_at(self) -> list[Replica]:
        if len(self.running) <= 2:
            return self.running
        return self._chance.sample(self.running, 2)

    def _follow(self, now: float) -> None:
        while len(self.running) + self._starting < self.target:
            machine = self._fleet.place(self._shape.cpu, self._shape.gpu, now)
            if machine is None:
                return
            self._starting += 1
            self._schedule(max(now, machine.ready_at) + self._work.start_s, partial(self._up, machine))
        while len(self.running) > self.target and not self._starting:
            # From the emptiest machine, as Serve does, so that it can be given back.
            leaving = max(self.running, key=lambda each: (each.machine.gpus, each.machine.cpus, -len(each.queue)))
            self.running.remove(leaving)
            leaving.draining = True
            if not leaving.in_batch:
                leaving.machine.give(self._shape.cpu, self._shape.gpu, now)

    def _up(self, machine: Machine, now: float) -> None:
        self._starting -= 1
        replica = Replica(machine)
        self.running.append(replica)
        self._feed(replica)
        self._begin(replica, now)

    def _feed(self, replica: Replica) -> None:
        room = self._shape.max_ongoing - len(replica.queue) - replica.in_batch
        for _ in range(min(room, len(self._unassigned))):
            replica.queue.append(self._unassigned.popleft())

    def _begin(self, replica: Replica, now: float) -> None:
        if replica.in_batch or not replica.queue:
            return
        batch = [replica.queue.popleft() for _ in range(min(self._shape.max_batch, len(replica.queue)))]
        seconds = self._work.base_s + self._work.query_s * len(batch)
        if (variance := self._work.spread**2) > 0:
            seconds *= self._chance.gammavariate(1 / variance, variance)
        replica.in_batch, replica.batch_began = len(batch), now
        self._schedule(now + seconds, lambda end: self._end(replica, batch, end))

    def _end(self, replica: Replica, batch: list[Event], now: float) -> None:
        seconds = now - replica.batch_began
        self._recent.append((now, seconds, len(batch)))
        self.totals.busy_s += seconds
        self.totals.queries += len(batch)
        self.totals.batches += 1
        replica.in_batch = 0
        if not replica.draining:
            self._feed(replica)
        elif not replica.queue:
            replica.machine.give(self._shape.cpu, self._shape.gpu, now)
        self._begin(replica, now)
        for done in batch:
            done(now)
