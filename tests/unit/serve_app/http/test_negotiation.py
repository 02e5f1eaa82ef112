"""Which form of an answer a client gets, by what it says it accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve_app.http.negotiation import preferred

JSON, JPEG = "application/json", "image/jpeg"


@pytest.mark.parametrize(
    "accept",
    [
        "image/jpeg", "IMAGE/JPEG", "image/*", "text/html, image/jpeg", "application/json;q=0.5, image/jpeg",
        "image/jpeg, application/json", "image/jpeg, application/problem+json", "image/*;q=0.9, application/json;q=0.1",
        "image/avif,image/webp,image/*,*/*;q=0.8", "*/*;q=0.1, image/jpeg", "application/json;q=0, */*", "image/jpeg;q=0.001",
    ],
)  # fmt: skip
def test_a_picture_is_for_who_wants_one_most(accept: str) -> None:
    assert preferred(accept, (JSON, JPEG)) == JPEG


@pytest.mark.parametrize(
    "accept",
    [
        "", "*/*", "application/json", "application/*", "application/json, image/jpeg", "image/jpeg;q=0",
        "image/jpeg;q=0.1, application/json", "image/jpeg;q=0, */*", "image/*;q=0.5, application/json", "text/plain",
        "image/jpeg; q=0.2 , application/json ; q=0.3", "image/jpeg;q=0, image/*", "garbage",
    ],
)  # fmt: skip
def test_everybody_else_gets_the_document(accept: str) -> None:
    assert preferred(accept, (JSON, JPEG)) == JSON


@given(accept=st.text(alphabet="imagejpgctonsq/*;=.,01 \t", max_size=60))
def test_whatever_is_accepted_one_of_the_forms_is_given(accept: str) -> None:
    assert preferred(accept, (JSON, JPEG)) in {JSON, JPEG}
