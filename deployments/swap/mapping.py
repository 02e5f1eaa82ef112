"""Which source face goes on which target face, as people write it in a form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployments.errors import InvalidField

Mapping = tuple[tuple[int, int], ...]

_SKIP: Final = "skip"
_PAIR: Final = re.compile(r"(skip|[0-9]{1,4})\s*:\s*([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """A mapping as it was written, before anybody has counted the faces.

    ``pairs`` is None where the default is meant, without the targets in ``skipped``.
    """

    pairs: Mapping | None = None
    skipped: frozenset[int] = frozenset()

    def among(self, sources: int, targets: int) -> Mapping:
        """The pairs for a number of source and target faces, both at least 1.

        Raises :class:`InvalidField` for a face that is not there.
        """
        check([*(self.pairs or ()), *((0, target) for target in sorted(self.skipped))], sources, targets)
        if self.pairs is None:
            return _default(sources, [target for target in range(targets) if target not in self.skipped])
        return self.pairs


def read(text: str | None) -> Wish:
    """Read the form field ``mapping``.

    Faces count from 0, left to right. The field is a comma-separated list of

    - ``source:target``: put this source face on this target face. Target faces that are not named stay as they are.
    - ``skip:target``: leave this target face. With nothing but skips, all others are filled as by default.

    ``skip`` alone leaves every face. Without a field one source goes on every target face, and several go on the
    target faces from left to right, until there are no more of either.

    Raises :class:`InvalidField` for anything else, and for a target named twice.
    """
    if text is None or not text.strip():
        return Wish()
    if text.strip().lower() == _SKIP:
        return Wish(pairs=())
    pairs: list[tuple[int, int]] = []
    skipped: set[int] = set()
    for item in text.split(","):
        match = _PAIR.fullmatch(item.strip().lower())
        if match is None:
            raise InvalidField(
                f"mapping: {item.strip()[:40]!r} is not source:target (such as 0:1) or skip:target.", field="mapping"
            )
        target = int(match[2])
        if target in skipped or any(target == named for _, named in pairs):
            raise InvalidField(f"mapping: target face {target} is named twice.", field="mapping")
        if match[1] == _SKIP:
            skipped.add(target)
        else:
            pairs.append((int(match[1]), target))
    return Wish(tuple(pairs) or None, frozenset(skipped))


def check(pairs: Sequence[tuple[int, int]], sources: int, targets: int) -> None:
    """Raise :class:`InvalidField` when a pair names a face that is not there, or a target twice."""
    for source, target in pairs:
        _present(source, sources, "source")
        _present(target, targets, "target")
    if len({target for _, target in pairs}) < len(pairs):
        raise InvalidField("mapping: a target face is named twice.", field="mapping")


def _present(index: int, count: int, side: str) -> None:
    if not 0 <= index < count:
        there = "there is 1, number 0" if count == 1 else f"there are {count}, numbers 0 to {count - 1}"
        raise InvalidField(f"mapping: there is no {side} face {index}; {there}.", field="mapping")


def _default(sources: int, targets: Sequence[int]) -> Mapping:
    if sources == 1:
        return tuple((0, target) for target in targets)
    return tuple(zip(range(sources), targets, strict=False))
