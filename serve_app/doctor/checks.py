"""What ``masquerade doctor`` concludes from the facts it is given. Nothing here touches the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.requirements import Requirement

from registry.errors import RegistryError, StoreUnavailable
from registry.manifest import Manifest
from registry.store import FolderStore, Store
from serve_app.selection import left_out, select
from serve_app.settings import ModelChoice

Level = Literal["ok", "note", "warning", "problem"]

MINIMUM_PYTHON = (3, 11)
_LITTLE_SPACE, _NO_SPACE = 2 * 2**30, 200 * 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. A ``problem`` is something essential that is missing; ``remedy`` says what to do."""

    level: Level
    text: str
    remedy: str = ""


Installed = Callable[[str], str | None]
"""Gives the version of an installed distribution, or ``None``."""


def python(version: tuple[int, int], has_pip: bool) -> Iterator[Finding]:
    """The interpreter, and the pip that fetches some starter models."""
    name = ".".join(map(str, version))
    if version < MINIMUM_PYTHON:
        wanted = ".".join(map(str, MINIMUM_PYTHON))
        yield Finding("problem", f"Python {name} is too old", f"Install Python {wanted} or newer and make .venv anew.")
    else:
        yield Finding("ok", f"Python {name}")
    if not has_pip:
        yield Finding(
            "warning", "pip is missing, which fetches models out of published packages", "Run: python -m ensurepip"
        )


