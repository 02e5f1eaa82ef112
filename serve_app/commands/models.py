"""``masquerade models``: what is installed, what can be pulled, and whether it is still what was published.

Which version serves is decided in :mod:`serve_app.commands.promotions`, what may go in
:mod:`serve_app.commands.housekeeping`; both are commands of the same application.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from deployments.fitness import check_fitness
from registry import catalogue
from registry.catalogue import Entry
from registry.errors import InvalidVersion, LicenceNotAccepted, RegistryError, StoreUnavailable, UnknownModelVersion
from registry.manifest import (
    MANIFEST,
    UNKNOWN_LICENCE,
    Description,
    Format,
    Licence,
    Manifest,
    ModelVersion,
    Task,
    dump_manifest,
    load_manifest,
)
from registry.publish import describe, publish_folder
from registry.pull import pull as pull_entry
from registry.references import check_version_name, next_version
from registry.routing import Routing
from registry.store import FolderStore, Store
from serve_app.commands import housekeeping, promotions
from serve_app.commands.displaced import telling_what_goes
from serve_app.commands.starter import ensure_gallery
from serve_app.commands.stores import StoreOption, explained, installed, moving, new_table, open_store, print_table
from serve_app.commands.terminal import at_a_terminal, console, sentence
from serve_app.settings import Settings

app = typer.Typer(
    help="List, fetch, check, publish and switch model versions.",
    epilog="Examples:  masquerade models list  ·  masquerade models pull --starter  ·  masquerade models verify  ·  "
    "masquerade models promote my-style@v2 --why 'sharper edges'",
    no_args_is_help=True,
)


@app.command("list", epilog="Examples:  masquerade models list  ·  masquerade models list --available")
def list_versions(
    available: Annotated[bool, typer.Option("--available", help="What can be pulled, installed or not.")] = False,
    store: StoreOption = None,
) -> None:
    """Show the installed versions, or with --available the catalogue."""
    with explained():
        opened = open_store(store)
        if available:
            print_table(_catalogue_table(opened))
        elif opened.models():
            print_table(_installed_table(opened))
        else:
            _say_nothing_is_in(opened)


@app.command(epilog="Examples:  masquerade models pull --starter  ·  masquerade models pull buffalo-l --accept-licence")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Models of the catalogue: NAME or NAME@VERSION.")] = None,
    starter: Annotated[bool, typer.Option("--starter", help="Everything `masquerade demo` needs.")] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept, unasked, licences that want consent.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Fetch model versions, check their hashes, and publish them in the store.

    What is in a shared store but not in the catalogue is brought to this machine.
    """
    with explained():
        if not names and not starter:
            raise RegistryError(
                "Name what to pull, or pass --starter; `masquerade models list --available` shows what there is."
            )
        opened = open_store(store)
        with telling_what_goes(opened):
            for entry in [*(catalogue.starter() if starter else ()), *(_wanted(opened, name) for name in names or ())]:
                if isinstance(entry, str):
                    _fetch(opened, entry)
                else:
                    _pull(opened, entry, accept_licence=accept_licence)
            if starter:
                ensure_gallery(opened)


@app.command(epilog="Examples:  masquerade models verify  ·  masquerade models verify open-nsfw dlib-faces@v2")
def verify(
    refs: Annotated[list[str] | None, typer.Argument(help="NAME, NAME@VERSION or NAME@ALIAS; all if left out.")] = None,
    store: StoreOption = None,
) -> None:
    """Hash every file again and compare with the manifests. Exits 1 when anything is amiss."""
    with explained():
        opened = open_store(store)
        wanted = refs or installed(opened)
        if not wanted:
            _say_nothing_is_in(opened)
        broken = [problem for ref in wanted if (problem := _verify(opened, ref))]
        if broken:
            raise typer.Exit(1)


@app.command(epilog="Examples:  masquerade models show open-nsfw  ·  masquerade models show buffalo-l")
def show(
    ref: Annotated[str, typer.Argument(help="NAME, NAME@VERSION or NAME@ALIAS.")], store: StoreOption = None
) -> None:
    """Show a version's manifest, from the store or else from the catalogue."""
    with explained():
        opened = open_store(store)
        model = ref.partition("@")[0]
        if model in opened.models():
            manifest, routing = opened.manifest(ref), opened.routing(model)
            serving = f"# serving: {routing}" if routing else "# serving: the newest version; nobody has promoted one"
            typer.echo(f"# {manifest.ref} in {opened.where}\n{serving}\n{dump_manifest(manifest)}", nl=False)
        else:
            entry = catalogue.find(ref)
            where = f"not installed; `masquerade models pull {entry.ref}` fetches it"
            typer.echo(f"# {entry.ref}, {where}\n{dump_manifest(entry)}", nl=False)


