"""What goes with a picture, as headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.store import FolderStore
from serve_app.presenting import result_headers
from serve_app.selection import Selection

from .conftest import FreeInventory


@pytest.mark.parametrize("count", [1, 3, 400])
def test_the_notes_of_a_picture_fit_into_what_proxies_take_and_the_rest_is_counted(tmp_path: Path, count: int) -> None:
    notes = [f"face {number} stays: It is turned too far away." for number in range(count)]
    headers = result_headers(["swapper@v1"], FreeInventory(FolderStore(tmp_path), Selection()), notes)
    told = headers["X-Notes"].split(" | ")
    if count < 10:
        assert told == notes
    else:
        assert told[:-1] == notes[: len(told) - 1]
        assert told[-1] == f"and {count - len(told) + 1} more"
    assert sum(len(name) + len(value) + 4 for name, value in headers.items()) < 2400


def test_a_picture_without_notes_has_no_header_for_them(tmp_path: Path) -> None:
    assert "X-Notes" not in result_headers(["painter@v1"], FreeInventory(FolderStore(tmp_path), Selection()))
