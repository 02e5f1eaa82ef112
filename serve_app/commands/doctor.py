"""``masquerade doctor``: is everything here to run the studio, and if not, what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from registry.errors import RegistryError
from registry.store import FolderStore, Store
from serve_app.commands.stores import StoreOption
from serve_app.commands.terminal import BAD, GOOD, NOTE, console
from serve_app.doctor import checks, probes
from serve_app.doctor.checks import Finding, Level
from serve_app.local import running_studio
from serve_app.settings import Settings, variable
from serve_app.wording import faults

app = typer.Typer()

Section = tuple[str, Iterable[Finding]]

_MARKS: dict[Level, str] = {
    "ok": f"[green]{GOOD}[/]",
    "note": f"[dim]{NOTE}[/]",
    "warning": "[yellow]![/]",
    "problem": f"[red]{BAD}[/]",
}
_RAY_PORTS = {8265: "Ray's dashboard", 6379: "Ray's head, or Redis"}


@app.command(epilog="Examples:  masquerade doctor  ·  masquerade doctor --gpu  ·  masquerade doctor --store /models")
def doctor(
    gpu: Annotated[bool, typer.Option("--gpu", help="A GPU has to be there and used; else exit 1.")] = False,
    store: StoreOption = None,
) -> None:
    """Check the installation, models, GPUs and ports. Exits 1 when something essential is missing."""
    counts = dict.fromkeys(_MARKS, 0)
    for title, findings in _sections(store, gpu=gpu):
        console.print(f"[bold]{escape(title)}[/]")
        for finding in findings:
            counts[finding.level] += 1
            _print(finding)
    console.print(f"\nproblems: {counts['problem']}, warnings: {counts['warning']}", highlight=False)
    if counts["problem"]:
        raise typer.Exit(1)


def _sections(store: str | None, *, gpu: bool) -> Iterator[Section]:
    yield "Python", checks.python(sys.version_info[:2], find_spec("pip") is not None)
    yield "Packages", _packages()
    yield (
        "GPU",
        checks.gpus(
            probes.visible_gpus(),
            probes.onnx_providers(),
            wanted=gpu,
            onnx_trouble=probes.onnx_gpu_trouble,
            torch_trouble=probes.torch_gpu_trouble,
        ),
    )
    try:
        settings = Settings()
    except ValidationError as error:
        texts = [f"{variable(*place)}: {said}" if place else said for place, said in faults(error)]
        yield "Settings", [Finding("problem", text, "Correct the environment variable.") for text in texts]
        return
    address = settings.model_store if store is None else settings.store_at(store)
    opened: Store | None = None
    try:
        opened = address.open()
    except RegistryError as error:
        yield f"Models in {address.where}", [Finding("problem", str(error))]
    else:
        yield f"Models in {opened.where}", checks.models(opened)
        yield "Capabilities", checks.capabilities(opened, settings.models)
    purposes = {settings.port: "the studio", **_RAY_PORTS}
    holders = {(port, what): probes.port_holder(port) for port, what in purposes.items()}
    yield "Ports", checks.ports(holders, is_open=running_studio(settings) is not None)
    folder = opened.root if isinstance(opened, FolderStore) else address.cache_dir or settings.data_dir
    yield "Disk", checks.disk(str(folder), probes.free_space(folder.absolute()))


def _packages() -> Iterator[Finding]:
    yield from checks.collisions(probes.installed)
    try:
        requirements = requires("masquerade") or []
    except PackageNotFoundError:
        yield Finding("problem", "masquerade itself is not installed", "Run: pip install -e .")
        return
    yield from checks.packages(requirements, probes.installed)
    yield from checks.extras(requirements, probes.installed)


def _print(finding: Finding) -> None:
    console.print(f"  {_MARKS[finding.level]} {escape(finding.text)}", highlight=False, soft_wrap=True)
    if finding.remedy:
        console.print(f"      → {escape(finding.remedy)}", highlight=False, soft_wrap=True)
