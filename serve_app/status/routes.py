"""``/v1/status`` for programs and ``/status`` for people."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException

from serve_app.status.board import StatusBoard, StudioState


def routes(board: StatusBoard | None) -> APIRouter:
    """The router over a board; without one, as outside a cluster, 404."""
    router = APIRouter(tags=["operations"])

    @router.get("/v1/status")
    async def status() -> StudioState:
        """Deployments, replicas, rates, percentiles and queues. Needs the admin key where one is set."""
        if board is None:
            raise HTTPException(404, "This studio keeps no figures.")
        return await board.read()

    return router
