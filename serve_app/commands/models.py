"""``masquerade models``: what is installed, what can be pulled, and whether it is still what was published."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.table import Table

from registry import catalogue
from registry.catalogue import Entry
from registry.errors import LicenceNotAccepted, RegistryError
from registry.manifest import MANIFEST, Description, Format, Licence, Task, dump_manifest, load_manifest
from registry.publish import describe, publish_folder
from registry.pull import pull as pull_entry
from registry.store import FolderStore
from serve_app.commands.progress import download_progress
from serve_app.settings import Settings

app = typer.Typer(
    help="List, fetch, check and publish model versions.",
    epilog="Examples:  masquerade models list  ·  masquerade models pull --starter  ·  masquerade models verify",
    no_args_is_help=True,
)
console = Console()
errors = Console(stderr=True)

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", envvar="MASQUERADE_MODELS_DIR", show_default="var/models", help="Folder the model versions lie in."
    ),
]


@app.command("list", epilog="Examples:  masquerade models list  ·  masquerade models list --available")
def list_versions(
    available: Annotated[bool, typer.Option("--available", help="What can be pulled, installed or not.")] = False,
    store: StoreOption = None,
) -> None:
    """Show the installed versions, or with --available the catalogue."""
    with _explained():
        opened = _open(store)
        if available:
            console.print(_catalogue_table(opened))
        elif opened.models():
            console.print(_installed_table(opened))
        else:
            console.print(_NOTHING)


@app.command(epilog="Examples:  masquerade models pull --starter  ·  masquerade models pull buffalo-l --accept-licence")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Models of the catalogue: NAME or NAME@VERSION.")] = None,
    starter: Annotated[bool, typer.Option("--starter", help="Everything `masquerade demo` needs.")] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept, unasked, licences that want consent.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Fetch model versions, check their hashes, and publish them in the store."""
    with _explained():
        if not names and not starter:
            raise RegistryError(
                "Name what to pull, or pass --starter; `masquerade models list --available` shows what there is."
            )
        opened = _open(store)
        for entry in [*(catalogue.starter() if starter else ()), *map(catalogue.find, names or ())]:
            _pull(opened, entry, accept_licence=accept_licence)


@app.command(epilog="Examples:  masquerade models verify  ·  masquerade models verify open-nsfw dlib-faces@v1")
def verify(
    refs: Annotated[list[str] | None, typer.Argument(help="NAME, NAME@VERSION or NAME@ALIAS; all if left out.")] = None,
    store: StoreOption = None,
) -> None:
    """Hash every file again and compare with the manifests. Exits 1 when anything is amiss."""
    with _explained():
        opened = _open(store)
        wanted = refs or _installed(opened)
        if not wanted:
            console.print(_NOTHING)
        broken = [problem for ref in wanted if (problem := _verify(opened, ref))]
        if broken:
            raise typer.Exit(1)


@app.command(epilog="Examples:  masquerade models show open-nsfw  ·  masquerade models show buffalo-l")
def show(
    ref: Annotated[str, typer.Argument(help="NAME, NAME@VERSION or NAME@ALIAS.")], store: StoreOption = None
) -> None:
    """Show a version's manifest, from the store or else from the catalogue."""
    with _explained():
        opened = _open(store)
        if ref.partition("@")[0] in opened.models():
            version = opened.get(ref)
            typer.echo(f"# {version.ref} in {version.folder}\n{dump_manifest(version.manifest)}", nl=False)
        else:
            entry = catalogue.find(ref)
            where = f"not installed; `masquerade models pull {entry.ref}` fetches it"
            typer.echo(f"# {entry.ref}, {where}\n{dump_manifest(entry)}", nl=False)


