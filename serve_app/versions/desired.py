"""What the store asks of the running graph: for every capability the versions its slots are to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployments.slots import ModelSet, Plan, Second
from registry.errors import RegistryError
from registry.manifest import Manifest, ModelVersion, parse_ref
from registry.routing import Routing
from registry.store import Store
from serve_app.selection import select
from serve_app.settings import ModelChoice


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version was not activated, and the routing under which that was; another routing is another try."""

    routing: Routing | None
    reason: str


@dataclass(slots=True)
class Desire:
    """``plans`` by capability; ``routings`` of the models they are made of; ``problems`` by model, in words."""

    plans: dict[str, Plan] = field(default_factory=dict)
    routings: dict[str, Routing | None] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def desired(
    store: Store, wishes: ModelChoice, live: Mapping[str, Plan], refusals: Mapping[str, Refusal]
) -> Desire:
    """Follow the store from what is ``live``.

    Publishing alone moves nobody: a model without a routing stays at the version that serves, and what is newly
    installed is left out, style packs excepted. ``refusals`` (by ``name@version``) are left out as well while the
    routing they were met under stands. A model the store cannot read stays as it is.
    """
    desire = Desire()
    serving = {name: version for plan in live.values() for name, version in map(_pair, plan.stable.refs)}
    stable: dict[str, str] = {}
    trials: dict[str, dict[str, str]] = {"canary": {}, "shadow": {}}
    manifests: dict[str, Manifest] = {}

    def usable(model: str, version: str) -> bool:
        """Whether its manifest can be read, which it must before anybody is asked to load it."""
        ref = f"{model}@{version}"
        refusal = refusals.get(ref)
        if refusal is not None and refusal.routing == desire.routings[model]:
            desire.problems[model] = refusal.reason
            return False
        try:
            manifests[ref] = store.manifest(ref)
        except (RegistryError, OSError) as error:
            desire.problems[model] = str(error)
            return False
        return True

    for model in store.models():
        try:
            desire.routings[model] = routing = store.routing(model)
            versions = store.versions(model)
        except (RegistryError, OSError) as error:
            desire.routings[model], desire.problems[model] = None, str(error)
            routing, versions = None, []
        wanted = routing.stable if routing else serving.get(model) or (versions[-1] if versions else None)
        for version in (wanted, serving.get(model)):
            if version is not None and usable(model, version):
                stable[model] = version
                break
        if model not in stable or (model not in serving and manifests[f"{model}@{stable[model]}"].task != "style-pack"):
            stable.pop(model, None)
            continue
        if routing is not None and routing.trial is not None and usable(model, routing.trial):
            trials["canary" if routing.canary else "shadow"][model] = routing.trial
    chosen = _chosen(wishes, stable, manifests, live)
    tried = {role: _chosen(wishes, stable | pins, manifests, live) if pins else {} for role, pins in trials.items()}
    for capability, models in chosen.items():
        second: Second | None = None
        for role in ("shadow", "canary"):
            other = tried[role].get(capability, models)
            if other != models:
                second = Second(other, role, _percent(other, models, desire.routings))  # type: ignore[arg-type]
        desire.plans[capability] = Plan(models, second)
    return desire


def _chosen(
    wishes: ModelChoice, pins: Mapping[str, str], manifests: Mapping[str, Manifest], live: Mapping[str, Plan]
) -> dict[str, ModelSet]:
    """The selection if exactly these versions were installed; a capability it cannot make stays as it is."""
    try:
        selected = select(_View(pins, manifests), wishes).chosen
    except RegistryError:
        # A version named in the settings that nobody serves any more: what serves goes on.
        selected = {}
    return {capability: selected.get(capability, plan.stable) for capability, plan in live.items()}


def _percent(tried: ModelSet, stable: ModelSet, routings: Mapping[str, Routing | None]) -> float:
    shares = [
        routing.percent if routing.canary else routing.sample * 100
        for name, _ in map(_pair, set(tried.refs) - set(stable.refs))
        if (routing := routings.get(name)) is not None
    ]
    return max(shares, default=0.0)


def _pair(ref: str) -> tuple[str, str]:
    model, version = parse_ref(ref)
    return model, version or ""


@dataclass(frozen=True, slots=True)
class _View:
    """A store that holds one version of each model, and only its manifest."""

    pins: Mapping[str, str]
    manifests: Mapping[str, Manifest]

    def models(self) -> list[str]:
        return sorted(self.pins)

    def get(self, ref: str) -> ModelVersion:
        model, version = parse_ref(ref)
        if version in {None, "stable"}:
            version = self.pins.get(model)
        manifest = self.manifests.get(f"{model}@{version}")
        if manifest is None:
            raise RegistryError(f"{ref} is not among the versions that may serve")
        return ModelVersion(manifest, Path())
