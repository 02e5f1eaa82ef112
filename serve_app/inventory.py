"""What is installed and what of it serves: the answer of ``/v1/models``, and the licences behind a result."""

from __future__ import annotations

from dataclasses import dataclass

from registry.manifest import Manifest
from registry.store import Store
from serve_app.contracts import Models, ModelState
from serve_app.selection import Selection


@dataclass(frozen=True, slots=True)
class Inventory:
    """The store seen together with the selection the graph was built from."""

    store: Store
    selection: Selection

    @property
    def missing(self) -> dict[str, str]:
        return self.selection.missing

    def models(self) -> Models:
        """Every installed version, newest last within a model."""
        serving = {
            ref: capability
            for capability, models in self.selection.chosen.items()
            for ref in (models.model, *models.extras)
        }
        entries = [
            self._state(manifest, serving.get(manifest.ref))
            for name in self.store.models()
            for manifest in (self.store.manifest(f"{name}@{version}") for version in self.store.versions(name))
        ]
        return Models(models=entries, missing=self.missing)

    def commercial_use(self, *refs: str) -> bool:
        """Whether every one of these versions, with what goes with it, may be used for money."""
        sets = {models.model: (models.model, *models.extras) for models in self.selection.chosen.values()}
        return all(
            self.store.manifest(ref).licence.commercial_use for named in refs for ref in sets.get(named, (named,))
        )

    @staticmethod
    def _state(manifest: Manifest, serves: str | None) -> ModelState:
        return ModelState(
            model=manifest.model,
            version=manifest.version,
            task=manifest.task,
            backend=manifest.backend,
            licence=manifest.licence.name,
            commercial_use=manifest.licence.commercial_use,
            embedding_space=manifest.embedding_space,
            memory_mb=manifest.memory_mb,
            serves=serves,
            metrics=dict(manifest.metrics),
        )