def packages(requirements: Sequence[str], installed: Installed) -> Iterator[Finding]:
    """What always has to be there."""
    core = [one for one in map(Requirement, requirements) if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = list(_unmet(core, installed))
    for text in wrong:
        yield Finding("problem", text, "Run, in the project's folder: pip install -e '.[cpu]'   (or '.[gpu]')")
    if not wrong:
        yield Finding("ok", f"{len(core)} required packages, Ray {installed('ray')}, NumPy {installed('numpy')}")


def extras(requirements: Sequence[str], installed: Installed) -> Iterator[Finding]:
    """Which optional parts are installed, wholly or in part."""
    parsed = [one for one in map(Requirement, requirements) if one.marker and not one.marker.evaluate({"extra": ""})]
    names = sorted({text for one in parsed for text in str(one.marker).replace("'", '"').split('"')[1::2]})
    for name in names:
        parts = [one for one in parsed if one.marker and one.marker.evaluate({"extra": name})]
        unmet = list(_unmet(parts, installed))
        if not parts or len(unmet) == len(parts):
            continue
        if unmet:
            yield Finding("note", f"extra {name} in part: {'; '.join(unmet)}")
        else:
            yield Finding("ok", f"extra {name}")


def _unmet(requirements: Iterable[Requirement], installed: Installed) -> Iterator[str]:
    for one in requirements:
        found = installed(one.name)
        if found is None:
            yield f"{one.name} is not installed"
        elif not one.specifier.contains(found, prereleases=True):
            yield f"{one.name} {found} is installed, {one.specifier} is needed"


def collisions(installed: Installed) -> Iterator[Finding]:
    """Distributions that overwrite each other's files, and the runtime nothing works without."""
    plain, gpu = installed("onnxruntime"), installed("onnxruntime-gpu")
    if plain and gpu:
        yield Finding(
            "problem",
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files",
            "Run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu   (or onnxruntime)",
        )
    elif not plain and not gpu:
        yield Finding(
            "problem",
            "ONNX Runtime is not installed",
            "Run, in the project's folder: pip install -e '.[cpu]'   (or '.[gpu]')",
        )
    else:
        yield Finding("ok", f"ONNX Runtime {plain or gpu}{'' if plain else ' for GPUs'}")
    if installed("opencv-python") and installed("opencv-python-headless"):
        yield Finding(
            "warning",
            "opencv-python and opencv-python-headless are both installed and overwrite each other's files",
            "Run: pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python-headless",
        )


def gpus(
    found: Sequence[str],
    providers: Sequence[str],
    *,
    wanted: bool,
    onnx_trouble: Callable[[], str | None],
    torch_trouble: Callable[[], str | None],
) -> Iterator[Finding]:
    """Whether the GPUs the driver shows are really used.

    ``onnx_trouble`` and ``torch_trouble`` compute something on the GPU and say what went wrong; they are called only
    where there is a GPU. Without ``wanted``, a machine without one is as good as any.
    """
    yield Finding("note", f"ONNX Runtime offers {', '.join(providers) or 'nothing'}")
    if not found:
        yield Finding(
            "problem" if wanted else "note",
            "No NVIDIA GPU is visible",
            "Install the NVIDIA driver, or give the container its GPUs." if wanted else "",
        )
        return
    for name in found:
        yield Finding("ok", f"GPU {name}")
    level: Level = "problem" if wanted else "warning"
    if "CUDAExecutionProvider" not in providers:
        yield Finding(
            level,
            "ONNX Runtime cannot use the GPU: this build has no CUDA",
            "Run: pip uninstall -y onnxruntime && pip install -e '.[gpu]'",
        )
    elif trouble := onnx_trouble():
        yield Finding(level, f"ONNX Runtime cannot use the GPU: {trouble}", "Install CUDA and cuDNN of its version.")
    else:
        yield Finding("ok", "ONNX Runtime computes on the GPU")
    if trouble := torch_trouble():
        yield Finding(level, f"torch cannot use the GPU: {trouble}", "Install the CUDA build of torch.")


def models(store: Store) -> Iterator[Finding]:
    """Every installed version: its licence, and whether its files still hash to what was published.

    Of a store elsewhere the files are not fetched to be hashed: that happens when they are used.
    """
    local = isinstance(store, FolderStore)
    try:
        refs = [f"{model}@{version}" for model in store.models() for version in store.versions(model)]
    except StoreUnavailable as error:
        yield Finding("problem", str(error))
        return
    for ref in refs:
        try:
            yield _sound(store.verify(ref).manifest if local else store.manifest(ref), verified=local)
        except RegistryError as error:
            yield Finding("problem", str(error), f"Run: masquerade models pull {ref}   (if the catalogue has it)")
    if not refs:
        yield Finding("problem", f"No models in {store.where}", "Run: masquerade models pull --starter")


def _sound(manifest: Manifest, *, verified: bool) -> Finding:
    licence = manifest.licence
    terms = "commercial use allowed" if licence.commercial_use else "no commercial use"
    text = f"{manifest.ref}: {manifest.task}, {licence.name} ({terms}){', files verified' if verified else ''}"
    return Finding("ok" if licence.commercial_use else "note", text)


def capabilities(store: Store, wishes: ModelChoice) -> Iterator[Finding]:
    """What the studio could do with these models. Without moderation it does not start."""
    try:
        selection = select(store, wishes)
    except RegistryError as error:
        yield Finding("problem", str(error))
        return
    for capability, chosen in selection.chosen.items():
        yield Finding("ok", f"{capability}: {', '.join([chosen.model, *chosen.extras])}")
    for told in left_out(store, selection, wishes):
        remedy = f"masquerade style add PAINTING --name STYLE --network {selection.chosen['style'].model}"
        yield Finding("warning", told, f"Run: {remedy}")
    for capability, remedy in selection.missing.items():
        level: Level = "problem" if capability == "moderation" else "warning"
        yield Finding(level, f"{capability} has no model", f"Run: {remedy}")


def ports(holders: Mapping[tuple[int, str], str | None], *, is_open: bool = False) -> Iterator[Finding]:
    """``holders`` maps a port and what it is for to who has it, or ``None`` when it is free.

    ``is_open`` says that the studio of this data folder runs, whose gateway is one of Ray's processes.
    """
    for (port, purpose), holder in holders.items():
        if holder is None:
            yield Finding("ok", f"Port {port} ({purpose}) is free")
        elif is_open and holder.startswith("ray::"):
            yield Finding("ok", f"Port {port} ({purpose}) is in use: the studio is open")
        else:
            yield Finding(
                "warning", f"Port {port} ({purpose}) is taken by {holder}", "Stop it, or choose another port."
            )


def disk(folder: str, free: int) -> Iterator[Finding]:
    """Room for models and results, in bytes."""
    text = f"{free / 2**30:,.1f} GB free at {folder}"
    if free < _NO_SPACE:
        yield Finding("problem", text, "Free some space: the starter models alone take 200 MB.")
    elif free < _LITTLE_SPACE:
        yield Finding("warning", text, "Free some space before pulling more models.")
    else:
        yield Finding("ok", text)
