"""Machines that come when replicas find no room and go when they are idle, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from serve_app.fleet import HEAD, IDLE_MINUTES, NodeType

ROUNDING = 1e-9


@dataclass(eq=False, slots=True)
class Machine:
    """One machine from the moment it was ordered. Times are seconds of the simulation."""

    kind: NodeType
    ready_at: float
    cpus: float = field(init=False)
    gpus: float = field(init=False)
    idle_since: float | None = None

    def __post_init__(self) -> None:
        self.cpus, self.gpus = float(self.kind.cpus), float(self.kind.gpus)
        self.idle_since = self.ready_at

    def fits(self, cpus: float, gpus: float) -> bool:
        return self.cpus + ROUNDING >= cpus and self.gpus + ROUNDING >= gpus

    def take(self, cpus: float, gpus: float) -> None:
        self.cpus -= cpus
        self.gpus -= gpus
        self.idle_since = None

    def give(self, cpus: float, gpus: float, now: float) -> None:
        self.cpus += cpus
        self.gpus += gpus
        if self.cpus + ROUNDING >= self.kind.cpus and self.gpus + ROUNDING >= self.kind.gpus:
            self.idle_since = now


class Fleet:
    """All machines. A replica goes to the fullest that has room; GPUs are kept for those that need one."""

    def __init__(self, kinds: list[NodeType]) -> None:
        self._kinds = kinds
        self.machines = [Machine(kind, 0.0) for kind in kinds for _ in range(kind.min_workers)]
        self.usd: dict[str, float] = {HEAD.name: 0.0} | {kind.name: 0.0 for kind in kinds}

    def place(self, cpus: float, gpus: float, now: float) -> Machine | None:
        """Room for a replica, on a machine that is or will be there; None when every type is at its maximum."""
        fitting = [machine for machine in self.machines if machine.fits(cpus, gpus) and (gpus or not machine.kind.gpus)]
        machine = min(fitting, key=lambda each: (each.ready_at > now, each.gpus, each.cpus), default=None)
        if machine is None:
            machine = self._order(cpus, gpus, now)
        if machine is not None:
            machine.take(cpus, gpus)
        return machine

    def retire(self, now: float) -> None:
        """Give idle machines above the minimum back, the dearest first."""
        for machine in sorted(self.machines, key=lambda each: -each.kind.hourly_usd):
            idle = machine.idle_since is not None and now - machine.idle_since >= IDLE_MINUTES * 60
            if idle and sum(each.kind is machine.kind for each in self.machines) > machine.kind.min_workers:
                self.machines.remove(machine)

    def charge(self, seconds: float) -> None:
        """Pay for a stretch of time: machines cost from the moment they are ordered."""
        self.usd[HEAD.name] += HEAD.hourly_usd * seconds / 3600
        for machine in self.machines:
            self.usd[machine.kind.name] += machine.kind.hourly_usd * seconds / 3600

    def count(self) -> dict[str, int]:
        return {kind.name: sum(machine.kind is kind for machine in self.machines) for kind in self._kinds}

    def _order(self, cpus: float, gpus: float, now: float) -> Machine | None:
        counts = self.count()
        able = [
            kind for kind in self._kinds
            if kind.cpus >= cpus and kind.gpus >= gpus and bool(kind.gpus) == bool(gpus) and counts[kind.name] < kind.max_workers
        ]  # fmt: skip
        if not able:
            return None
        kind = max(able, key=lambda each: each.priority)
        machine = Machine(kind, now + kind.boot_s)
        self.machines.append(machine)
        return machine
