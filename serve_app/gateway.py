"""The HTTP ingress: routes over the pipeline, no logic of its own. A plain FastAPI application, Ray or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.middleware.gzip import GZipMiddleware

from deployments.errors import UnknownStyle
from serve_app import contracts, presenting
from serve_app.access.guard import Guard, GuardedApp
from serve_app.access.keys import KeyBook
from serve_app.database import connect, migrate
from serve_app.http import openapi, problems
from serve_app.http.docs_page import mount_docs
from serve_app.http.middleware import (
    BodyLimit,
    HeadAsGet,
    PlainBodies,
    RelativeRedirects,
    SecurityHeaders,
    UnexpectedErrors,
    WholeForms,
)
from serve_app.http.negotiation import preferred
from serve_app.http.page import mount_page
from serve_app.http.revalidated import revalidated
from serve_app.http.strict_forms import fields_in_their_place
from serve_app.inventory import Inventory
from serve_app.jobs.desk import Desk
from serve_app.jobs.kinds import PERFORM
from serve_app.jobs.routes import routes, uploads
from serve_app.pipeline import Pipeline, Result
from serve_app.rates import SqlBuckets
from serve_app.samples import installed_samples
from serve_app.settings import Settings
from serve_app.status.board import StatusBoard
from serve_app.status.routes import routes as status_routes
from serve_app.telemetry.observed import Observed
from serve_app.versions.desk import VersionDesk
from serve_app.versions.routes import routes as version_routes
from serve_app.visitors import Visitors

JPEG = "image/jpeg"
# What /v1/faces and /v1/lookalike answer with, by the Accept header; the first where it does not say.
ANSWERS = ("application/json", JPEG)


def create_app(
    pipeline: Pipeline,
    inventory: Inventory,
    settings: Settings,
    versions: VersionDesk,
    board: StatusBoard,
) -> FastAPI:
    """The whole HTTP side of the studio: ``/v1``, health, API documentation and the page."""
    # Requests use the database of the lifespan that began last. Work that runs as long as a lifespan gets its own sessions:
    # connections belong to the event loop they were made in, and lifespans of several loops may overlap.
    sessions = async_sessionmaker(expire_on_commit=False)
    desk = Desk(pipeline, inventory, settings, sessions)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(migrate, settings.sql_url)
        engine = connect(settings.sql_url)
        sessions.configure(bind=engine)
        try:
            async with desk.open(async_sessionmaker(engine, expire_on_commit=False)), versions.open():
                yield
        finally:
            await engine.dispose()

    guard = Guard(settings, KeyBook(sessions), SqlBuckets(sessions))
    app = openapi.DescribedApp(
        guard=guard,
        lifespan=lifespan,
        title="Masquerade",
        version="1",
        summary="A self-hosted portrait studio",
        description="Errors are RFC 9457 problem documents. By sending a photo you state that you may use it, and for "
        "face swaps that the people shown agree. Results carry a visible mark and provenance metadata.",
        responses=openapi.PROBLEMS,
        dependencies=[Depends(fields_in_their_place)],
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    # The page and the description of the API; pictures are as small as they get, and are left alone.
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=6)
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(HeadAsGet)
    app.add_middleware(RelativeRedirects)
    app.add_middleware(WholeForms)
    app.add_middleware(PlainBodies)
    app.add_middleware(BodyLimit, max_bytes=settings.limits.form_bytes)
    app.add_middleware(Visitors)
    app.add_middleware(GuardedApp, guard=guard)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Observed)
    _add_pictures(app, pipeline, inventory)
    _add_answers(app, pipeline, inventory)
    _add_operations(app, pipeline, inventory)
    app.include_router(routes(desk, inventory))
    app.include_router(version_routes(versions))
    app.include_router(uploads(desk))
    app.include_router(status_routes(board))
    mount_docs(app)
    mount_page(app)
    return app


def _add_pictures(app: FastAPI, pipeline: Pipeline, inventory: Inventory) -> None:
    """Routes that answer with a picture."""

    async def performed(kind: str, form: contracts.Form) -> Response:
        photos, fields = await form.contents()
        return _picture(await PERFORM[kind](pipeline, inventory, photos, fields), inventory)

    @app.post("/v1/style", responses=openapi.PICTURE, response_class=Response, tags=["pictures"])
    async def style(form: Annotated[contracts.StyleForm, openapi.MULTIPART]) -> Response:
        """Paint a photo in one style, in a blend of several, or like a picture of your own."""
        return await performed("style", form)

    @app.post("/v1/swap", responses=openapi.PICTURE, response_class=Response, tags=["pictures"])
    async def swap(form: Annotated[contracts.SwapForm, openapi.MULTIPART]) -> Response:
        """Put faces of one photo on faces of another."""
        return await performed("swap", form)

    @app.post("/v1/anonymize", responses=openapi.PICTURE, response_class=Response, tags=["pictures"])
    async def anonymize(form: Annotated[contracts.AnonymizeForm, openapi.MULTIPART]) -> Response:
        """Hide the faces of a photo."""
        return await performed("anonymize", form)


def _add_answers(app: FastAPI, pipeline: Pipeline, inventory: Inventory) -> None:
    """Routes that answer with a document, and the small pictures those documents name."""

    @app.get("/v1/styles", responses={200: {"headers": openapi.NAMED}}, tags=["pictures"])
    async def styles(response: Response) -> contracts.Styles:
        """The styles on offer."""
        answer = await pipeline.styles()
        response.headers["X-Model"] = answer.model
        return presenting.styles(answer)

    @app.get("/v1/styles/{name}/preview.jpg", responses=openapi.SHOWN, response_class=Response, tags=["pictures"])
    async def preview(request: Request, name: str) -> Response:
        """A small picture of a style."""
        for entry in (await pipeline.styles()).value:
            if entry.name == name:
                return revalidated(request, entry.preview, JPEG)
        raise UnknownStyle(f"There is no style {name!r}.")

    @app.post("/v1/moderate", responses=openapi.ANSWER, tags=["answers"])
    async def moderate(
        form: Annotated[contracts.ImageForm, openapi.MULTIPART], response: Response
    ) -> contracts.Moderation:
        """Say whether a picture keeps the house rules."""
        answer = await pipeline.moderate(await pipeline.open(await form.image.read()))
        response.headers.update(presenting.result_headers(answer.models, inventory))
        return presenting.moderation(answer)

    @app.post("/v1/authenticity", responses=openapi.ANSWER, tags=["answers"])
    async def authenticity(
        form: Annotated[contracts.ImageForm, openapi.MULTIPART], response: Response
    ) -> contracts.Authenticity:
        """Say whether a picture looks like a photograph or machine-made. An estimate, not proof."""
        answer = await pipeline.authenticity(await pipeline.open(await form.image.read()))
        response.headers.update(presenting.result_headers([answer.model], inventory))
        return presenting.authenticity(answer)

    @app.get("/v1/artworks", tags=["pictures"])
    async def artworks() -> contracts.Artworks:
        """Works of art to be put into, as ``artwork`` of a swap."""
        return presenting.artworks(pipeline.artworks)

    @app.get("/v1/artworks/{artwork_id}", responses=openapi.SHOWN, response_class=Response, tags=["pictures"])
    async def artwork(request: Request, artwork_id: str) -> Response:
        """The picture of an artwork."""
        photo = await pipeline.artwork(artwork_id)
        return revalidated(request, photo.data, photo.media_type)

    @app.post(
        "/v1/faces",
        tags=["answers"],
        response_model=contracts.Faces,
        responses=openapi.also_jpeg("Faces, or with Accept: image/jpeg a preview"),
    )
    async def faces(
        form: Annotated[contracts.ImageForm, openapi.MULTIPART], request: Request, response: Response
    ) -> contracts.Faces | Response:
        """Find every face, numbered left to right. With ``Accept: image/jpeg`` the photo comes back with the numbers."""
        photo = await pipeline.open(await form.image.read())
        if _preferred(request) == JPEG:
            return _picture(await pipeline.numbered(photo), inventory)
        answer = await pipeline.faces(photo)
        response.headers.update(presenting.result_headers([answer.model], inventory))
        return presenting.faces(answer, inventory)

    @app.post(
        "/v1/lookalike",
        tags=["answers"],
        response_model=contracts.Lookalike,
        responses=openapi.also_jpeg("Matches, or with Accept: image/jpeg a collage"),
    )
    async def lookalike(
        form: Annotated[contracts.LookalikeForm, openapi.MULTIPART], request: Request, response: Response
    ) -> contracts.Lookalike | Response:
        """Find whom each face resembles. With ``Accept: image/jpeg`` the answer is a side-by-side collage."""
        photo = await pipeline.open(await form.image.read())
        if _preferred(request) == JPEG:
            collage, _ = await pipeline.collage(photo, form.top)
            return _picture(collage, inventory)
        result = await pipeline.lookalike(photo, form.top)
        response.headers.update(presenting.result_headers(result.models, inventory))
        return presenting.lookalike(result, inventory)

    @app.get("/v1/gallery/{picture}", responses=openapi.SHOWN, response_class=Response, tags=["answers"])
    async def portrait(request: Request, picture: str) -> Response:
        """A portrait from the lookalike gallery."""
        return revalidated(request, await pipeline.portrait(picture), JPEG)


def _add_operations(app: FastAPI, pipeline: Pipeline, inventory: Inventory) -> None:
    """Routes for operators and their probes, and for people who are only looking."""
    offered = installed_samples(inventory.store)

    @app.get("/v1/samples", tags=["answers"])
    async def samples() -> contracts.Samples:
        """Photos to try the studio with."""
        return presenting.samples(offered)

    @app.get("/v1/samples/{name}", responses=openapi.SHOWN, response_class=Response, tags=["answers"])
    async def sample(request: Request, name: str) -> Response:
        """One of the sample photos."""
        for photo in offered:
            if photo.name == name:
                return revalidated(request, photo.data, photo.media_type)
        raise HTTPException(404, "There is no such sample.")

    @app.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operations"], response_model=contracts.Ready)
    async def readyz(request: Request) -> contracts.Ready | Response:
        """Every capability that was installed can serve; 503 while one cannot. One at rest starts when it is asked.

        The problem document of a 503 has the members of the usual answer as well.
        """
        ready = presenting.ready(await pipeline.states(), inventory.missing)
        return ready if ready.ready else problems.not_ready(request, ready)


def _preferred(request: Request) -> str:
    # Several lines of one header are one list (RFC 9110, section 5.3).
    return preferred(", ".join(request.headers.getlist("accept")), ANSWERS)


def _picture(result: Result, inventory: Inventory) -> Response:
    headers = presenting.result_headers(result.models, inventory, result.notes)
    return Response(result.data, media_type=result.media_type, headers=headers)
