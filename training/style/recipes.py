"""How the losses of training are put together, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.masterpiece.objective import Objective


@dataclass(frozen=True, slots=True)
class Recipe(Objective):
    """An objective for training networks; what it adds is for the identity style and for ``imitation``.

    ``imitation`` weighs the likeness to the paintings of the network that training started from, ``lattice`` what
    repeats every few pixels.
    """

    content_layers: tuple[str, ...] = ("relu2_2",)
    style: float = 4.0
    variation: float = 0.3
    identity: float = 20.0
    imitation: float = 0.0
    lattice: float = 0.0

    @property
    def perceptual(self) -> bool:
        """Whether an encoder has a say."""
        return self.content > 0 or self.style > 0


# The reference's layers; those of Johnson et al.; what suits a distilled VGG-19; strokes over detail, for VGG-19; the same
# without the canvas that upsampling leaves in plain areas; and painting like another network, which takes no encoder and
# a fifth of the time.
RECIPES: Mapping[str, Recipe] = {
    "reference": Recipe(),
    "johnson": Recipe(style_layers=("relu1_2", "relu2_2", "relu3_3", "relu4_3")),
    "distilled": Recipe(content_layers=("relu3_1", "relu4_1")),
    "deep": Recipe(content_layers=("relu4_2",), style=10.0, variation=0.5),
    "even": Recipe(content_layers=("relu4_2",), style=10.0, variation=0.5, lattice=2000.0),
    "copy": Recipe(content=0.0, style=0.0, variation=0.0, imitation=10.0),
}
