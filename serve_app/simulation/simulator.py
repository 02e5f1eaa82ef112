"""The events of a load: people come, their calls pass through the graph, replicas and machines follow."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from serve_app.scaling.policy import Rule
from serve_app.simulation.machines import Fleet
from serve_app.simulation.profile import FEATURES, LoadProfile, Stages
from serve_app.simulation.replicas import Event, Pool
from serve_app.topology import CLUSTER, Topology

LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """The state at one moment of the simulation, for plots. ``at`` is in seconds of the simulated stretch."""

    at: float
    rate: float
    replicas: dict[str, int]
    machines: dict[str, int]


@dataclass(slots=True)
class Outcome:
    """What came of it. ``latencies`` are seconds from request to answer by feature; ``usd`` by machine for the stretch.

    ``seconds`` of simulated time stand for ``hours`` of the profile; refused requests are counted by deployment.
    """

    hours: int
    seconds: float
    latencies: dict[str, list[float]] = field(default_factory=dict)
    by_hour: list[list[float]] = field(default_factory=list)
    refused: int = 0
    utilisation: dict[str, float] = field(default_factory=dict)
    mean_batch: dict[str, float] = field(default_factory=dict)
    usd: dict[str, float] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(len(times) for times in self.latencies.values()) + self.refused

    @property
    def usd_per_hour(self) -> float:
        return sum(self.usd.values()) / (self.seconds / 3600)


class Simulator:
    """One run. ``hour_s`` simulated seconds stand for each hour of the profile, its rate blending into the next's."""

    def __init__(self, profile: LoadProfile, *, hour_s: float, seed: int = 0, topology: Topology = CLUSTER) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a simulation has to be repeatable
        self._events: list[tuple[float, int, Event]] = []
        self._order = itertools.count()
        self._hour_s = hour_s
        self._rates = profile.rates()
        self._features = [name for name, share in profile.mix.items() if share]
        self._shares = [profile.mix[name] for name in self._features]
        self._fleet = Fleet(profile.fleet())
        used = {name for feature in self._features for stage in FEATURES[feature] for name in stage}
        self._pools: dict[str, Pool] = {}
        for name in (name for name in topology if name in used):
            shape, work = topology[name], profile.work[name]
            # What does not scale by a rule has a replica that does its work.
            usual = shape.scaling or Rule(1, 1, work.base_s + work.query_s)
            rule = replace(usual, **profile.range_of(name, topology)._asdict())
            self._pools[name] = Pool(shape, work, rule, self._fleet, self._at, self._chance)
        hours = len(self._rates)
        self.outcome = Outcome(hours, hours * hour_s, by_hour=[[] for _ in range(hours)])
        self.outcome.latencies = {feature: [] for feature in self._features}

    def run(self, progress: Callable[[float], None] = lambda _share: None) -> Outcome:
        """Until the last hour is over; requests still in flight then are not counted."""
        end = self.outcome.seconds
        self._at(0.0, self._look)
        self._arrive_after(0.0)
        told = 0.0
        while self._events and self._events[0][0] <= end:
            now, _, event = heapq.heappop(self._events)
            event(now)
            if now - told >= end / 100:
                told = now
                progress(now / end)
        for name, pool in self._pools.items():
            totals = pool.totals
            self.outcome.utilisation[name] = totals.busy_s / totals.provided_s if totals.provided_s else 0.0
            self.outcome.mean_batch[name] = totals.queries / totals.batches if totals.batches else 0.0
        self.outcome.usd = dict(self._fleet.usd)
        return self.outcome

    def rate(self, at: float) -> float:
        """Requests per second at a moment: straight lines between the middles of the hours."""
        position = at / self._hour_s - 0.5
        before = min(max(int(position // 1), 0), len(self._rates) - 1)
        after = min(before + 1, len(self._rates) - 1)
        part = min(max(position - before, 0.0), 1.0)
        return self._rates[before] * (1 - part) + self._rates[after] * part

    def _at(self, at: float, event: Event) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def _arrive_after(self, now: float) -> None:
        # Poisson arrivals by thinning: candidates at the highest rate, kept as the rate of their moment says.
        highest = max(self._rates)
        if highest <= 0:
            return
        at = now
        while True:
            at += self._chance.expovariate(highest)
            if at > self.outcome.seconds:
                return
            if self._chance.random() * highest <= self.rate(at):
                break
        self._at(at, self._arrive)

    def _arrive(self, now: float) -> None:
        (feature,) = self._chance.choices(self._features, self._shares)
        self._stage(feature, FEATURES[feature], now, now)
        self._arrive_after(now)

    def _stage(self, feature: str, stages: Stages, began: float, now: float) -> None:
        if not stages:
            self.outcome.latencies[feature].append(now - began)
            hour = min(int(began / self._hour_s), self.outcome.hours - 1)
            self.outcome.by_hour[hour].append(now - began)
            return
        waiting = len(stages[0])

        def done(at: float) -> None:
            nonlocal waiting
            waiting -= 1
            if waiting == 0:
                self._stage(feature, stages[1:], began, at)

        taken = [self._pools[name].submit(now, done) for name in stages[0]]
        if not all(taken):
            # Whatever the others answer, this request is over.
            waiting = -1
            self.outcome.refused += 1

    def _look(self, now: float) -> None:
        # The last look is at the very end, and stands for no time after it.
        seconds = min(LOOK_S, self.outcome.seconds - now)
        for pool in self._pools.values():
            pool.scale(now)
            pool.account(seconds)
        self._fleet.retire(now)
        self._fleet.charge(seconds)
        self.outcome.looks.append(
            Look(
                now,
                self.rate(now),
                {name: len(pool.running) for name, pool in self._pools.items()},
                self._fleet.count(),
            )
        )
        self._at(now + LOOK_S, self._look)
