"""What rates pictures for moderation: one network, or the vote of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from deployments.imaging import Photo


class Classifier(Protocol):
    """A backend: rates pictures, decides nothing."""

    @property
    def name(self) -> str:
        """``model@version``, or several joined by ``+``."""
        ...

    def scores(self, batch: Sequence[Photo]) -> Sequence[Mapping[str, float]]:
        """For every picture, in order, a number in 0..1 for each rule the model can tell.

        0.5 is where the model draws its own line. Every rule of the policy's floor is among them.
        """
        ...

    def close(self) -> None:
        """Let go of sessions and memory."""
        ...
