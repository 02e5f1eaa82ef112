"""The product's errors cross process borders whole and keep stable names."""

from __future__ import annotations

import pickle

import pytest

from deployments import errors
from deployments.errors import MasqueradeError, Refused

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MasqueradeError)]


def test_an_error_survives_the_way_between_processes() -> None:
    sent = Refused("This picture breaks our rule on nudity.", rule="nudity")
    received = pickle.loads(pickle.dumps(sent))
    assert type(received) is Refused
    assert received.message == sent.message
    assert received.details == {"rule": "nudity"}
    assert str(received) == sent.message


def test_no_two_errors_share_a_slug() -> None:
    slugs = [kind.slug for kind in ALL]
    assert len(slugs) == len(set(slugs))


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_an_http_answer(kind: type[MasqueradeError]) -> None:
    assert 400 <= kind.status < 600
    assert kind.title
