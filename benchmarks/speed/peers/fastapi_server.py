"""FastAPI and torch: handlers that are plain functions run in its thread pool."""

from __future__ import annotations

import sys
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, Form, Response

from benchmarks.speed.peers.job import PaintingJob

app = FastAPI()
job = PaintingJob()


@app.get("/ready")
def ready() -> str:
    """Loaded before the server listens."""
    return "yes"


@app.post("/v1/style")
def style(image: Annotated[bytes, File()], style: Annotated[str, Form()]) -> Response:
    """Paint."""
    return Response(job(image, style), media_type="image/jpeg")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
