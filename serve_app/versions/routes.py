"""``/v1/models`` and ``/v1/config``: looking at versions, and deciding on them with the admin key."""

from __future__ import annotations

from fastapi import APIRouter

from serve_app.http import openapi
from serve_app.versions.desk import VersionDesk
from serve_app.versions.documents import (
    CanaryTrial,
    Decided,
    LiveConfiguration,
    Models,
    Promotion,
    Rollback,
    ShadowTrial,
)


def routes(desk: VersionDesk) -> APIRouter:
    """The router over a version desk. Who may call is for :mod:`serve_app.access` to say: the admin key, all of it."""
    router = APIRouter(prefix="/v1", tags=["operations"])
    deciding = APIRouter(responses=openapi.CONFLICT)

    @router.get("/models")
    async def models() -> Models:
        """Installed model versions and how they fare. Needs the admin key where one is set."""
        return await desk.models()

    @deciding.post("/models/{model}/promote", status_code=202)
    async def promote(model: str, decision: Promotion) -> Decided:
        """Make a version stable. Replicas stage it first; until all have, and if one cannot, the old one serves on."""
        return await desk.promote(model, decision)

    @deciding.post("/models/{model}/canary", status_code=202)
    async def canary(model: str, decision: CanaryTrial) -> Decided:
        """Try a version on a per cent of the users, always the same ones."""
        return await desk.canary(model, decision)

    @deciding.post("/models/{model}/shadow", status_code=202)
    async def shadow(model: str, decision: ShadowTrial) -> Decided:
        """Let a version compute beside the stable one, unseen, and compare."""
        return await desk.shadow(model, decision)

    @deciding.post("/models/{model}/rollback", status_code=202)
    async def rollback(model: str, decision: Rollback | None = None) -> Decided:
        """Take back the last step that users could notice."""
        return await desk.rollback(model, decision or Rollback())

    @router.get("/config")
    async def config() -> LiveConfiguration:
        """The configuration the graph runs with, versions included: what `masquerade diff` compares."""
        return LiveConfiguration(configuration=await desk.configuration())

    router.include_router(deciding)
    return router
