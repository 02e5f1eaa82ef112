"""Who sees a canary: always the same people, chosen by a hash that every replica computes alike."""

from __future__ import annotations

import hashlib


def bucket(visitor: str, model: str) -> float:
    """A place in [0, 100) that ``visitor`` keeps for all versions of ``model``, and that says nothing about others.

    Growing the per cent of a canary adds people and takes none away; the next canary of the same model meets the same
    people, that of another model others.
    """
    digest = hashlib.sha256(f"{model}\0{visitor}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


def sees_canary(visitor: str | None, model: str, percent: float) -> bool:
    """Whether the canary of ``model`` answers this visitor. Nobody in particular (None) is never tried on."""
    return visitor is not None and bucket(visitor, model) < percent
