"""What the store asks of the running graph: for every capability the versions its slots are to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deployments.slots import ModelSet, Plan, Role, Second
from registry.errors import BrokenVersion, RegistryError, StoreUnavailable, UnknownModelVersion
from registry.manifest import Manifest, parse_ref
from registry.routing import Routing
from registry.store import Store
from serve_app.selection import select
from serve_app.settings import ModelChoice

ReadManifest = Callable[[str], Manifest]
"""Gives the manifest of a full reference, and raises what the store raises. Versions never change: it may remember."""

BESIDE_STYLE = ("style-pack", "style-predictor")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version was not activated, and the routing under which that was; another routing is another try."""

    routing: Routing | None
    reason: str


@dataclass(slots=True)
class Desire:
    """``plans`` by capability, ``routings`` by model; ``unusable`` versions (``name@version``) with the reason."""

    plans: dict[str, Plan] = field(default_factory=dict)
    routings: dict[str, Routing | None] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)


def desired(
    store: Store,
    read: ReadManifest,
    wishes: ModelChoice,
    live: Mapping[str, Plan],
    refusals: Mapping[str, Refusal],
) -> Desire:
    """Follow the store from what is ``live``.

    Publishing alone moves nobody: a model without a routing stays at the version that serves, and what is newly
    installed is left out, what goes with a style network excepted. A moderator that is promoted joins the vote; of several
    that come or change at once one at a time, so that none is blamed for another. ``refusals`` (by ``name@version``) are left out as well while the
    routing they were met under stands. What cannot be read stays as it is. Raises ``RegistryError`` or ``OSError`` when
    the store cannot be listed at all, or goes away meanwhile.
    """
    desire = Desire()
    serving = dict(map(_pair, (ref for plan in live.values() for ref in plan.stable.refs)))
    stable: dict[str, str] = {}
    trials: dict[Role, dict[str, str]] = {"shadow": {}, "canary": {}}

    def usable(model: str, version: str) -> bool:
        """Whether it was not refused and its manifest can be read; anything else a replica finds out."""
        ref = f"{model}@{version}"
        refusal = refusals.get(ref)
        if refusal is not None and refusal.routing == desire.routings[model]:
            return False
        try:
            read(ref)
        except StoreUnavailable:
            # The network's fault, not the version's: nothing is decided until the store answers again.
            raise
        except (RegistryError, OSError) as error:
            desire.unusable[ref] = str(error)
            return False
        return True

    for model in store.models():
        versions = store.versions(model)
        desire.routings[model] = routing = store.routing(model)
        wanted = routing.stable if routing else serving.get(model) or (versions[-1] if versions else None)
        chosen = wanted if wanted and usable(model, wanted) else serving.get(model)
        if chosen is None or not (model in serving or follows(read(f"{model}@{chosen}").task, routing)):
            continue
        stable[model] = chosen
        if routing is not None and routing.trial is not None and usable(model, routing.trial):
            trials["canary" if routing.canary else "shadow"][model] = routing.trial

    refused = {ref for ref, refusal in refusals.items() if refusal.routing == desire.routings.get(_pair(ref)[0])}

    def selected(pins: Mapping[str, str]) -> dict[str, ModelSet]:
        try:
            return select(_View(store, read, pins, refused, desire.routings), wishes).chosen
        except StoreUnavailable:
            raise
        except RegistryError:
            # A version named in the settings that does not fit the others: what serves goes on.
            return {}

    base = selected(stable)
    for ref in _latecomers(base, live):
        model = _pair(ref)[0]
        if model in serving:
            stable[model] = serving[model]
        else:
            del stable[model]
        trials = {role: {name: pin for name, pin in pins.items() if name != model} for role, pins in trials.items()}
        base = selected(stable)
    tried = {role: selected(stable | pins) for role, pins in trials.items() if pins}
    for capability, plan in live.items():
        models = base.get(capability, plan.stable)
        second: Second | None = None
        for role, other in ((role, sets[capability]) for role, sets in tried.items() if capability in sets):
            if other != models:
                second = Second(other, role, _percent(other, models, desire.routings))
        desire.plans[capability] = Plan(models, second)
    held = (models for plan in desire.plans.values() for models in (plan.stable, plan.beside) if models is not None)
    used = {ref for models in held for ref in models.refs}
    for model, version in [*stable.items(), *(pin for pins in trials.values() for pin in pins.items())]:
        if model in serving and f"{model}@{version}" not in used and version != serving[model]:
            why = _misfit(read(f"{model}@{version}"), desire.plans, read) or (
                "what it needs beside it (style packs made for its weights, a backend's packages) is not installed, the "
                "settings name another version, or a canary is there already"
            )
            desire.unusable[f"{model}@{version}"] = (
                f"{model}@{version} cannot take the place of {model}@{serving[model]}: {why}"
            )
    return desire


def follows(task: str, routing: Routing | None) -> bool:
    """Whether a running graph takes up a model that it was started without."""
    return task in BESIDE_STYLE or (task == "moderation" and routing is not None)


def _latecomers(base: Mapping[str, ModelSet], live: Mapping[str, Plan]) -> list[str]:
    """Of the voters that would be new, those that wait for the first of them."""
    if "moderation" not in base or "moderation" not in live:
        return []
    voting = live["moderation"].stable.refs
    return [ref for ref in base["moderation"].refs if ref not in voting][1:]


def _misfit(manifest: Manifest, plans: Mapping[str, Plan], read: ReadManifest) -> str | None:
    """Why a pack or a predictor cannot stand beside the style network that serves; None where that is not it."""
    if manifest.task not in BESIDE_STYLE or (painting := plans.get("style")) is None:
        return None
    try:
        network = read(painting.stable.model)
    except (BrokenVersion, UnknownModelVersion):
        return None
    if manifest.requires.get(network.model) in {entry.sha256 for entry in network.files}:
        return None
    return f"it was made for other weights than those of {network.ref}"


def _percent(tried: ModelSet, stable: ModelSet, routings: Mapping[str, Routing | None]) -> float:
    """The share of what is tried; of several that are tried at once the least, which nobody is exposed beyond."""
    shares = [
        routing.percent if routing.canary else routing.sample * 100
        for name, version in map(_pair, set(tried.refs) - set(stable.refs))
        if (routing := routings.get(name)) is not None and routing.trial == version
    ]
    return min(shares, default=0.0)


def _pair(ref: str) -> tuple[str, str]:
    model, version = parse_ref(ref)
    return model, version or ""


@dataclass(frozen=True, slots=True)
class _View:
    """The store as it would be if ``pins`` were all the stable versions there are, and ``refused`` ones did not exist."""

    store: Store
    read: ReadManifest
    pins: Mapping[str, str]
    refused: set[str]
    routings: Mapping[str, Routing | None]

    @property
    def where(self) -> str:
        return self.store.where

    def models(self) -> list[str]:
        return sorted(self.pins)

    def versions(self, model: str) -> list[str]:
        return [version for version in self.store.versions(model) if f"{model}@{version}" not in self.refused]

    def routing(self, model: str) -> Routing | None:
        return self.routings.get(model)

    def manifest(self, ref: str) -> Manifest:
        model, version = parse_ref(ref)
        if version in {None, "stable"}:
            if model not in self.pins:
                raise RegistryError(f"{model} serves nothing here")
            version = self.pins[model]
        return self.read(f"{model}@{version}")
