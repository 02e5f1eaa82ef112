"""Metrics by model and version, through Ray's own exporter (Prometheus names start with ``ray_masquerade_``)."""

from __future__ import annotations

import threading
from typing import Literal

from ray.util.metrics import Counter, Gauge, Histogram

from deployments.slots import ModelSet, SlotStatus
from registry.manifest import parse_ref

Phase = Literal["queue", "decode", "infer", "encode"]

_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
_VERSION = ("capability", "model", "version")

_PLACES = ("active", "canary", "shadow", "staging")


class SlotMetrics:
    """The metrics of one replica's slot, told by its event loop and by the thread that stages versions."""

    def __init__(self, capability: str) -> None:
        self._capability = capability
        self._requests = Counter("masquerade_model_requests", "Answered or failed requests.", (*_VERSION, "outcome"))
        self._phases = Histogram(
            "masquerade_model_phase_seconds", "Time in the queue, decoding, inferring, encoding.", _SECONDS,
            (*_VERSION, "phase"),
        )  # fmt: skip
        self._held = Gauge(
            "masquerade_model_held", "1 for each place a version holds in a replica.", (*_VERSION, "place")
        )
        self._swaps = Histogram(
            "masquerade_model_swap_seconds", "From a new configuration to its versions in place.", _SECONDS,
            ("capability", "outcome"),
        )  # fmt: skip
        self._places: dict[str, str] = {}
        self._placing = threading.Lock()

    def request(self, model: str, *, failed: bool) -> None:
        """One request that ``model`` (``name@version``) answered or failed to."""
        self._requests.inc(1, self._tags(model) | {"outcome": "failed" if failed else "answered"})

    def phase(self, model: str, phase: Phase, seconds: float) -> None:
        """Time one request, or one batch, spent in a phase."""
        self._phases.observe(seconds, self._tags(model) | {"phase": phase})

    def swapped(self, seconds: float, *, refused: bool) -> None:
        """A configuration that took hold, or did not."""
        self._swaps.observe(seconds, {"capability": self._capability, "outcome": "refused" if refused else "swapped"})

    def places(self, status: SlotStatus) -> None:
        """Which versions hold which place now."""
        held: dict[str, ModelSet | None] = dict.fromkeys(_PLACES)
        held["active"], held["staging"] = status.active, status.staging
        if status.second is not None:
            held[status.second.role] = status.second.models
        now = {place: models.model for place, models in held.items() if models is not None}
        with self._placing:
            for place, model in self._places.items():
                if now.get(place) != model:
                    self._held.set(0, self._tags(model) | {"place": place})
            for place, model in now.items():
                self._held.set(1, self._tags(model) | {"place": place})
            self._places = now

    def _tags(self, ref: str) -> dict[str, str]:
        model, version = parse_ref(ref)
        return {"capability": self._capability, "model": model, "version": version or ""}
