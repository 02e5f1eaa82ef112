"""The starter models in place: pulled when they are missing, and the sample gallery built from the sample photos."""

from __future__ import annotations

import subprocess
import sys

from registry import catalogue
from registry.errors import RegistryError
from registry.pull import pull
from registry.references import standing
from registry.store import FolderStore, Store
from serve_app.commands.terminal import console, download_progress
from serve_app.samples import installed_samples


def ensure_starter(store: Store) -> None:
    """Pull what is missing of the starter set and build the sample gallery. Raises ``RegistryError``."""
    for entry in catalogue.starter():
        with download_progress() as progress:
            pulled = pull(store, entry, progress=progress)
        if pulled.fetched:
            console.print(f"  pulled {pulled.version.ref}", highlight=False)
    ensure_gallery(store)


def ensure_gallery(store: Store) -> None:
    """Build the sample gallery where there are sample photos and no gallery yet. Raises ``RegistryError``."""
    # Into a shared store, galleries are published by those who keep them.
    has_one = any(manifest.task == "face-gallery" for manifest in standing(store))
    if has_one or not isinstance(store, FolderStore) or not installed_samples(store):
        return
    # Its own command does it: that room lies above this one and is found by name, not imported.
    command = [sys.executable, "-m", "serve_app", "gallery", "starter", "--store", str(store.root)]
    with console.status("Building the sample gallery…"):
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        lines = (outcome.stderr or outcome.stdout).strip().splitlines()
        raise RegistryError(f"The sample gallery could not be built: {lines[-1] if lines else 'no reason given'}")
    console.print("  built the sample gallery", highlight=False)
