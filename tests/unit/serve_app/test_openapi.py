"""Whatever a client sends by the OpenAPI document, or beside it, gets an answer the document knows and no server error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

OPERATIONS = [
    "POST /v1/style", "POST /v1/swap", "POST /v1/anonymize", "POST /v1/moderate", "POST /v1/authenticity", "POST /v1/faces",
    "POST /v1/lookalike", "POST /v1/jobs", "POST /v1/uploads", "GET /v1/jobs/{job_id}", "GET /v1/jobs/{job_id}/result",
    "DELETE /v1/jobs/{job_id}", "GET /v1/styles", "GET /v1/styles/{name}/preview.jpg", "GET /v1/gallery/{picture}",
    "GET /v1/models", "POST /v1/models/{model}/promote", "POST /v1/models/{model}/canary",
    "POST /v1/models/{model}/shadow", "POST /v1/models/{model}/rollback", "GET /v1/config", "GET /v1/status",
    "GET /v1/artworks", "GET /v1/artworks/{artwork_id}", "GET /v1/samples", "GET /v1/samples/{name}", "GET /healthz", "GET /readyz",
]  # fmt: skip


# Where nothing, or nothing but a word in the path, is asked for, there is no way to send something invalid.
CASES = [(operation, GenerationMode.POSITIVE) for operation in OPERATIONS] + [
    (operation, GenerationMode.NEGATIVE)
    for operation in OPERATIONS
    if operation.startswith("POST") and operation != "POST /v1/uploads"
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_operation_keeps_its_promises(client: TestClient, operation: str, mode: GenerationMode) -> None:
    method, path = operation.split(" ")
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    strategy = schema[path][method].as_strategy(generation_mode=mode)

    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def holds(case: Case) -> None:
        # Random bytes are valid by the document and still no picture; 415 is the right answer to them.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    holds()


def test_every_path_that_documents_name_is_there(client: TestClient) -> None:
    root = Path(__file__).parents[3]
    there = [re.sub(r"\{\w+\}", "[^/]+", path) for path in client.get("/openapi.json").json()["paths"]]
    documents = [root / "README.md", *root.glob("docs/**/*.md")]
    named = {path for document in documents for path in re.findall(r"/v1/[\w{}/-]*\w\}?", document.read_text())}
    assert len(named) > 10
    assert not [path for path in named if not any(re.fullmatch(known, path) for known in there)]


MADE = {"X-Model", "X-Commercial-Use"}
NOTED = MADE | {"X-Notes"}
HEADERS = {
    "POST /v1/style 200": NOTED, "POST /v1/swap 200": NOTED, "POST /v1/anonymize 200": NOTED,
    "POST /v1/faces 200": MADE, "POST /v1/lookalike 200": MADE, "POST /v1/moderate 200": MADE, "POST /v1/authenticity 200": MADE,
    "GET /v1/styles 200": {"X-Model"}, "GET /v1/styles/{name}/preview.jpg 200": {"ETag"},
    "POST /v1/jobs 202": {"Location"}, "GET /v1/jobs/{job_id}/result 200": NOTED,
    "GET /v1/jobs/{job_id}/result 409": {"Retry-After"},
    "POST /v1/style 429": {"Retry-After"}, "GET /v1/models 503": {"Retry-After"},
    "POST /v1/style 422": set(), "POST /v1/models/{model}/promote 409": set(),
}  # fmt: skip


@pytest.mark.parametrize("answer", HEADERS)
def test_the_document_names_the_headers_of_an_answer(client: TestClient, answer: str) -> None:
    method, path, status = answer.split(" ")
    responses = client.get("/openapi.json").json()["paths"][path][method.lower()]["responses"]
    assert set(responses[status]["headers"]) == HEADERS[answer] | {"X-Request-Id"}
    assert responses[status]["description"]


def test_all_problems_are_of_one_schema_that_the_document_names_once(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    problems = [
        answer["content"]["application/problem+json"]["schema"]
        for operations in document["paths"].values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
    ]
    assert len(problems) > 100
    assert all(problem == {"$ref": "#/components/schemas/Problem"} for problem in problems)
    assert document["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "detail"]


def test_the_list_above_is_complete(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    found = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert found == set(OPERATIONS)
