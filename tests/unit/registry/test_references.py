"""Names of versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.references import natural, next_version


@pytest.mark.parametrize(
    ("versions", "following"),
    [
        ([], "v1"),
        (["v1", "v2"], "v3"),
        (["v9", "v10"], "v11"),
        (["v1", "v3"], "v4"),
        (["v2", "trial", "v2-fast", "2024"], "v3"),
    ],
)
def test_the_next_version_follows_the_highest_and_fills_no_gap(versions: list[str], following: str) -> None:
    assert next_version(versions) == following


@given(st.lists(st.from_regex(r"v?(0|1|01|001)(rc|\.)?(0|1|01)?", fullmatch=True), unique=True))
def test_the_order_of_versions_does_not_depend_on_how_they_were_listed(versions: list[str]) -> None:
    assert sorted(versions, key=natural) == sorted(reversed(versions), key=natural)
