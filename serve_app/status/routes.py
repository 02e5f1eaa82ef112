"""``/v1/status``: what ``masquerade top`` and the page ``/status`` show."""

from __future__ import annotations

from fastapi import APIRouter

from serve_app.status.board import StatusBoard, StudioState


def routes(board: StatusBoard) -> APIRouter:
    """The router over a board."""
    router = APIRouter(tags=["operations"])

    @router.get("/v1/status")
    async def status() -> StudioState:
        """Deployments, replicas, rates, percentiles and queues. Needs the admin key where one is set."""
        return await board.read()

    return router
