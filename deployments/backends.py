"""The backends that read the model versions of one task, by the name that a manifest gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Generic, TypeVar

from deployments.runtime import Runtime
from registry.manifest import Manifest, ModelVersion, Task

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backends(Generic[T]):
    """``known`` are, by their names, what opens a version, and the packages it takes beyond those that are always there."""

    task: Task
    known: Mapping[str, tuple[Callable[[ModelVersion, Runtime], T], tuple[str, ...]]]

    def runnable(self, offered: Iterable[Manifest]) -> list[Manifest]:
        """Those of the task whose backend is known and has its packages installed: what :meth:`open` can take."""
        return [
            manifest
            for manifest in offered
            if manifest.task == self.task
            and manifest.backend in self.known
            and all(find_spec(package) for package in self.known[manifest.backend][1])
        ]

    def check(self, manifest: Manifest) -> None:
        """Raise ``ValueError`` where the version's backend is not known."""
        if manifest.backend not in self.known:
            said = f"the backend {manifest.backend!r}, unknown here" if manifest.backend else "no backend"
            raise ValueError(
                f"{manifest.ref} has {said}; {self.task} models are read by one of: {', '.join(sorted(self.known))}"
            )

    def open(self, version: ModelVersion, runtime: Runtime) -> T:
        """What reads the version.

        Raises ``ValueError`` for an unknown backend, ``ImportError`` when its packages are not installed, and whatever
        loading the files raises.
        """
        self.check(version.manifest)
        return self.known[version.manifest.backend][0](version, runtime)
