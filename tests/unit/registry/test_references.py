"""Names of versions."""

from __future__ import annotations

import pytest

from registry.references import next_version


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
