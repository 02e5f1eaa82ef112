"""``masquerade models gc | licenses``: what may go, and what the versions in use permit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape

from registry.collection import Verdict, judge, remove
from registry.errors import InUse, RegistryError, StoreUnavailable, UnknownModelVersion
from registry.manifest import Manifest
from registry.store import Store
from serve_app.commands.stores import (
    StoreOption,
    WhyOption,
    explained,
    installed,
    new_table,
    open_store,
    print_table,
    who,
)
from serve_app.commands.terminal import at_a_terminal, complain, console
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings


def add_to(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    app.command(epilog="Examples:  masquerade models gc --dry-run  ·  masquerade models gc --yes --why 'weekly'")(gc)
    app.command(
        epilog="Examples:  masquerade models licenses  ·  masquerade models licenses --require-commercial  (for CI)"
    )(licenses)


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    why: WhyOption = "garbage collection",
    store: StoreOption = None,
) -> None:
    """Remove versions that no alias, no running replica and no setting uses. The audit trail stays.

    Where nobody can be asked, nothing goes without --yes.
    """
    with explained():
        opened = open_store(store)
        wishes = Settings().models
        verdicts = judge(opened, tuple(_pinned(wishes)), tuple(_serving(opened, wishes)))
        garbage = [verdict for verdict in verdicts if verdict.kept is None]
        if verdicts:
            table = new_table("version", "size", "state")
            for verdict in verdicts:
                table.add_row(verdict.ref, decimal(verdict.size), _state(verdict))
            print_table(table)
        total = decimal(sum(verdict.size for verdict in garbage))
        if dry_run or not garbage:
            console.print(f"{len(garbage)} of {len(verdicts)} versions would go, {total}.", highlight=False)
            if not dry_run:
                opened.sweep()
            return
        if not yes:
            if not at_a_terminal():
                complain(f"Nobody is there to be asked whether {len(garbage)} versions, {total}, may go: give --yes.")
                raise typer.Exit(2)
            typer.confirm(f"Remove {len(garbage)} versions, {total}?", abort=True)
        freed = sum(_removed(opened, verdict, why) for verdict in garbage)
        opened.sweep()
        console.print(f"{decimal(freed)} freed.", highlight=False)


def licenses(
    require_commercial: Annotated[
        bool, typer.Option("--require-commercial", help="Exit 1 when one of them forbids commercial use.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every installed model, serving or not.")] = False,
    store: StoreOption = None,
) -> None:
    """Show what the versions that serve, or are on trial, permit, and what they were trained on."""
    with explained():
        opened = open_store(store)
        manifests = [
            opened.manifest(ref) for ref in (installed(opened) if everything else _active(opened, Settings().models))
        ]
        table = new_table("version", "task", "commercial", "licence", "terms")
        for manifest in manifests:
            allowed = "yes" if manifest.licence.commercial_use else "[yellow]no[/]"
            table.add_row(manifest.ref, manifest.task, allowed, escape(manifest.licence.name), escape(_terms(manifest)))
        print_table(table)
        forbidden = [manifest.ref for manifest in manifests if not manifest.licence.commercial_use]
        if forbidden:
            console.print(f"No commercial use: {', '.join(forbidden)}", style="yellow", highlight=False, soft_wrap=True)
        if forbidden and require_commercial:
            raise typer.Exit(1)


def _pinned(wishes: ModelChoice) -> Iterator[str]:
    """Every version the settings name."""
    for wish in wishes.model_dump().values():
        if isinstance(wish, str):
            yield wish
        else:
            yield from wish or ()


def _serving(store: Store, wishes: ModelChoice) -> Iterator[str]:
    """What would serve after the next start; nothing where the settings name what is not there."""
    try:
        chosen = select(store, wishes).chosen.values()
    except StoreUnavailable:
        raise
    except RegistryError:
        return
    for models in chosen:
        yield from models.refs


def _state(verdict: Verdict) -> str:
    return "[red]unused[/]" if verdict.kept is None else f"[dim]{escape(verdict.kept)}[/]"


def _removed(store: Store, verdict: Verdict, why: str) -> int:
    """The bytes freed; none when somebody has begun to use the version meanwhile, or has removed it."""
    try:
        remove(store, verdict.model, verdict.version, by=who(), why=why)
    except InUse as error:
        console.print(f"[dim]kept[/]     {escape(str(error))}", highlight=False)
        return 0
    except UnknownModelVersion:
        console.print(f"[dim]gone[/]     {verdict.ref}: somebody else removed it", highlight=False)
        return 0
    console.print(f"[green]removed[/]  {verdict.ref}", highlight=False)
    return verdict.size


def _active(store: Store, wishes: ModelChoice) -> list[str]:
    """What the graph would serve with these settings, and what is being tried beside it."""
    refs: list[str] = []
    for models in select(store, wishes).chosen.values():
        for ref in (models.model, *models.extras):
            model = ref.partition("@")[0]
            routing = store.routing(model)
            refs += [ref, f"{model}@{routing.trial}"] if routing and routing.trial else [ref]
    return list(dict.fromkeys(refs))


def _terms(manifest: Manifest) -> str:
    licence = manifest.licence
    said = [
        licence.url,
        licence.attribution,
        *(f"trained on {data.name}: {data.terms}" for data in manifest.trained_on),
    ]
    return "\n".join(line for line in said if line)
