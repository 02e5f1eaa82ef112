"""``/v1/jobs``: the same work as the synchronous routes, recorded before it is acknowledged."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from deployments.errors import InvalidField, MasqueradeError, UnknownJob
from serve_app import contracts, presenting
from serve_app.access.guard import lacking
from serve_app.http import openapi, problems
from serve_app.inventory import Inventory
from serve_app.jobs.desk import Desk
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

FORMS: dict[str, type[contracts.Form]] = {
    "style": contracts.StyleForm,
    "masterpiece": contracts.MasterpieceForm,
    "swap": contracts.SwapForm,
    "anonymize": contracts.AnonymizeForm,
    "lookalike": contracts.LookalikeForm,
    "faces": contracts.ImageForm,
    "moderate": contracts.ImageForm,
    "authenticity": contracts.ImageForm,
}


def routes(desk: Desk, inventory: Inventory) -> APIRouter:
    """The router over a job desk; ``inventory`` knows the licences of results."""
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

    @router.post("", status_code=202, responses=openapi.ACCEPTED)
    async def submit(
        form: Annotated[contracts.JobForm, openapi.MULTIPART],
        request: Request,
        response: Response,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    ) -> contracts.JobState:
        """Hand in a job: the fields of the route it stands for, and ``kind``. Answers before the work is done.

        Sent again under the same ``Idempotency-Key`` it is the same job, whatever became of the first answer, until it was
        removed or its result has expired; another order under that key is refused with 422. An API key needs the scope of
        the job's kind besides ``jobs``.
        """
        scopes: frozenset[str] | None = request.state.scopes
        if scopes is not None and form.kind not in scopes:
            raise HTTPException(HTTPStatus.FORBIDDEN, lacking(form.kind))
        uploads = _uploads(form)
        photos, fields = await _checked(form).contents()
        job = await desk.submit(form.kind, {**photos, **uploads}, fields, request.state.caller, idempotency_key)
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return await _state(desk, _kept(job))

    @router.get("/{job_id}")
    async def state(request: Request, job_id: str) -> contracts.JobState:
        """How far a job is."""
        return await _state(desk, _kept(await desk.job(job_id, request.state.caller)))

    @router.get(
        "/{job_id}/result", response_class=Response, responses=openapi.RESULT | openapi.NOT_FINISHED | openapi.GONE
    )
    async def result(request: Request, job_id: str) -> Response:
        """The result of a finished job; 409 with Retry-After while it is not finished, 410 when it has expired."""
        job = _kept(await desk.job(job_id, request.state.caller))
        if job.state == State.FAILED:
            return _failed(request, job.error or {})
        if job.result is None:
            headers = {"Retry-After": "1"}
            return problems.respond(
                request, "not-finished", "Not finished", 409, "This job is still going on.", headers
            )
        data = await desk.result(job)
        headers = presenting.result_headers(job.result["models"], inventory, job.result.get("notes", ()))
        return Response(data, media_type=job.result["media_type"], headers=headers)

    @router.delete("/{job_id}", status_code=204, response_class=Response)
    async def remove(request: Request, job_id: str) -> None:
        """Withdraw a job and remove its photos and its result at once. It is unknown from then on, finished or not."""
        await desk.remove(await desk.job(job_id, request.state.caller))

    return router


def uploads(desk: Desk) -> APIRouter:
    """The router that lets pictures go straight to the object store."""
    router = APIRouter(prefix="/v1/uploads", tags=["jobs"])

    @router.post("", status_code=201)
    async def ticket() -> contracts.Upload:
        """Get leave to upload one picture to the object store, ahead of a job that names its key.

        404 where the studio has no store that takes uploads: send pictures inside requests there.
        """
        granted = await desk.ticket()
        if granted is None:
            raise HTTPException(404, "This studio has no upload store; send the picture inside the request.")
        return contracts.Upload(**asdict(granted))

    return router


def _failed(request: Request, error: Mapping[str, Any]) -> Response:
    """The problem a job ended with, as the route it stood for would tell it; ``state`` says that it will not change."""
    kinds = MasqueradeError.__subclasses__()
    title = next((kind.title for kind in kinds if kind.slug == error["slug"]), "The job failed")
    details = {name: value for name, value in error.items() if name not in {"slug", "message", "status"}}
    headers = {"Retry-After": str(details["retry_after"])} if "retry_after" in details else None
    return problems.respond(
        request,
        error["slug"],
        title,
        error.get("status", 500),
        error["message"],
        headers,
        state=State.FAILED,
        **details,
    )


def _uploads(form: contracts.JobForm) -> dict[str, str]:
    """The keys of uploads that ``form`` names, by the picture they are; each gets an empty file in its place."""
    keys = {}
    for name in ("image", "source", "target", "style_image"):
        key = getattr(form, f"{name}_key")
        if key is None:
            continue
        if getattr(form, name) is not None:
            raise InvalidField(f"Send either {name} or {name}_key.", field=f"{name}_key")
        setattr(form, name, UploadFile(io.BytesIO()))
        keys[name] = key
    return keys


def _checked(form: contracts.JobForm) -> contracts.Form:
    """The fields as the form of the job's kind. Raises ``RequestValidationError``."""
    given = {
        name: value
        for name, value in form
        if name in form.model_fields_set and not name.endswith("_key") and name != "kind"
    }
    try:
        return FORMS[form.kind].model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def _kept(job: Job) -> Job:
    """The job, unless it was withdrawn or removed: what is left of those is a bare count."""
    if job.state == State.CANCELLED or not job.inputs:
        raise UnknownJob("This job was removed.")
    return job


async def _state(desk: Desk, job: Job) -> contracts.JobState:
    error = str(job.error["message"]) if job.state == State.FAILED and job.error is not None else None
    return contracts.JobState(
        id=job.id,
        kind=job.kind,
        state=State(job.state),
        position=await desk.position(job),
        progress=job.progress,
        created=job.created,
        expires=desk.expires(job),
        error=error,
    )
