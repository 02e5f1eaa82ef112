"""What a style is learnt with where the network stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.style.recipes import RECIPES, Recipe


@dataclass(frozen=True)
class Lesson:
    """How a style is learnt. ``crops`` photographs, ``crop`` px a side, are met again and again; sides are in pixels.

    Photographs not learnt on come out nearer to the style with 48 crops than with new ones at every step, with more steps
    than with fewer, and at this learning rate than at a third of it; at twice this rate no nearer, and farther from the photo.
    """

    steps: int = 1500
    crops: int = 48
    crop: int = 256
    painting_side: int = 512
    learning_rate: float = 0.08
    average: float = 0.98
    seed: int = 1
    recipe: Recipe = field(default_factory=lambda: RECIPES["even"])
