"""The shape every engine shares, so that one slot and one deployment wrapper can serve them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

Query = TypeVar("Query", contravariant=True)
Result = TypeVar("Result")


class Engine(Protocol[Query, Result]):
    """Pure inference over batches: no Ray, no network.

    Constructed from a :class:`registry.manifest.ModelVersion` and a :class:`deployments.runtime.Runtime`. The methods below
    are called by one thread at a time. Whatever else an engine offers reads what does not change, for any thread to call.
    """

    def warm_up(self) -> None:
        """Run once on a made-up input, so that the first person does not pay for lazy initialisation."""
        ...

    def run(self, batch: Sequence[Query]) -> list[Result]:
        """Answer every query, in order. A batch of one is as good as any; an empty batch gives an empty list."""
        ...

    def close(self) -> None:
        """Let go of sessions and memory. The engine is not used afterwards."""
        ...
