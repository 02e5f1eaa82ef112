"""Which capabilities may have no replica while nobody asks for one, by the configuration that Serve runs with now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from ray.exceptions import RayError

log = logging.getLogger(__name__)

KEEP_S: Final = 10.0
PATIENCE_S: Final = 2.0


class Resting:
    """What ``read`` answers, remembered for ``KEEP_S``: ``serve deploy`` may change scaling without a restart.

    Where ``read`` fails, its last answer holds; before its first one, ``initially``.
    """

    def __init__(
        self,
        read: Callable[[], frozenset[str]],
        initially: frozenset[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._known = initially
        self._clock = clock
        self._until = 0.0
        self._reading = asyncio.Lock()

    async def __call__(self, capability: str) -> bool:
        """Whether ``capability`` may rest."""
        async with self._reading:
            if self._clock() >= self._until:
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        self._known = await asyncio.to_thread(self._read)
                except (RayError, RuntimeError, TimeoutError) as error:
                    log.warning("Serve does not say what may rest: %s", type(error).__name__)
                self._until = self._clock() + KEEP_S
        return capability in self._known
