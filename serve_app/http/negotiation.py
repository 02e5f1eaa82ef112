"""Which of the forms of one answer a client would rather have (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# A weight that is none of the grammar's counts as 1, like one that was left out.
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class _Wish(NamedTuple):
    """How much a form is wanted: the weight of the most precise range that names it, how precise that is, how early it stands."""

    weight: float
    precision: int
    earliness: int


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The media type of ``offered`` that ``accept`` wants most.

    Of those with one weight, which the standard leaves to whoever answers, the one named more precisely, then the one named
    earlier, then the first offered. Where it wants none of them it is disregarded, as the standard allows.
    """
    return max(offered, key=lambda media_type: _wish(accept, media_type))


def _wish(accept: str, media_type: str) -> _Wish:
    kind = media_type.partition("/")[0]
    precisions = {media_type: 2, f"{kind}/*": 1, "*/*": 0}
    unwanted = _Wish(0.0, -1, 0)
    named = [unwanted]
    for place, entry in enumerate(accept.lower().split(",")):
        name, *parameters = (part.strip() for part in entry.split(";"))
        if name in precisions:
            named.append(_Wish(_weight(parameters), precisions[name], -place))
    wish = max(named, key=lambda wish: wish.precision)
    return wish if wish.weight else unwanted


def _weight(parameters: Sequence[str]) -> float:
    value = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    return float(value) if _WEIGHT.fullmatch(value) else 1.0
