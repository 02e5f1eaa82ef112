"""What the people of the crash drill send, and when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Order:
    """Photos that one person sends together, ``at`` seconds from the start; ``numbers`` are those the photos carry.

    A photo with a caption that names a style, an album with one, or a photo that is asked about and then tapped.
    """

    at: float
    person: int
    way: Literal["caption", "album", "tap"]
    numbers: tuple[int, ...]


def plan(photos: int, people: int, seconds: float, dice: random.Random) -> list[Order]:
    """Orders of ``photos`` photos in all: six in ten by caption, two albums of two to four, two by a tap."""
    orders: list[Order] = []
    first = 1
    while first <= photos:
        way: Literal["caption", "album", "tap"] = dice.choices(("caption", "album", "tap"), (6, 2, 2))[0]
        count = min(dice.randint(2, 4), photos - first + 1) if way == "album" else 1
        if count == 1 and way == "album":
            way = "caption"
        numbers = tuple(range(first, first + count))
        orders.append(Order(dice.uniform(0, seconds), dice.randrange(people), way, numbers))
        first += count
    return sorted(orders, key=lambda order: order.at)
