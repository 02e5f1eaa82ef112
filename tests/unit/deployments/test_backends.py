from __future__ import annotations

from pathlib import Path

import pytest

from deployments.backends import Backends
from deployments.runtime import Runtime
from registry.manifest import ModelVersion
from tests.versions import version_of

BACKENDS: Backends[str] = Backends(
    "moderation",
    {"plain": (lambda version, _: version.ref, ()), "heavy": (lambda version, _: version.ref, ("no_such_package",))},
)


def moderator(folder: Path, backend: str, task: str = "moderation") -> ModelVersion:
    return version_of(folder, task=task, format="onnx", backend=backend)


def test_runnable_is_what_is_for_the_task_and_has_its_packages_installed(tmp_path, monkeypatch) -> None:
    plain, heavy = moderator(tmp_path, "plain").manifest, moderator(tmp_path, "heavy").manifest
    others = [moderator(tmp_path, "tea-leaves").manifest, moderator(tmp_path, "plain", task="authenticity").manifest]
    assert BACKENDS.runnable([plain, heavy, *others]) == [plain]
    monkeypatch.setattr("deployments.backends.find_spec", lambda package: package)
    assert BACKENDS.runnable([plain, heavy, *others]) == [plain, heavy]


def test_a_version_is_opened_by_the_backend_it_names(tmp_path) -> None:
    assert BACKENDS.open(moderator(tmp_path, "plain"), Runtime()) == "net@v1"


@pytest.mark.parametrize(
    ("backend", "said"), [("tea-leaves", "the backend 'tea-leaves', unknown here"), ("", "no backend")]
)
def test_who_names_an_unknown_backend_is_told_the_known_ones(tmp_path, backend, said) -> None:
    with pytest.raises(ValueError, match=f"net@v1 has {said}; moderation models are read by one of: heavy, plain"):
        BACKENDS.open(moderator(tmp_path, backend), Runtime())
