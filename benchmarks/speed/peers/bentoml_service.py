"""BentoML with a worker for each core: ``bentoml serve benchmarks.speed.peers.bentoml_service:Painting``."""

from __future__ import annotations

import os
from pathlib import Path

import bentoml

from benchmarks.speed.peers.job import PaintingJob


@bentoml.service(workers=os.cpu_count() or 1, traffic={"timeout": 60})
class Painting:
    """Paints uploads."""

    def __init__(self) -> None:
        self.job = PaintingJob()

    @bentoml.api(route="/v1/style")
    def style(self, image: Path, style: str, ctx: bentoml.Context) -> bytes:
        """Paint."""
        ctx.response.headers["Content-Type"] = "image/jpeg"
        return self.job(image.read_bytes(), style)
