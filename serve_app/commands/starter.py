"""The starter models in place: pulled when they are missing, and the sample gallery built from the sample photos."""

from __future__ import annotations

import subprocess
import sys

from registry import catalogue
from registry.errors import RegistryError
from registry.pull import pull
from registry.store import FolderStore, Store
from serve_app.commands.displaced import telling_what_goes
from serve_app.commands.terminal import console, download_progress
from serve_app.samples import installed_samples
from serve_app.selection import select
from serve_app.settings import Settings


def ensure_starter(store: Store) -> None:
    """Pull what is missing of the starter set and build the sample gallery. Raises ``RegistryError``."""
    with telling_what_goes(store):
        for entry in catalogue.starter():
            with download_progress() as progress:
                pulled = pull(store, entry, progress=progress)
            if pulled.fetched:
                console.print(f"  pulled {pulled.version.ref}", highlight=False)
        ensure_gallery(store)


def ensure_gallery(store: Store) -> None:
    """Build the sample gallery where there are sample photos and no gallery that serves. Raises ``RegistryError``."""
    # Into a shared store, galleries are published by those who keep them.
    if not isinstance(store, FolderStore) or not installed_samples(store):
        return
    try:
        if "lookalike" in select(store, Settings().models).chosen:
            return
    except RegistryError:
        # What the settings name is not here yet, or does not fit: the start says so, if it is so still.
        return
    # Its own command does it: that room lies above this one and is found by name, not imported.
    command = [sys.executable, "-m", "serve_app", "gallery", "starter", "--store", str(store.root)]
    with console.status("Building the sample gallery…"):
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        lines = (outcome.stderr or outcome.stdout).strip().splitlines()
        raise RegistryError(f"The sample gallery could not be built: {lines[-1] if lines else 'no reason given'}")
    console.print("  built the sample gallery", highlight=False)
