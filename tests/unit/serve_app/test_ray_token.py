"""The token that Ray's processes share is there whole or not at all, and for nobody else to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from serve_app.ray_token import find_token_a_place


@pytest.fixture(autouse=True)
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(Path, "home", lambda: Path("/proc/self"))


def test_a_process_that_is_ended_while_it_makes_the_token_leaves_no_part_of_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ended(_bytes: int) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("secrets.token_hex", ended)
        with pytest.raises(KeyboardInterrupt):
            find_token_a_place(tmp_path)
    find_token_a_place(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ray-token"]
    assert len((tmp_path / "ray-token").read_text()) == 64


def test_of_two_that_make_one_the_first_one_counts(tmp_path: Path) -> None:
    find_token_a_place(tmp_path)
    first = (tmp_path / "ray-token").read_text()
    os.environ.clear()
    find_token_a_place(tmp_path)
    assert (tmp_path / "ray-token").read_text() == first
    assert (tmp_path / "ray-token").stat().st_mode & 0o077 == 0
