"""People's photos go when their time is over, whoever else removes some of them at the same moment."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from serve_app.objects import FolderObjects, new_key


def test_a_sweep_is_not_broken_off_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects, keys = FolderObjects(tmp_path), sorted(new_key("in") for _ in range(4))
    for key in keys:
        objects.put(key, b"a photo")
    is_file = Path.is_file
    taken: list[Path] = []

    def meanwhile(path: Path) -> bool:
        found = is_file(path)
        if found and len(taken) < 2:
            taken.append(path)
            path.unlink()
        return found

    monkeypatch.setattr(Path, "is_file", meanwhile)
    assert objects.sweep(time.time() + 60) == 2
    for key in keys:
        with pytest.raises(KeyError):
            objects.get(key)
