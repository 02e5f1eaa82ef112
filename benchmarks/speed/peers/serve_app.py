"""Ray Serve the obvious way: one FastAPI deployment, a replica for each core, Serve's own settings.

The class travels to its replicas by value, where FastAPI could not look postponed annotations up.
"""

import os
import sys
import threading
from typing import Annotated

import ray
from fastapi import FastAPI, File, Form, Response
from ray import serve

from benchmarks.speed.peers.job import PaintingJob

app = FastAPI()


@serve.deployment(num_replicas=os.cpu_count() or 1)
@serve.ingress(app)
class Painting:
    """Paints uploads."""

    def __init__(self) -> None:
        self.job = PaintingJob()

    @app.get("/ready")
    def ready(self) -> str:
        """Loaded before the replica counts as running."""
        return "yes"

    @app.post("/v1/style")
    def style(self, image: Annotated[bytes, File()], style: Annotated[str, Form()]) -> Response:
        """Paint."""
        return Response(self.job(image, style), media_type="image/jpeg")


if __name__ == "__main__":
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Painting.bind())  # type: ignore[attr-defined]  # what the decorators make of it
    threading.Event().wait()
