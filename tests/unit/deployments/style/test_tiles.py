from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.style.tiles import spans


@given(st.integers(1, 2000), st.integers(3, 200), st.integers(0, 30))
def test_kept_parts_cover_every_pixel_once_with_a_margin_all_round(cells: int, tile: int, margin: int) -> None:
    length, tile, margin = 4 * cells, 4 * max(tile, 2 * margin + 1), 4 * margin
    at = 0
    for span in spans(length, tile, margin):
        assert span.keep_start == at < span.keep_stop
        assert span.stop - span.start <= tile
        assert span.start % 4 == 0
        assert span.start == 0 or span.keep_start - span.start >= margin
        assert span.stop == length or span.stop - span.keep_stop >= margin
        at = span.keep_stop
    assert at == length


def test_what_fits_one_tile_is_one_tile() -> None:
    (span,) = spans(64, 64, 28)
    assert (span.source, span.kept, span.inner) == (slice(0, 64), slice(0, 64), slice(0, 64))


def test_margins_that_eat_the_whole_tile_are_refused() -> None:
    with pytest.raises(ValueError, match="leave nothing"):
        list(spans(1000, 64, 32))
