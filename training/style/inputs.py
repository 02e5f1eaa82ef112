"""What a run learns from, told by content: wherever the files lie and whatever they are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from deployments.masterpiece.encoder import Encoder
from registry.integrity import sha256_of
from registry.manifest import Strict

WORDS: Final[Mapping[str, str]] = {
    "paintings": "other paintings",
    "photos": "other photographs",
    "encoder": "another encoder",
}


class Inputs(Strict):
    """Each a sha256: of the paintings and the styles' names, of the photographs to train on, of the encoder's weights.

    The order counts, for a run's steps depend on it.
    """

    paintings: str
    photos: str
    encoder: str

    @classmethod
    def of(cls, styles: Iterable[str], paintings: Sequence[Path], photos: Sequence[Path], encoder: Encoder) -> Inputs:
        """Read every file once. One that cannot be read is told apart from those that can."""
        return cls(
            paintings=_digest([*styles, *map(_content, paintings)]),
            photos=_digest(map(_content, photos)),
            encoder=_weights(encoder),
        )

    def unlike(self, other: Inputs) -> str | None:
        """What ``other`` was learnt from instead, in words; None where it was the same."""
        return next((words for name, words in WORDS.items() if getattr(self, name) != getattr(other, name)), None)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _content(path: Path) -> str:
    try:
        return sha256_of(path)
    # Training skips such a photograph, and says so of a painting.
    except OSError:
        return "unreadable"


def _weights(encoder: Encoder) -> str:
    found = hashlib.sha256()
    for name, tensor in encoder.state_dict().items():
        found.update(name.encode())
        found.update(tensor.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
