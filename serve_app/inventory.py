"""What is installed and what of it serves: the answer of ``/v1/models``, and the licences behind a result."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Mapping

from deployments.serving.traffic import Traffic, total
from deployments.serving.trials import together
from deployments.slots import Plan
from deployments.swap.artworks import ArtworkGallery
from registry.errors import RegistryError
from registry.manifest import Manifest, parse_ref
from registry.store import Store
from serve_app.selection import Selection, select
from serve_app.settings import Settings, absolute
from serve_app.versions.coordinator import State
from serve_app.versions.documents import ModelRouting, Models, ModelState, Standing, TrialState

log = logging.getLogger(__name__)


def artworks_of(settings: Settings) -> ArtworkGallery | None:
    """The gallery of works of art, where there is one. Raises ``GalleryError`` when it cannot be used."""
    folder = settings.artworks_dir
    return None if folder is None else ArtworkGallery.load(absolute(folder))


def inventory_of(settings: Settings) -> Inventory:
    """What is installed, and what of it serves, without a graph. Raises ``RegistryError`` for a wish not installed."""
    store = settings.model_store.open()
    return Inventory(store, select(store, settings.models))


class Inventory:
    """The store seen together with the selection the graph was built from, and what has come to serve since."""

    def __init__(self, store: Store, selection: Selection) -> None:
        self.store = store
        self.selection = selection
        self.missing = selection.missing
        self._plans: Mapping[str, Plan] = {name: Plan(models) for name, models in selection.chosen.items()}
        # Versions never change, and this is asked with every answer.
        self._manifest = functools.cache(store.manifest)

    def follow(self, plans: Mapping[str, Plan]) -> None:
        """These are the versions that serve now, by capability; none where nobody can say yet.

        Reads what is said of them, so that nobody who asks for the licence of a result waits for the store.
        """
        for ref in _held(plans):
            with contextlib.suppress(RegistryError, OSError):
                self._manifest(ref)
        self._plans = plans or self._plans

    def models(self, state: State | None = None) -> Models:
        """Every installed version, newest last within a model; ``state`` is what the coordinator saw last."""
        plans = state.plans if state is not None and state.plans else self._plans
        held = _held(plans)
        traffic = _traffic(state)
        entries: list[ModelState] = []
        routings: list[ModelRouting] = []
        for name in self.store.models():
            routing = self.store.routing(name)
            aliases = routing.aliases() if routing is not None else {}
            if routing is not None and (audit := self.store.audit(name)):
                routings.append(ModelRouting.of(name, routing, audit[-1]))
            for version in self.store.versions(name):
                ref = f"{name}@{version}"
                try:
                    entry = _entry(self._manifest(ref))
                except RegistryError as error:
                    entry = _unreadable(name, version, str(error))
                entry.serves, standing = held.get(ref, _IDLE)
                entry.aliases = [alias for alias, named in aliases.items() if named == version]
                if entry.state != "refused":
                    entry.state = standing
                if state is not None:
                    _add_live(entry, ref, state, traffic.get(ref))
                entries.append(entry)
        return Models(
            models=entries,
            missing=self.missing,
            routings=routings,
            trials=[] if state is None else _trials(state),
            coordinated=state is not None and bool(state.plans),
        )

    def commercial_use(self, *refs: str) -> bool:
        """Whether every one of these versions, with what goes with it, may be used for money.

        A licence that cannot be read allows nothing, and costs nobody a result.
        """
        try:
            return all(self._manifest(ref).licence.commercial_use for named in refs for ref in self._with_extras(named))
        except (RegistryError, OSError) as error:
            log.warning("a licence could not be read: %s", error)
            return False

    def _with_extras(self, ref: str) -> tuple[str, ...]:
        """``ref`` and what it is served with. A version that took over a moment ago is served with the same."""
        plans = self._plans.values()
        sets = [models for plan in plans for models in (plan.stable, plan.beside) if models is not None]
        if exact := next((models for models in sets if models.model == ref), None):
            return exact.refs
        name = parse_ref(ref)[0]
        kin = next((models for models in sets if parse_ref(models.model)[0] == name), None)
        return (ref, *(kin.extras if kin is not None else ()))


_IDLE: tuple[str | None, Standing] = (None, "idle")


def _held(plans: Mapping[str, Plan]) -> dict[str, tuple[str | None, Standing]]:
    """The capability and the standing of every version that ``plans`` name."""
    held: dict[str, tuple[str | None, Standing]] = {}
    for capability, plan in plans.items():
        if plan.second is not None:
            held |= dict.fromkeys(plan.second.models.refs, (capability, plan.second.role))
        held |= dict.fromkeys(plan.stable.refs, (capability, "active"))
    return held


def _traffic(state: State | None) -> dict[str, Traffic]:
    reports = state.reports if state is not None else {}
    return total([report.traffic for replicas in reports.values() for report in replicas])


def _add_live(entry: ModelState, ref: str, state: State, traffic: Traffic | None) -> None:
    slots = [report.slot for replicas in state.reports.values() for report in replicas]
    loaded = [models.refs for slot in slots for models in (slot.active, slot.beside) if models is not None]
    entry.replicas = sum(ref in refs for refs in loaded)
    if (reason := state.errors.get(ref)) is not None and entry.state == "idle":
        entry.state, entry.reason = "refused", reason
    if traffic is not None:
        entry.requests, entry.failed = traffic.requests, traffic.failed
        entry.p95_ms = round(traffic.p95_s * 1000, 1)


def _trials(state: State) -> list[TrialState]:
    seen = (
        (capability, together([report.trial for report in reports])) for capability, reports in state.reports.items()
    )
    return [TrialState.of(capability, trial) for capability, trial in seen if trial is not None]


def _entry(manifest: Manifest) -> ModelState:
    return ModelState(
        model=manifest.model,
        version=manifest.version,
        task=manifest.task,
        backend=manifest.backend,
        licence=manifest.licence.name,
        commercial_use=manifest.licence.commercial_use,
        embedding_space=manifest.embedding_space,
        memory_mb=manifest.memory_mb,
        serves=None,
        metrics=dict(manifest.metrics),
    )


def _unreadable(model: str, version: str, reason: str) -> ModelState:
    return ModelState(
        model=model, version=version, task="", backend="", licence="", commercial_use=False, embedding_space=None,
        memory_mb=0, serves=None, metrics={}, state="refused", reason=reason,
    )  # fmt: skip
