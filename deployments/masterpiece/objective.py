"""What painting by optimisation, and training a style network, make small."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Objective:
    """Which layers of an encoder are compared, and how much each term weighs. Unless given: strokes over detail, for VGG-19."""

    content_layers: tuple[str, ...] = ("relu4_2",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    content: float = 1.0
    style: float = 10.0
    variation: float = 0.5

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer an encoder has to deliver."""
        return tuple(dict.fromkeys((*self.content_layers, *self.style_layers)))
