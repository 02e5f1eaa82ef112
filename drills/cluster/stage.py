"""The studio that is drilled, in this process's own Ray, and the hands that kill parts of it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.ports import free_port
from drills.processes import below, resident_mb
from registry.publish import publish_folder
from registry.store import FolderStore
from serve_app.deployed import await_running
from serve_app.local import studio
from serve_app.settings import EngineLimits, Settings
from serve_app.topology import GRAPH
from serve_app.versions.live import application_of, deploy

REPLICA, CONTROLLER, PROXY = "ServeReplica:graph:", "ServeController", "ProxyActor"
MODELS = ("open-nsfw", "style-lean", "styles-classic", "fingerprint")
"""What moderates, paints and judges: small models, so that a machine of two cores can start a replica every 3 s."""


@dataclass(slots=True)
class Stage:
    """An open studio at ``url``; every process of it descends from this one."""

    url: str
    settings: Settings
    chance: random.Random = field(default_factory=random.Random)

    def processes(self, title: str) -> list[psutil.Process]:
        """The studio's processes whose title holds ``title``."""
        return below(psutil.Process(), title)

    def kill(self, title: str) -> bool:
        """SIGKILL to one of those processes, drawn by chance; whether there was one."""
        found = sorted(self.processes(title), key=lambda process: process.pid)
        if not found:
            return False
        try:
            self.chance.choice(found).kill()
        except psutil.NoSuchProcess:
            return False
        return True

    def deploy(self, import_path: str) -> None:
        """Serve the graph from there, as ``serve deploy`` would; returns when all of it runs."""
        deploy([application_of(GRAPH, self.settings).model_copy(update={"import_path": import_path})])
        await_running(GRAPH)

    def resident_mb(self) -> float:
        """Memory of Ray's workers together, in MiB."""
        return resident_mb(self.processes("ray::"))


@contextmanager
def stage(folder: Path, models: Path, replicas: Mapping[str, int], *, seed: int) -> Iterator[Stage]:
    """A studio on a small store of its own, with this many replicas of each deployment; closed when the block ends."""
    os.environ.update({"RAY_SERVE_LOG_TO_STDERR": "0", "OMP_NUM_THREADS": "1"})
    settings = Settings(
        port=free_port(),
        threads=1,
        data_dir=folder / "data",
        models_dir=_store(folder, models).root,
        engines={name: EngineLimits(replicas=count) for name, count in replicas.items()},
    )
    with studio(settings) as url:
        yield Stage(url, settings, random.Random(seed))


def _store(folder: Path, models: Path) -> FolderStore:
    source, store = FolderStore(models), FolderStore(folder / "models")
    for name in MODELS:
        version = source.get(name)
        publish_folder(store, version.manifest, version.folder)
    return store
