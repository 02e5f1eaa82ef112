"""Style packs: vectors for one particular network, and what people are told about each style."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from deployments.errors import UnknownStyle
from registry.manifest import ModelVersion

IDENTITY = "identity"

Vector = npt.NDArray[np.float32]
"""``[P]``: the scales and shifts of every normalised layer."""


@dataclass(frozen=True, slots=True)
class StyleInfo:
    """One style as a person chooses it. ``preview`` is a small JPEG painted by this network."""

    name: str
    title: str
    artist: str
    year: int
    licence: str
    preview: bytes = field(repr=False)


class StyleBook:
    """The styles of all packs of one network, in the packs' order.

    Raises ``ValueError`` for a pack that was made for another network, a vector of the wrong length or with values
    that are no numbers, and a style name that two packs share.
    """

    def __init__(self, network: ModelVersion, packs: Sequence[ModelVersion]) -> None:
        self._size = int(network.manifest.input["style_size"])
        self._vectors: dict[str, Vector] = {}
        self._packs: dict[str, str] = {}
        self._identity: Vector | None = None
        infos: list[StyleInfo] = []
        for pack in packs:
            check_pinned(network, pack)
            infos += self._take(pack)
        self.styles = tuple(infos)

    def _take(self, pack: ModelVersion) -> list[StyleInfo]:
        vectors = load_file(pack.path("styles.safetensors"))
        taken: list[StyleInfo] = []
        for entry in _entries(pack):
            name = entry["name"]
            if name in self._vectors:
                raise ValueError(f"{pack.ref}: another pack already has a style {name!r}")
            self._vectors[name] = self._checked(pack, name, vectors)
            self._packs[name] = pack.ref
            preview = pack.path(entry["preview"]).read_bytes()
            facts = {key: entry[key] for key in ("title", "artist", "year", "licence")}
            taken.append(StyleInfo(name=name, preview=preview, **facts))
        # Every pack may bring the identity of its network; they are all the same one.
        if self._identity is None and IDENTITY in vectors:
            self._identity = self._checked(pack, IDENTITY, vectors)
        return taken

    def _checked(self, pack: ModelVersion, name: str, vectors: Mapping[str, npt.NDArray[np.generic]]) -> Vector:
        vector = vectors.get(name)
        if vector is None:
            raise ValueError(f"{pack.ref} lists the style {name!r} but has no vector for it")
        if vector.shape != (self._size,) or vector.dtype != np.float32:
            raise ValueError(
                f"{pack.ref}: the vector of {name!r} is {vector.dtype}{list(vector.shape)}; "
                f"this network takes float32[{self._size}]"
            )
        if not np.isfinite(vector).all():
            raise ValueError(f"{pack.ref}: the vector of {name!r} holds values that are no numbers")
        return np.asarray(vector, np.float32)

    def knows(self, weights: Sequence[tuple[str, float]]) -> bool:
        """Whether there is a style of every name."""
        return all(name in self._vectors for name, _ in weights)

    def check(self, weights: Sequence[tuple[str, float]]) -> None:
        """Raises :class:`UnknownStyle` unless there is a style of every name."""
        for name, _ in weights:
            if name not in self._vectors:
                raise UnknownStyle(f"There is no style called {name!r}.", style=name)

    def packs(self, weights: Sequence[tuple[str, float]]) -> tuple[str, ...]:
        """The packs (``name@version``) that styles of these names come from, each once."""
        return tuple(dict.fromkeys(self._packs[name] for name, _ in weights))

    def blend(self, weights: Sequence[tuple[str, float]], strength: float) -> Vector:
        """The weighted mean of styles, taken back towards the identity where ``strength`` is below 1.

        Raises :class:`UnknownStyle`.
        """
        self.check(weights)
        total = sum(weight for _, weight in weights)
        mixed = np.zeros(self._size, np.float64)
        for name, weight in weights:
            mixed += weight / total * self._vectors[name]
        return self.weakened(mixed.astype(np.float32), strength)

    def weakened(self, vector: Vector, strength: float) -> Vector:
        """``vector`` taken back towards the identity where ``strength`` is below 1 and the packs have an identity."""
        if self._identity is None:
            return vector
        return np.asarray(strength * vector + (1 - strength) * self._identity, np.float32)


def style_names(pack: ModelVersion) -> list[str]:
    """The names of its styles. Raises what reading a damaged pack raises."""
    return [str(entry["name"]) for entry in _entries(pack)]


def _entries(pack: ModelVersion) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(pack.path("styles.json").read_text(encoding="utf-8"))["styles"]
    return entries


def check_pinned(network: ModelVersion, pack: ModelVersion) -> None:
    """Raises ``ValueError`` where ``pack`` was made for another network, or for other weights of this one."""
    required = pack.manifest.requires
    if network.manifest.model not in required:
        raise ValueError(f"{pack.ref} was not made for {network.manifest.model}")
    if required[network.manifest.model] not in {file.sha256 for file in network.manifest.files}:
        raise ValueError(f"{pack.ref} was made for other weights than those of {network.ref}")
