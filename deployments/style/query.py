"""What a person asks of the style engine."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployments.errors import InvalidField
from deployments.imaging import Photo

# More would be mud, and every name costs a look-up.
MAX_STYLES = 8

# What follows begins with a letter, or is nothing: the comma in 0,5 is somebody's decimal point, and is refused as that.
_NEXT_STYLE: Final = re.compile(r",(?=[\s,]*(?:[^\W\d_]|$))")

Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class StyleQuery:
    """A photo and how to paint it.

    ``weights`` are pairs of style name and weight, each finite and at least 0, not all 0; only their proportions count.
    There are none where ``style_image`` is the style: somebody's own picture, whatever it shows.
    ``strength`` runs from 0 (the photo itself) to 1 (all painting). ``preserve_color`` takes only brightness from the
    painting and keeps the photo's colours. Raises :class:`InvalidField` for anything else; whether the names exist
    only the engine can tell.
    """

    photo: Photo
    weights: Weights
    strength: float = 1.0
    preserve_color: bool = False
    style_image: Photo | None = None

    def __post_init__(self) -> None:
        if self.style_image is not None and self.weights:
            raise InvalidField("Name a style or send a picture as style_image, not both.", field="style_image")
        if self.style_image is None:
            check_weights(self.weights)
        # NaN fails the comparison as well.
        if not 0 <= self.strength <= 1:
            raise InvalidField("The strength must lie between 0 and 1.", field="strength")

    @classmethod
    def parse(
        cls,
        photo: Photo,
        styles: Sequence[str],
        strength: float = 1.0,
        *,
        preserve_color: bool = False,
        style_image: Photo | None = None,
    ) -> StyleQuery:
        """From texts as they come in a form; see :func:`read_weights`. Raises :class:`InvalidField`."""
        return cls(photo, read_weights(styles), strength, preserve_color, style_image)


def read_weights(texts: Sequence[str]) -> Weights:
    """Styles and their weights from ``name`` or ``name:weight`` texts, each one style or several with commas between.

    Empty entries do not count. Raises :class:`InvalidField` for what is neither.
    """
    return tuple(_weighted(entry) for text in texts for entry in _NEXT_STYLE.split(text) if entry.strip())


def check_weights(weights: Weights) -> None:
    """Raise :class:`InvalidField` where these styles cannot be blended, whatever they are."""
    if not weights:
        raise InvalidField("Name at least one style, or send a picture as style_image.", field="style")
    if len(weights) > MAX_STYLES:
        raise InvalidField(f"At most {MAX_STYLES} styles can be blended.", field="style")
    for name, weight in weights:
        if not math.isfinite(weight) or weight < 0:
            raise InvalidField(f"The weight of {name!r} must be a number of at least 0.", field="style")
    total = sum(weight for _, weight in weights)
    if total == 0:
        raise InvalidField("At least one style needs a weight above 0.", field="style")
    if total == math.inf:
        raise InvalidField(
            "The weights are too large. Only their proportions count: smaller ones say the same.", field="style"
        )


def _weighted(text: str) -> tuple[str, float]:
    name, colon, number = text.strip().partition(":")
    if not name.strip():
        raise InvalidField("A style is written as name or name:weight.", field="style")
    if not colon:
        return name.strip(), 1.0
    try:
        # float() would also read the digits of other scripts and 1_0, which no other field takes.
        return name.strip(), float(number if number.isascii() and "_" not in number else "")
    except ValueError:
        raise InvalidField(f"The weight of {name.strip()!r} is not a number.", field="style") from None
