"""Which of the forms of one answer a client would rather have (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A weight that is none of the grammar's counts as 1, like one that was left out.
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The media type of ``offered`` that ``accept`` wants most; of those it wants alike, the first offered.

    Where it wants none of them it is disregarded, as the standard allows.
    """
    return max(offered, key=lambda media_type: _weight_of(media_type, accept))


def _weight_of(media_type: str, accept: str) -> float:
    """The weight of the most precise range that names it; 0 where none does."""
    kind = media_type.partition("/")[0]
    weights: dict[str, float] = {}
    for entry in accept.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights.setdefault(name, _weight(parameters))
    return next((weights[name] for name in (media_type, f"{kind}/*", "*/*") if name in weights), 0.0)


def _weight(parameters: Sequence[str]) -> float:
    value = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    return float(value) if _WEIGHT.fullmatch(value) else 1.0
