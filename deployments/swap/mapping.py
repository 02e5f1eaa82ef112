"""Which source face goes on which target face, as people write it in a form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployments.errors import InvalidField
from deployments.faces.types import Face
from deployments.swap.suitability import LEAST_SIZE

Mapping = tuple[tuple[int, int], ...]

_SKIP: Final = "skip"
_PAIR: Final = re.compile(r"(skip|[0-9]{1,4})\s*:\s*(skip|[0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """A mapping as it was written, before anybody has counted the faces.

    ``pairs`` is None where the default is meant, without the sources in ``unused`` and the targets in ``skipped``.
    """

    pairs: Mapping | None = None
    skipped: frozenset[int] = frozenset()
    unused: frozenset[int] = frozenset()

    def among(self, sources: Sequence[Face], targets: Sequence[Face]) -> Mapping:
        """The pairs for the faces of both sides, at least one each.

        Raises :class:`InvalidField` for a face that is not there.
        """
        for source in sorted(self.unused):
            _present(source, len(sources), "source")
        named = [*(self.pairs or ()), *((0, target) for target in sorted(self.skipped))]
        check(named, len(sources), len(targets))
        if self.pairs is not None:
            return self.pairs
        givers = [source for source in prominent(sources) if source not in self.unused]
        if len(givers) == 1:
            return tuple((givers[0], target) for target in range(len(targets)) if target not in self.skipped)
        return tuple(zip(givers, (t for t in prominent(targets) if t not in self.skipped), strict=False))


def read(text: str | None) -> Wish:
    """Read the form field ``mapping``.

    Faces count from 0, left to right. The field is a comma-separated list of

    - ``source:target``: put this source face on this target face. Target faces that are not named stay as they are.
    - ``skip:target``: leave this target face; ``source:skip``: put this source face nowhere. With nothing but these, the
      others go as by default.
    - ``skip``: leave every target face that is not named.

    Empty entries do not count. Without a field one source goes on every target face, and several go on the target faces
    from left to right, until there are no more of either. Faces too small to be swapped, far in the background, are no
    sources and take none of several, unless all are that small.

    Raises :class:`InvalidField` for anything else, nothing but commas included, for a target named twice, and for a source
    that is both used and not.
    """
    if text is None or not text.strip():
        return Wish()
    pairs: list[tuple[int, int]] = []
    skipped: set[int] = set()
    unused: set[int] = set()
    items = [item.strip().lower() for item in text.split(",") if item.strip()]
    for item in items or [text.strip()]:
        if item == _SKIP:
            continue
        match = _PAIR.fullmatch(item)
        if match is None or match[1] == match[2] == _SKIP:
            raise InvalidField(
                f"mapping: {item[:40]!r} is not source:target (such as 0:1), skip:target or source:skip.",
                field="mapping",
            )
        if match[2] == _SKIP:
            unused.add(int(match[1]))
            continue
        target = int(match[2])
        if target in skipped or any(target == named for _, named in pairs):
            raise InvalidField(f"mapping: target face {target} is named twice.", field="mapping")
        if match[1] == _SKIP:
            skipped.add(target)
        else:
            pairs.append((int(match[1]), target))
    for source, target in pairs:
        if source in unused:
            raise InvalidField(
                f"mapping: source face {source} goes on target face {target} or nowhere, not both.", field="mapping"
            )
    wanted = tuple(pairs) if pairs or _SKIP in items else None
    return Wish(wanted, frozenset(skipped), frozenset(unused))


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


def prominent(faces: Sequence[Face]) -> list[int]:
    """The numbers of the faces that are not too small to be swapped, far in the background; of all, where all are."""
    return [index for index, face in enumerate(faces) if face.quality.size >= LEAST_SIZE] or list(range(len(faces)))
