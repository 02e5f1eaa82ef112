"""What the doctor concludes, from facts made up for the purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from registry.manifest import Description, Licence
from registry.publish import describe, publish_folder
from registry.store import FolderStore
from serve_app.doctor import checks
from serve_app.doctor.checks import Finding
from serve_app.settings import ModelChoice
from tests import versions

REQUIREMENTS = [
    "numpy>=2.0",
    "ray[serve]>=2.60",
    "old; python_version < '3'",
    "faiss-cpu>=1.15; extra == 'cpu'",
    "onnxruntime>=1.31; extra == 'cpu'",
    "redis>=6; extra == 'cluster'",
    "boto3>=1; extra == 'cluster'",
]


def having(**versions: str) -> Callable[[str], str | None]:
    return lambda name: versions.get(name.replace("-", "_"))


def levels(findings: Iterable[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_a_recent_python_with_pip_is_fine() -> None:
    assert levels(checks.python((3, 13), has_pip=True)) == ["ok"]


def test_an_old_python_is_a_problem_and_a_missing_pip_a_warning() -> None:
    old, pip = checks.python((3, 10), has_pip=False)
    assert (old.level, pip.level) == ("problem", "warning")
    assert "3.11" in old.remedy
    assert "ensurepip" in pip.remedy


def test_all_required_packages_are_one_line() -> None:
    (found,) = checks.packages(REQUIREMENTS, having(numpy="2.4", ray="2.60.0"))
    assert found == Finding("ok", "2 required packages, Ray 2.60.0, NumPy 2.4")


def test_each_missing_or_old_package_is_a_problem() -> None:
    found = list(checks.packages(REQUIREMENTS, having(numpy="1.26")))
    assert levels(found) == ["problem", "problem"]
    assert [finding.text for finding in found] == ["numpy 1.26 is installed, >=2.0 is needed", "ray is not installed"]


def test_extras_are_whole_in_part_or_not_worth_a_word() -> None:
    found = list(checks.extras(REQUIREMENTS, having(faiss_cpu="1.15", onnxruntime="1.31")))
    assert found == [Finding("ok", "extra cpu")]
    (part,) = checks.extras(REQUIREMENTS, having(redis="7"))
    assert part == Finding("note", "extra cluster in part: boto3 is not installed")


def test_both_onnx_runtimes_at_once_are_a_problem() -> None:
    (found,) = checks.collisions(having(onnxruntime="1.31", onnxruntime_gpu="1.31"))
    assert found.level == "problem"
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in found.remedy


def test_no_onnx_runtime_is_a_problem() -> None:
    (found,) = checks.collisions(having())
    assert found.level == "problem"
    assert "pip install -e '.[cpu]'" in found.remedy


@pytest.mark.parametrize(("one", "text"), [("onnxruntime", "ONNX Runtime 1.31"), ("onnxruntime_gpu", "1.31 for GPUs")])
def test_one_onnx_runtime_is_right(one: str, text: str) -> None:
    (found,) = checks.collisions(having(**{one: "1.31"}))
    assert found.level == "ok"
    assert text in found.text


def test_two_opencvs_are_a_warning() -> None:
    found = list(checks.collisions(having(onnxruntime="1", opencv_python="5", opencv_python_headless="5")))
    assert levels(found) == ["ok", "warning"]


# GPUs


def never() -> str | None:
    raise AssertionError("asked although there is nothing to ask")


def fine() -> str | None:
    return None


CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]
CPU = ["CPUExecutionProvider"]


def test_a_machine_without_a_gpu_is_as_good_as_any() -> None:
    assert levels(checks.gpus([], CPU, wanted=False, onnx_trouble=never, torch_trouble=never)) == ["note", "note"]


def test_a_missing_gpu_is_a_problem_where_one_is_wanted() -> None:
    assert levels(checks.gpus([], CPU, wanted=True, onnx_trouble=never, torch_trouble=never)) == ["note", "problem"]


@pytest.mark.parametrize(("wanted", "level"), [(False, "warning"), (True, "problem")])
def test_a_gpu_the_onnx_build_cannot_use_is_pointed_out(wanted: bool, level: str) -> None:
    found = list(checks.gpus(["H100"], CPU, wanted=wanted, onnx_trouble=never, torch_trouble=fine))
    assert levels(found) == ["note", "ok", level]
    assert ".[gpu]" in found[-1].remedy


def test_a_gpu_counts_as_used_only_after_a_run_on_it() -> None:
    found = list(checks.gpus(["H100"], CUDA, wanted=False, onnx_trouble=fine, torch_trouble=fine))
    assert found[-1] == Finding("ok", "ONNX Runtime computes on the GPU")
    found = list(checks.gpus(["H100"], CUDA, wanted=False, onnx_trouble=lambda: "no cuDNN", torch_trouble=fine))
    assert (found[-1].level, "no cuDNN" in found[-1].text) == ("warning", True)


def test_a_torch_that_cannot_use_the_gpu_is_pointed_out() -> None:
    found = list(checks.gpus(["H100"], CUDA, wanted=False, onnx_trouble=fine, torch_trouble=lambda: "CPU build"))
    assert (found[-1].level, "CPU build" in found[-1].text) == ("warning", True)


# Models


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "models")


def install(store: FolderStore, folder: Path, task: str, *, commercial: bool = True) -> None:
    folder.mkdir()
    (folder / "net.dat").write_bytes(b"abc")
    licence = Licence(name="MIT" if commercial else "CC-BY-NC-4.0", commercial_use=commercial)
    backend = "open-nsfw" if task == "moderation" else ""
    told = Description(model=folder.name, version="v1", task=task, format="data", backend=backend, licence=licence)
    publish_folder(store, describe(folder, told), folder)


def test_an_empty_store_is_a_problem_with_its_command(store: FolderStore) -> None:
    (found,) = checks.models(store)
    assert (found.level, found.remedy) == ("problem", "Run: masquerade models pull --starter")


def test_each_model_is_named_with_its_licence(store: FolderStore, tmp_path: Path) -> None:
    install(store, tmp_path / "free", "moderation")
    install(store, tmp_path / "research", "face-analysis", commercial=False)
    free, research = checks.models(store)
    assert free == Finding("ok", "free@v1: moderation, MIT (commercial use allowed), files verified")
    assert research.level == "note"
    assert "CC-BY-NC-4.0 (no commercial use)" in research.text


def test_a_model_that_changed_on_disk_is_a_problem(store: FolderStore, tmp_path: Path) -> None:
    install(store, tmp_path / "net", "moderation")
    path = store.get("net").path("net.dat")
    path.chmod(0o644)
    path.write_bytes(b"abd")
    (found,) = checks.models(store)
    assert found.level == "problem"
    assert "net@v1 is damaged: net.dat has sha256" in found.text
    assert "masquerade models pull net@v1" in found.remedy


def test_without_moderation_the_studio_does_not_start(store: FolderStore) -> None:
    found = {finding.text: finding.level for finding in checks.capabilities(store, ModelChoice())}
    assert found["moderation has no model"] == "problem"
    assert found["style has no model"] == "warning"


def test_a_capability_is_listed_with_the_version_that_serves_it(store: FolderStore, tmp_path: Path) -> None:
    install(store, tmp_path / "net", "moderation")
    assert Finding("ok", "moderation: net@v1") in list(checks.capabilities(store, ModelChoice()))


def test_a_pack_that_no_network_follows_is_a_warning(store: FolderStore) -> None:
    versions.publish(store, {"w": b"1"}, model="style-fine", task="style")
    for model, weights in (("styles-wreck", b"0"), ("styles-wave", b"1")):
        pinned = {"style-fine": hashlib.sha256(weights).hexdigest()}
        versions.publish(store, {"p": b"1"}, model=model, task="style-pack", requires=pinned)
    (told,) = (one for one in checks.capabilities(store, ModelChoice()) if "left out" in one.text)
    assert (told.level, told.text) == (
        "warning",
        "styles-wreck@v1 is left out: it was made for other weights than those of style-fine@v1",
    )
    assert told.remedy.endswith("--network style-fine@v1")


def test_a_model_that_is_chosen_but_not_installed_is_a_problem(store: FolderStore) -> None:
    (found,) = checks.capabilities(store, ModelChoice(faces="nobody@v3"))
    assert found.level == "problem"
    assert "nobody" in found.text


# Ports and disk


def test_a_taken_port_is_named_with_who_has_it() -> None:
    free, taken = checks.ports({(8000, "the studio"): None, (6379, "Redis"): "redis-server (process 7)"})
    assert free == Finding("ok", "Port 8000 (the studio) is free")
    assert taken.level == "warning"
    assert "taken by redis-server (process 7)" in taken.text


def test_the_port_of_the_studio_that_is_open_is_no_trouble() -> None:
    holders = {(8000, "the studio"): "ray::ServeRepli (process 9)", (6379, "Redis"): "redis-server (process 7)"}
    ours, other = checks.ports(holders, is_open=True)
    assert ours == Finding("ok", "Port 8000 (the studio) is in use: the studio is open")
    assert other.level == "warning"
    assert [finding.level for finding in checks.ports(holders)] == ["warning", "warning"]


@pytest.mark.parametrize(("free", "level"), [(0, "problem"), (2**30, "warning"), (2**40, "ok")])
def test_the_less_space_the_louder(free: int, level: str) -> None:
    assert levels(checks.disk("/models", free)) == [level]