@app.command(
    "import",
    epilog="Example:  masquerade models import ./vit --name my-judge --task moderation --format transformers "
    "--backend transformers --licence MIT",
)
def import_folder(
    folder: Annotated[Path, typer.Argument(help="Folder with the files.", exists=True, file_okay=False)],
    *,
    name: Annotated[str | None, typer.Option(help="What to call the model.")] = None,
    task: Annotated[Task | None, typer.Option(help="What the model does.")] = None,
    file_format: Annotated[Format | None, typer.Option("--format", help="What its files are.")] = None,
    version: Annotated[
        str | None, typer.Option(help="What to call this version.", show_default="the next free v1, v2 …")
    ] = None,
    backend: Annotated[str, typer.Option(help="The engine's backend that reads it, such as transformers.")] = "",
    title: Annotated[str, typer.Option(help="One line for people.")] = "",
    contract: Annotated[
        Path | None, typer.Option("--input", help="YAML file with the input contract its engine reads.", exists=True)
    ] = None,
    embedding_space: Annotated[str | None, typer.Option(help="Name of the vector space of its embeddings.")] = None,
    licence: Annotated[str, typer.Option(help="SPDX identifier.")] = UNKNOWN_LICENCE,
    commercial_use: Annotated[bool, typer.Option("--commercial-use", help="The licence allows it.")] = False,
    store: StoreOption = None,
) -> None:
    """Publish your own files as a new version.

    A folder with a manifest.yaml is published as that says; for any other, give --name, --task and --format.
    """
    with explained():
        opened = open_store(store)
        if (folder / MANIFEST).is_file():
            told = (name, task, file_format, version, backend, title, contract, embedding_space, commercial_use)
            if any(told) or licence != UNKNOWN_LICENCE:
                raise RegistryError(f"{folder} holds a {MANIFEST}, which says all that itself: give no options.")
            try:
                manifest = load_manifest(folder / MANIFEST)
            except ValueError as error:
                raise InvalidVersion(f"{folder / MANIFEST} describes no version: {sentence(error)}") from error
        else:
            if not (name and task and file_format):
                raise RegistryError(f"{folder} holds no {MANIFEST}; give --name, --task and --format.")
            description = Description(
                model=name,
                version=version or next_version(opened, name),
                task=task,
                format=file_format,
                title=title,
                backend=backend,
                input=_contract(contract) if contract else {},
                embedding_space=embedding_space,
                licence=Licence(name=licence, commercial_use=commercial_use),
            )
            manifest = describe(folder, description)
        check_version_name(manifest.version)
        check_fitness(ModelVersion(manifest, folder))
        with moving(opened):
            published = publish_folder(opened, manifest, folder)
        console.print(
            f"[green]published[/]  {published.ref} in {escape(opened.where)}", soft_wrap=True, highlight=False
        )
        _tell_what_the_bare_name_stands_for(opened, published.manifest)


@app.command(
    epilog="Examples:  masquerade models push my-style@v2  ·  masquerade models push my-style faces --to s3://models/studio"
)
def push(
    refs: Annotated[list[str], typer.Argument(help="NAME, NAME@VERSION or NAME@ALIAS.")],
    target: Annotated[
        str | None, typer.Option("--to", show_default="MASQUERADE_MODELS_URL", help="The store to publish in.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", show_default="var/models", help="Folder the versions lie in.")
    ] = None,
) -> None:
    """Publish versions of a local folder in a shared store. Run again after an interruption, it goes on."""
    with explained():
        settings = Settings()
        where = target or settings.models_url
        if where is None:
            raise RegistryError("Say where to: --to s3://bucket/prefix, or set MASQUERADE_MODELS_URL.")
        local, shared = FolderStore(source or settings.store_dir), settings.store_at(where).open()
        for version in [local.verify(ref) for ref in refs]:
            with moving(shared):
                published = publish_folder(shared, version.manifest, version.folder)
            console.print(
                f"[green]pushed[/]  {published.ref} to {escape(shared.where)}", soft_wrap=True, highlight=False
            )


