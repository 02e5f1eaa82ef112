"""A studio that is told to end answers those who are inside first."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import httpx
import numpy as np

from deployments.imaging import encode
from tests.e2e.conftest import serving


def test_who_is_inside_is_answered_and_nobody_else_let_in(models_dir: Path, tmp_path: Path) -> None:
    photo = encode(np.random.default_rng(0).integers(0, 256, (2400, 2400, 3), np.uint8))

    def paint(address: str) -> httpx.Response:
        return httpx.post(f"{address}/v1/style", files={"image": photo}, data={"style": "wave"}, timeout=60)

    with serving(models_dir, tmp_path, told=True) as studio, ThreadPoolExecutor(7) as people:
        inside = [people.submit(paint, studio.url) for _ in range(6)]
        next(as_completed(inside))  # They came together: the others have sent theirs long since.
        os.kill(studio.pid, signal.SIGTERM)
        assert [one.result().status_code for one in inside] == [200] * 6
        try:
            late = paint(studio.url)
        except httpx.TransportError:
            return  # It has closed already.
        assert (late.status_code, late.headers["retry-after"]) == (503, "5")
