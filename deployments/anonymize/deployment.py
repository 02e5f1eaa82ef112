"""Anonymising behind a Serve handle. It has no model of its own: the faces it hides were found by another deployment."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import cv2

from deployments.anonymize.engine import AnonymizeEngine, AnonymizeQuery
from deployments.provenance import encode_marked
from deployments.serving.refusals import log_refusals_in_a_line


class Anonymize:
    """Hides faces; answers with an encoded JPEG of the photo's size."""

    def __init__(self, threads: int) -> None:
        log_refusals_in_a_line()
        cv2.setNumThreads(1)
        self._engine = AnonymizeEngine()
        self._threads = ThreadPoolExecutor(threads, "anonymize")

    async def answer(self, query: AnonymizeQuery) -> bytes:
        """Raises what the engine raises for this query."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hide, query)

    def _hide(self, query: AnonymizeQuery) -> bytes:
        (pixels,) = self._engine.run([query])
        return encode_marked(pixels)
