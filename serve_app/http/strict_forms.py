"""What pydantic does not see of a body: that it is of another kind, or that a field comes twice, or in the address.

All are errors of the caller's. What is no form has no fields, whatever it says, nobody can say which of two values was meant,
and what stands in the address is no field.
"""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import cast

from fastapi import HTTPException, Request
from fastapi.params import Form
from pydantic import BaseModel
from python_multipart.multipart import parse_options_header

from deployments.errors import InvalidField
from serve_app.http.problems import quoted

# Lists by the contract; every other field of ``/v1`` takes one value.
REPEATED = frozenset({"style", "mapping", "keep"})

JSON = "application/json"
MULTIPART = "multipart/form-data"
# The second holds no files, which is enough for a job whose pictures were uploaded ahead.
FORMS = frozenset({MULTIPART, "application/x-www-form-urlencoded"})


async def fields_in_their_place(request: Request) -> None:
    """A dependency of every route; those that are posted to take their fields from the body.

    Raises ``InvalidField``, and 415 where a form, or JSON, is asked for and something else came (RFC 9110, section 15.5.16).
    """
    if request.method != "POST":
        return
    for name in request.query_params:
        raise InvalidField(f"{quoted(name)}: send it in the body, not in the address.", field=quoted(name))
    body = request.scope["route"].body_field
    if body is None:
        return
    kind = parse_options_header(request.headers.get("content-type"))[0].decode("latin-1")
    if not isinstance(body.field_info, Form):
        if kind != JSON and not kind.endswith("+json"):
            _refuse(request, JSON, f"Send it as JSON ({JSON}), as curl --json does.")
        return
    if kind not in FORMS:
        _refuse(request, MULTIPART, f"Send the fields, pictures too, as a form ({MULTIPART}), as curl -F does.")
    counts = Counter(name for name, _ in (await request.form()).multi_items())
    for name in cast(type[BaseModel], body.field_info.annotation).model_fields:
        if counts[name] > 1 and name not in REPEATED:
            raise InvalidField(f"{name}: sent {counts[name]} times; send it once.", field=name)


def _refuse(request: Request, wanted: str, told: str) -> None:
    """Raises 415. Of a request without a body, pydantic says what is missing."""
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, told, {"Accept": wanted})
