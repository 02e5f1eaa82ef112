"""Whether a version may be staged beside the active one: of its kind, and small enough for both to fit."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.memory import available_mb
from deployments.runtime import Runtime
from deployments.serving.examination import Unfit
from registry.manifest import Manifest

# What requests in flight, the allocator and the neighbours may still need while two versions are loaded.
RESERVE_MB = 256


def check_kind(candidate: Manifest, active: Manifest) -> None:
    """Raise :class:`Unfit` unless ``candidate`` does the same work in the same vector space as ``active``."""
    if candidate.task != active.task:
        raise Unfit(f"it is a {candidate.task} model, and this place is for {active.task} models")
    if candidate.embedding_space != active.embedding_space:
        raise Unfit(
            f"its vectors lie in {candidate.embedding_space or 'no space'}, those in use in "
            f"{active.embedding_space or 'no space'}; changing the space takes a new deployment, galleries included"
        )


def check_memory(
    candidate: Sequence[Manifest], active: Sequence[Manifest], runtime: Runtime, free_mb: float | None = None
) -> None:
    """Raise :class:`Unfit` when the budget would not hold ``candidate`` beside ``active``.

    The budget is what the machine, or the container, has left (``free_mb``, asked of the system unless given), through
    which the weights go to a GPU as well; there it is the deployment's share of the card besides.
    """
    needed = sum(map(need_mb, candidate))
    if runtime.device == "cuda" and runtime.memory_mb:
        held = sum(map(need_mb, active))
        if needed + held > runtime.memory_mb:
            raise Unfit(
                f"it needs {needed:.0f} MB beside the active version's {held:.0f} MB, and this deployment's share of "
                f"the GPU is {runtime.memory_mb} MB"
            )
    free_mb = available_mb() if free_mb is None else free_mb
    if free_mb is not None and needed + RESERVE_MB > free_mb:
        raise Unfit(
            f"it needs {needed:.0f} MB of memory and {RESERVE_MB} MB are kept free, but only {free_mb:.0f} MB are left"
        )


def need_mb(manifest: Manifest) -> float:
    """What a version takes when loaded, in MiB: as its manifest says, else the size of its files."""
    return manifest.memory_mb or sum(entry.size for entry in manifest.files) / 2**20
