"""Which face model works where several are installed: the one that serves, and that galleries are therefore built with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from registry.choosing import Installed, one
from registry.manifest import Manifest
from registry.references import standing

# Best measured first; docs/models/faces.md.
PREFERRED: Final = ("buffalo-l", "antelopev2", "buffalo-s", "yunet-auraface", "yunet-sface", "dlib-faces")
REMEDY: Final = "masquerade models pull dlib-faces"


def face_model(store: Installed, wish: str | None, manifests: Iterable[Manifest] | None = None) -> Manifest | None:
    """The face model wished for, or else the best of ``manifests`` (all that ``store`` has, unless given).

    Raises ``RegistryError`` when the one wished for is not there, or is none.
    """
    return one(store, standing(store) if manifests is None else manifests, "face-analysis", wish, PREFERRED)
