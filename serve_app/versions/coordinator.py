"""Brings the running graph to what the store asks for, and takes back what does not hold.

One :meth:`Coordinator.step` looks at the store, the live configuration and every replica, and does at most one thing to
each capability. It keeps nothing that matters in memory: whoever takes over after a crash reads the same three places.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from deployments.serving.traffic import Traffic, total
from deployments.serving.trials import together
from deployments.serving.user_config import UserConfig
from deployments.slots import ModelSet, Plan, Second
from registry import promotions
from registry.errors import Conflict, RegistryError, StoreUnavailable
from registry.manifest import parse_ref
from registry.routing import Routing
from registry.store import Store
from serve_app.settings import ModelChoice
from serve_app.versions.bars import Bars
from serve_app.versions.desired import Desire, Refusal, desired
from serve_app.versions.steps import Apply, Refuse, Wait, next_step

if TYPE_CHECKING:
    # It brings Ray with it, which reads its environment when it is imported; commands set that first.
    from deployments.serving.types import Report

log = logging.getLogger(__name__)

STUDIO = "studio"
"""Who the audit trail names when nobody asked."""

STAGING_LIMIT_S = 600.0


class Live(Protocol):
    """The live configuration; see :class:`serve_app.versions.live.LiveConfig`."""

    async def user_configs(self) -> Mapping[str, Mapping[str, Any]]: ...

    async def apply(self, user_configs: Mapping[str, Mapping[str, Any]]) -> None: ...

    async def replicas(self) -> Mapping[str, tuple[int, int]]: ...


@dataclass(slots=True)
class _Promoted:
    """A version that took over lately, or joined: what went before it and how that had fared."""

    before: ModelSet
    traffic: Traffic
    since: float
    joined: bool


@dataclass(slots=True)
class State:
    """What the last step saw. ``plans`` and ``reports`` are by capability, ``errors`` by version."""

    plans: dict[str, Plan] = field(default_factory=dict)
    reports: dict[str, list[Report]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)


class Coordinator:
    """Looks after the versions of one graph. For one event loop; only one may be at work on a graph."""

    def __init__(
        self,
        store: Store,
        wishes: ModelChoice,
        built: Mapping[str, Plan],
        deployments: Mapping[str, str],
        live: Live,
        ask: Callable[[str], Awaitable[list[Report]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``built`` are the plans the code was deployed with, ``deployments`` the capabilities' Serve names.

        ``ask`` gives the reports of all replicas of a capability.
        """
        self._store = store
        self._wishes = wishes
        self._built = built
        self._deployments = deployments
        self._live = live
        self._ask = ask
        self._bars = Bars()
        self._clock = clock
        self._manifest = functools.cache(store.manifest)
        self._refusals: dict[str, Refusal] = {}
        self._unwritten: set[str] = set()
        self._staged_since: dict[str, tuple[Plan, float]] = {}
        self._promoted: dict[str, _Promoted] = {}
        self.state = State()

    async def step(self) -> bool:
        """Look and act once; whether there is more to do at once."""
        live = await self._plans()
        desire: Desire = await asyncio.to_thread(
            desired, self._store, self._manifest, self._wishes, live, dict(self._refusals)
        )
        self.state.plans = live
        await asyncio.to_thread(self._write_refusals, desire.routings)
        reports = {capability: await self._ask(capability) for capability in live}
        self.state.reports = reports
        for ref, reason in desire.unusable.items():
            await asyncio.to_thread(self._refuse, {ref}, desire.routings, reason)
        if desire.unusable:
            return True
        moving = {name for name in live if live[name] != desire.plans[name]}
        arrived = {name: plan for name, plan in live.items() if name not in moving}
        if await asyncio.to_thread(self._judge, arrived, reports, desire.routings):
            return True
        silent = {name for name in live if not reports[name]}
        counts = await self._live.replicas() if moving or silent else {}
        # Where no replica runs, versions are staged and no more: the next replica starts with the proven version and
        # tries the new one beside it. Were the new one stable already and bad, no replica could answer.
        resting = {name for name in silent if counts.get(self._deployments[name], (0, 0))[1] == 0}
        for capability in resting:
            self._staged_since.pop(capability, None)
        changes = await self._changes(live, desire, reports, counts)
        if changes:
            await self._live.apply(
                {self._deployments[name]: UserConfig.of(plan).document() for name, plan in changes.items()}
            )
            for capability, plan in changes.items():
                self._note(capability, live[capability], plan, reports[capability], desire.routings)
        # A replica that takes on a configuration says nothing for a moment.
        return bool(changes or (moving | silent) - resting) or any(
            report.slot.active != plan.stable and report.slot.refused is None
            for name, plan in live.items()
            for report in reports[name]
        )

    async def _changes(
        self,
        live: Mapping[str, Plan],
        desire: Desire,
        reports: Mapping[str, list[Report]],
        counts: Mapping[str, tuple[int, int]],
    ) -> dict[str, Plan]:
        """What to configure next, by capability; those that cannot go on are refused, and those that wait are noted."""
        changes: dict[str, Plan] = {}
        self.state.waiting = {}
        for capability, plan in live.items():
            running, there = counts.get(self._deployments[capability], (0, 0))
            settled = running == there == len(reports[capability])
            statuses = [report.slot for report in reports[capability]]
            step = next_step(plan, desire.plans[capability], statuses, settled=settled)
            if isinstance(step, Wait) and statuses and self._late(capability, plan):
                step = Refuse(step.models, f"not every replica had it ready within {STAGING_LIMIT_S:.0f} s")
            match step:
                case Apply(plan=new):
                    changes[capability] = new
                case Refuse(models=models, reason=reason):
                    blamed = _blamed(models, plan.stable)
                    # A slot speaks in the name of its network; the reason is shown beside what is to blame.
                    reason = reason.removeprefix(f"{models.model}: ")
                    await asyncio.to_thread(self._refuse, blamed, desire.routings, reason)
                    # Its memory is freed for the next candidate before anything else is decided.
                    changes[capability] = Plan(plan.stable)
                case Wait(models=models):
                    self.state.waiting[capability] = models.model
                case None:
                    self._staged_since.pop(capability, None)
        return changes

    async def _plans(self) -> dict[str, Plan]:
        """What every capability is configured to hold now; by the code where the configuration says nothing."""
        configured = await self._live.user_configs()
        plans: dict[str, Plan] = {}
        for capability, built in self._built.items():
            document = configured.get(self._deployments[capability])
            plans[capability] = UserConfig.model_validate(document).plan if document else built
        return plans

    def _note(
        self,
        capability: str,
        old: Plan,
        new: Plan,
        reports: Sequence[Report],
        routings: Mapping[str, Routing | None],
    ) -> None:
        if new.stable == old.stable:
            return
        log.info("%s: %s takes over from %s", capability, new.stable.model, old.stable.model)
        self._promoted.pop(capability, None)
        for ref in new.stable.refs:
            self.state.errors.pop(ref, None)
            self._refusals.pop(ref, None)
        changed = [parse_ref(ref)[0] for ref in set(new.stable.refs) - set(old.stable.refs)]
        voted = {parse_ref(ref)[0] for ref in old.stable.refs}
        joined = capability == "moderation" and any(model not in voted for model in changed)
        decided = (routings.get(model) for model in changed)
        if joined or any(routing is not None and routing.previous is not None for routing in decided):
            # After a rollback there is no previous version to go back to, so nothing to watch for.
            now_and_before = new.stable.unlike(old.stable)
            seen = total([report.traffic for report in reports])
            before = seen.get(now_and_before[1], Traffic()) if now_and_before else Traffic()
            self._promoted[capability] = _Promoted(old.stable, before, self._clock(), joined)

    def _late(self, capability: str, plan: Plan) -> bool:
        staged, since = self._staged_since.get(capability, (None, 0.0))
        if staged != plan:
            self._staged_since[capability] = (plan, self._clock())
            return False
        return self._clock() - since > STAGING_LIMIT_S

    def _judge(
        self, live: Mapping[str, Plan], reports: Mapping[str, list[Report]], routings: Mapping[str, Routing | None]
    ) -> bool:
        """Take back what is under its bars; whether anything was."""
        fallen = False
        for capability, plan in live.items():
            if plan.second is not None:
                reason = self._why_not(capability, plan.second, plan.stable, reports[capability])
                fallen |= self._take_back(plan.second.models, plan.stable, routings, reason)
            promoted = self._promoted.get(capability)
            if promoted is None:
                continue
            if self._clock() - promoted.since > self._bars.watch_s:
                del self._promoted[capability]
            elif (changed := plan.stable.unlike(promoted.before)) is not None:
                traffic = total([report.traffic for report in reports[capability]])
                own = traffic.get(changed[0], Traffic())
                reason = self._bars.after(self._clock() - promoted.since, own, promoted.traffic, joined=promoted.joined)
                if reason is not None:
                    del self._promoted[capability]
                fallen |= self._take_back(plan.stable, promoted.before, routings, reason)
        return fallen

    def _why_not(self, capability: str, tried: Second, stable: ModelSet, reports: Sequence[Report]) -> str | None:
        """Why what stands beside ``stable`` is under its bars, or None."""
        reason: str | None = None
        if tried.role == "canary" and (changed := tried.models.unlike(stable)) is not None:
            traffic = total([report.traffic for report in reports])
            own, other = (traffic.get(ref, Traffic()) for ref in changed)
            reason = self._bars.against(own, other)
        trial = together([report.trial for report in reports])
        if reason is None and trial is not None:
            reason = self._bars.beside(trial, verdicts=capability == "moderation")
        return reason

    def _take_back(
        self, models: ModelSet, instead: ModelSet, routings: Mapping[str, Routing | None], reason: str | None
    ) -> bool:
        if reason is not None:
            self._refuse(_blamed(models, instead), routings, f"taken back: {reason}")
        return reason is not None

    def _refuse(self, refs: set[str], routings: Mapping[str, Routing | None], reason: str) -> None:
        """Remember why, and write the decision into the store where the store asked for the version."""
        for ref in refs:
            # In one line, without the version's name, which is always shown beside it.
            reason = " ".join(reason.split()).removeprefix(f"{ref}: ")
            self.state.errors[ref] = reason
            routing = routings.get(parse_ref(ref)[0])
            log.warning("%s: %s", ref, reason)
            # It holds while the routing stays the same. A routing that asks for the version is changed as well.
            self._refusals[ref] = Refusal(routing, reason)
            self._write(ref, routing)

    def _write_refusals(self, routings: Mapping[str, Routing | None]) -> None:
        """Write down what could not be written when it was decided, because the store was away."""
        for ref in [ref for ref in self._unwritten if ref in self._refusals]:
            routing = routings.get(parse_ref(ref)[0])
            if routing == self._refusals[ref].routing:
                self._write(ref, routing)

    def _write(self, ref: str, routing: Routing | None) -> None:
        """Decide against a refused version in the store, if ``routing`` asks for it; kept in mind until that is done."""
        model, version = parse_ref(ref)
        self._unwritten.discard(ref)
        if routing is None or version not in routing.active:
            return
        reason = self._refusals[ref].reason
        try:
            if routing.shadow == version:
                promotions.shadow(self._store, model, None, 0.0, by=STUDIO, why=reason, expect=routing)
            else:
                promotions.rollback(self._store, model, by=STUDIO, why=reason, expect=routing)
            del self._refusals[ref]
        except Conflict:
            log.info("%s was changed meanwhile", model)
            del self._refusals[ref]
        except (StoreUnavailable, OSError) as error:
            log.warning("the refusal of %s could not be written yet: %s", ref, error)
            self._unwritten.add(ref)
        except RegistryError as error:
            # There may be no version to go back to. The refusal stays in memory: no other try under this routing.
            log.warning("the refusal of %s cannot be written: %s", ref, error)


def _blamed(models: ModelSet, instead: ModelSet) -> set[str]:
    """Of ``models`` what did not hold: what is not in ``instead``, but of a network that is not, the network alone.

    Its packs only followed it. Nobody decides on those, so a refusal of theirs would never lapse, and keep every other
    version that is made of the same weights from serving.
    """
    new = set(models.refs) - set(instead.refs)
    return {models.model} if models.model in new else new