def _tell_what_the_bare_name_stands_for(store: Store, published: Manifest) -> None:
    version = store.resolve(published.model)[1]
    if version != published.version:
        told = f"{published.model} stands for {version} until: masquerade models promote {published.ref} --why …"
        console.print(told, markup=False, highlight=False, soft_wrap=True)


def _say_nothing_is_in(store: Store) -> None:
    text = f"Nothing is installed in {store.where}; `masquerade models pull --starter` fetches the starter set."
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _contract(path: Path) -> dict[str, Any]:
    """What a file of ``--input`` holds. Raises :class:`InvalidVersion` where that is no mapping in YAML."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidVersion(f"{path} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise InvalidVersion(f"{path} is no input contract: it holds no names with values.")
    return document


def _pull(store: Store, entry: Entry, *, accept_licence: bool) -> None:
    try:
        with moving(store) as progress:
            pulled = pull_entry(store, entry, progress=progress, accept_licence=accept_licence)
    except LicenceNotAccepted:
        if not at_a_terminal():
            raise
        licence = entry.licence
        console.print(f"[bold]{entry.ref}[/] comes under {licence.name}: {licence.url}", highlight=False)
        console.print(licence.attribution, markup=False, highlight=False)
        if not typer.confirm("Do you accept this licence?"):
            raise
        _pull(store, entry, accept_licence=True)
        return
    state = "[green]pulled[/] " if pulled.fetched else "[dim]present[/]"
    console.print(f"{state}  {pulled.version.ref}", highlight=False)


def _wanted(store: Store, name: str) -> Entry | str:
    """What the catalogue says of it, or its full reference where only the store has it."""
    try:
        return catalogue.find(name)
    except UnknownModelVersion as error:
        try:
            return store.manifest(name).ref
        except UnknownModelVersion:
            raise error from None


def _fetch(store: Store, ref: str) -> None:
    with moving(store):
        store.verify(ref)
    console.print(f"[dim]present[/]  {ref}", highlight=False)


def _verify(store: Store, ref: str) -> str | None:
    """Print what became of one version; the problem if there is one."""
    try:
        with moving(store):
            sound = store.verify(ref)
        console.print(f"[green]ok[/]      {sound.ref}", highlight=False)
    except StoreUnavailable:
        # It says nothing of the version, and no other one could be asked about.
        raise
    except RegistryError as error:
        console.print(f"broken  {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return str(error)
    return None


def _installed_table(store: Store) -> Table:
    table = new_table("model", "task", "licence", "commercial", "size")
    for ref in installed(store):
        try:
            # A glance at the files where that costs nothing.
            manifest = store.get(ref).manifest if isinstance(store, FolderStore) else store.manifest(ref)
        except StoreUnavailable:
            raise
        except RegistryError:
            table.add_row(ref, "[red]damaged, see `masquerade models verify`[/]")
            continue
        routing = store.routing(manifest.model)
        roles = _roles(routing, manifest.version) if routing else []
        name, *rest = _columns(manifest)
        size = sum(entry.size for entry in manifest.files)
        table.add_row(" ".join([name, *(f"[cyan]{role}[/]" for role in roles)]), *rest, decimal(size))
    return table


def _roles(routing: Routing, version: str) -> list[str]:
    shares = {"canary": f" {routing.percent:g} %"}
    roles = [f"{alias}{shares.get(alias, '')}" for alias, named in routing.aliases().items() if named == version]
    return [*roles, f"shadow {routing.sample:.0%}"] if version == routing.shadow else roles


def _catalogue_table(store: Store) -> Table:
    starter, present = {entry.ref for entry in catalogue.starter()}, set(installed(store))
    table = new_table("model", "task", "licence", "commercial", "state")
    for entry in catalogue.known():
        state = "installed" if entry.ref in present else "starter" if entry.ref in starter else ""
        table.add_row(*_columns(entry), state)
    return table


def _columns(described: Description) -> tuple[str, str, str, str]:
    licence = described.licence
    # The prefix only says that SPDX has no name for it.
    name = escape(licence.name.replace("LicenseRef-", ""))
    return described.ref, described.task, name, "yes" if licence.commercial_use else "[yellow]no[/]"


promotions.add_to(app)
housekeeping.add_to(app)
