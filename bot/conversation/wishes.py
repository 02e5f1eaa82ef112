"""What people wish for their photos: every feature that does the same to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deployments.anonymize.types import Method


@dataclass(frozen=True, slots=True)
class Wish:
    """A job kind with its fields, for every photo of a bundle."""

    kind: Literal["style", "anonymize", "lookalike", "authenticity"]
    fields: dict[str, Any]


def painting(styles: Sequence[str], strength: float) -> Wish:
    """Paint in these styles (names, or ``name:weight`` to blend)."""
    return Wish("style", {"style": list(styles), "strength": strength, "preserve_color": False})


def hiding(method: Method) -> Wish:
    """Hide every face this way."""
    return Wish("anonymize", {"method": method.value, "keep": []})


def resemblance(language: str) -> Wish:
    """Tell whom faces resemble, with the small print in this language."""
    return Wish("lookalike", {"language": language})


REALITY = Wish("authenticity", {})