@app.command(
    "import",
    epilog="Example:  masquerade models import ./net --name my-style --task style --format onnx --licence MIT",
)
def import_folder(
    folder: Annotated[Path, typer.Argument(help="Folder with the files.", exists=True, file_okay=False)],
    *,
    name: Annotated[str | None, typer.Option(help="What to call the model.")] = None,
    task: Annotated[Task | None, typer.Option(help="What the model does.")] = None,
    file_format: Annotated[Format | None, typer.Option("--format", help="What its files are.")] = None,
    version: Annotated[str | None, typer.Option(show_default="the next free v1, v2 …")] = None,
    backend: Annotated[str, typer.Option(help="The engine's backend that reads it, such as transformers.")] = "",
    title: Annotated[str, typer.Option(help="One line for people.")] = "",
    contract: Annotated[
        Path | None, typer.Option("--input", help="YAML file with the input contract its engine reads.", exists=True)
    ] = None,
    embedding_space: Annotated[str | None, typer.Option(help="Name of the vector space of its embeddings.")] = None,
    licence: Annotated[str, typer.Option(help="SPDX identifier.")] = "LicenseRef-unknown",
    commercial_use: Annotated[bool, typer.Option("--commercial-use", help="The licence allows it.")] = False,
    store: StoreOption = None,
) -> None:
    """Publish your own files as a new version.

    A folder with a manifest.yaml is published as that says; for any other, give --name, --task and --format.
    """
    with _explained():
        opened = _open(store)
        if (folder / MANIFEST).is_file():
            if name or task or file_format or version:
                raise RegistryError(f"{folder} holds a {MANIFEST}, which says name, task, format and version itself.")
            manifest = load_manifest(folder / MANIFEST)
        else:
            if not (name and task and file_format):
                raise RegistryError(f"{folder} holds no {MANIFEST}; give --name, --task and --format.")
            description = Description(
                model=name,
                version=version or _next_version(opened, name),
                task=task,
                format=file_format,
                title=title,
                backend=backend,
                input=yaml.safe_load(contract.read_text(encoding="utf-8")) if contract else {},
                embedding_space=embedding_space,
                licence=Licence(name=licence, commercial_use=commercial_use),
            )
            manifest = describe(folder, description)
        published = publish_folder(opened, manifest, folder)
        console.print(f"[green]published[/]  {published.ref} in {published.folder}", soft_wrap=True, highlight=False)


_NOTHING = "Nothing is installed; `masquerade models pull --starter` fetches the starter set."


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what can go wrong into one sentence and exit status 1."""
    try:
        yield
    except (RegistryError, OSError, ValueError, yaml.YAMLError) as error:
        errors.print(_sentence(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _sentence(error: Exception) -> str:
    match error:
        case ValidationError():
            first = error.errors()[0]
            return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}."
        case OSError(strerror=str(reason), filename=name) if name is not None:
            return f"{name}: {reason}."
        case _:
            return str(error)


def _open(store: Path | None) -> FolderStore:
    return FolderStore(store or Settings().store_dir)


def _installed(store: FolderStore) -> list[str]:
    return [f"{model}@{version}" for model in store.models() for version in store.versions(model)]


def _next_version(store: FolderStore, model: str) -> str:
    taken = set(store.versions(model))
    return next(name for number in range(1, len(taken) + 2) if (name := f"v{number}") not in taken)


def _pull(store: FolderStore, entry: Entry, *, accept_licence: bool) -> None:
    try:
        with download_progress(console) as progress:
            pulled = pull_entry(store, entry, progress=progress, accept_licence=accept_licence)
    except LicenceNotAccepted:
        if not _at_a_terminal():
            raise
        licence = entry.licence
        console.print(f"[bold]{entry.ref}[/] comes under {licence.name}: {licence.url}", highlight=False)
        console.print(f"{licence.attribution}", markup=False, highlight=False)
        if not typer.confirm("Do you accept this licence?"):
            raise
        _pull(store, entry, accept_licence=True)
        return
    state = "[green]pulled[/] " if pulled.fetched else "[dim]present[/]"
    console.print(f"{state}  {pulled.version.ref}", highlight=False)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _verify(store: FolderStore, ref: str) -> str | None:
    """Print what became of one version; the problem if there is one."""
    try:
        console.print(f"[green]ok[/]      {store.verify(ref).ref}", highlight=False)
    except RegistryError as error:
        console.print(f"broken  {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return str(error)
    return None


def _installed_table(store: FolderStore) -> Table:
    table = _table("size")
    for ref in _installed(store):
        try:
            manifest = store.get(ref).manifest
        except RegistryError:
            table.add_row(ref, "[red]damaged, see `masquerade models verify`[/]")
            continue
        routing = store.routing(manifest.model)
        named = routing.aliases() if routing else {}
        aliases = [alias for alias, version in named.items() if version == manifest.version]
        name, *rest = _columns(manifest)
        size = sum(entry.size for entry in manifest.files)
        table.add_row(" ".join([name, *(f"[cyan]{alias}[/]" for alias in aliases)]), *rest, f"{size / 2**20:,.1f} MB")
    return table


def _catalogue_table(store: FolderStore) -> Table:
    starter, installed = {entry.ref for entry in catalogue.starter()}, set(_installed(store))
    table = _table("state")
    for entry in catalogue.known():
        state = "installed" if entry.ref in installed else "starter" if entry.ref in starter else ""
        table.add_row(*_columns(entry), state)
    return table


def _table(*more: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("model", "task", "licence", "commercial", *more):
        table.add_column(title, no_wrap=title != "licence", overflow="fold")
    return table


def _columns(described: Description) -> tuple[str, str, str, str]:
    licence = described.licence
    # The prefix only says that SPDX has no name for it.
    name = licence.name.replace("LicenseRef-", "")
    return described.ref, described.task, name, "yes" if licence.commercial_use else "[yellow]no[/]"
