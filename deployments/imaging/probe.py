"""The picture a manifest's probe asks about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deployments.imaging.photo import Photo, encode
from registry.manifest import ModelVersion

_SIDE = 256


def probe_photo(probe: Mapping[str, Any], version: ModelVersion, key: str = "image") -> Photo:
    """The version's own file named under ``key``, or a made-up picture (a sweep of all hues) where none is named.

    Raises ``KeyError`` for a file the version does not list, and what :meth:`Photo.open` raises.
    """
    name = probe.get(key)
    if name is not None:
        return Photo.open(version.path(str(name)).read_bytes())
    across = np.linspace(0, 255, _SIDE, dtype=np.float32)
    red, green = np.meshgrid(across, across)
    sweep = np.stack([red, green, 255 - (red + green) / 2], axis=2).astype(np.uint8)
    return Photo.open(encode(sweep, "image/png"))
