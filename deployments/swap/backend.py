"""What a swapping backend is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deployments.compositing.patches import Patch
from deployments.faces.types import Face
from deployments.imaging import Pixels
from deployments.swap.types import Reason, SourceFace


@dataclass(frozen=True, slots=True)
class Job:
    """One face to be put on another: ``target_face`` is in pixels of ``target``, the source's in pixels of its photo."""

    source: SourceFace
    target: Pixels = field(repr=False)
    target_face: Face


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a pair of faces cannot be swapped well; ``message`` is for the person who asked."""

    reason: Reason
    message: str


class Swapper(Protocol):
    """Makes new faces. Knows nothing of mappings or other faces in the picture."""

    def obstacle(self, job: Job) -> Obstacle | None:
        """What keeps this backend from doing the job well, found without doing it; None when nothing does."""
        ...

    def swap(self, jobs: Sequence[Job]) -> Iterable[Patch]:
        """A patch for each job, in order; jobs of many requests come together.

        A patch may be made only when it is asked for, so targets have to stay as they are until the last one is there.
        """
        ...

    def warm_up(self) -> None:
        """Run once on made-up input."""
        ...

    def close(self) -> None:
        """Let go of sessions and memory."""
        ...
