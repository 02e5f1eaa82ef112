"""``masquerade models promote | canary | shadow | rollback | audit``: which version serves, and who decided it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape

from registry.errors import RoutingRefused
from registry.manifest import parse_ref
from registry.promotions import canary as try_on_users
from registry.promotions import promote as make_stable
from registry.promotions import rollback as go_back
from registry.promotions import shadow as try_in_the_dark
from registry.references import unknown
from registry.routing import AuditEntry, Routing
from serve_app.commands.stores import StoreOption, WhyOption, explained, new_table, open_store, print_table, who
from serve_app.commands.terminal import console
from serve_app.settings import Settings
from serve_app.versions.notices import notices

VersionArgument = Annotated[str, typer.Argument(help="NAME@VERSION or NAME@ALIAS.")]
ModelArgument = Annotated[str, typer.Argument(help="NAME@VERSION; NAME is enough with --end.")]
EndOption = Annotated[bool, typer.Option("--end", help="End it.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    app.command(epilog="Example:  masquerade models promote my-style@v2 --why 'sharper edges on the test set'")(promote)
    app.command(
        epilog="Examples:  masquerade models canary my-style@v3 --percent 5 --why 'trial'  ·  "
        "masquerade models canary my-style --end --why 'seen enough'"
    )(canary)
    app.command(
        epilog="Examples:  masquerade models shadow my-style@v3 --sample 0.1 --why 'compare'  ·  "
        "masquerade models shadow my-style --end --why 'compared'"
    )(shadow)
    app.command(epilog="Example:  masquerade models rollback my-style --why 'blue skies turn green'")(rollback)
    app.command(epilog="Examples:  masquerade models audit  ·  masquerade models audit my-style")(audit)


def promote(
    ref: VersionArgument,
    why: WhyOption,
    force: Annotated[
        bool, typer.Option("--force", help="Although it is under its bars, or styles go; the reason says why.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Make a version stable. What was stable becomes `previous`, and a trial of this version ends.

    Refused is a version under a bar, its task's or that of its report, and a style network that leaves styles behind.
    """
    with explained():
        model, version = _version_of(ref)
        _decide(store, make_stable, model, version, why=why, force=force)


def canary(
    ref: ModelArgument,
    why: WhyOption,
    percent: Annotated[float, typer.Option(help="Share of the users, over 0 and up to 100.")] = 5.0,
    end: EndOption = False,
    store: StoreOption = None,
) -> None:
    """Let a version answer some of the users, always the same ones, or end that."""
    with explained():
        model, version = (ref.partition("@")[0], None) if end else _version_of(ref)
        _decide(store, try_on_users, model, version, percent, why=why)


def shadow(
    ref: ModelArgument,
    why: WhyOption,
    sample: Annotated[float, typer.Option(help="Share of the requests, over 0 and up to 1.")] = 0.1,
    end: EndOption = False,
    store: StoreOption = None,
) -> None:
    """Let a version compute beside the stable one, compared and never shown, or end that."""
    with explained():
        model, version = (ref.partition("@")[0], None) if end else _version_of(ref)
        _decide(store, try_in_the_dark, model, version, sample, why=why)


def rollback(model: Annotated[str, typer.Argument(help="NAME.")], why: WhyOption, store: StoreOption = None) -> None:
    """Take the last step back: end the canary, or else return to the previous version.

    A moderator that its promotion let join the vote leaves it.
    """
    with explained():
        _decide(store, go_back, model, why=why)


def audit(
    models: Annotated[list[str] | None, typer.Argument(help="NAME; all if left out.")] = None,
    store: StoreOption = None,
) -> None:
    """Show who changed what, when, and why, oldest first. Times are UTC."""
    with explained():
        opened = open_store(store)
        known = opened.models()
        trails = {model: opened.audit(model) for model in models or known}
        # Of a model that is gone the trail stays.
        if odd := next((model for model, trail in trails.items() if not trail and model not in known), None):
            raise unknown(opened, odd, None)
        entries = [entry for trail in trails.values() for entry in trail]
        if not entries:
            console.print("Nobody has decided anything yet.")
            return
        table = new_table("when", "who", "model", "what", "from", "to", "why")
        for entry in sorted(entries, key=lambda entry: entry.when):
            table.add_row(*_columns(entry))
        print_table(table)


def _version_of(ref: str) -> tuple[str, str]:
    model, version = parse_ref(ref)
    if version is None:
        raise RoutingRefused(
            f"Which version of {model}? Write {model}@v1, or another that `masquerade models list` shows."
        )
    return model, version


def _decide(
    where: str | None, change: Callable[..., Routing | None], model: str, *arguments: Any, why: str, **options: Any
) -> None:
    """Change the routing of ``model`` by one of :mod:`registry.promotions`; say what it was and is now, and what to know."""
    store = open_store(where)
    was = store.routing(model)
    now = change(store, model, *arguments, by=who(), why=why, **options)
    if was == now:
        console.print(f"[dim]unchanged[/]  {model}: {now}", highlight=False)
    else:
        back = f"   [dim]previous {now.previous}[/]" if now and now.previous else ""
        console.print(f"[green]{model}[/]  {was or 'the newest'} → {now or 'the newest'}{back}", highlight=False)
    for word in notices(store, Settings().models, model, was, now):
        console.print(word, style="yellow", highlight=False, markup=False, soft_wrap=True)


def _columns(entry: AuditEntry) -> tuple[str, ...]:
    ended = entry.action in {"canary", "shadow"} and (entry.now is None or entry.version != entry.now.trial)
    what = f"{'end ' if ended else ''}{entry.action} {entry.version}"
    when = f"{entry.when:%Y-%m-%d %H:%M:%S}"
    was, now = str(entry.was or "the newest"), str(entry.now or "the newest")
    why = f"{entry.why} (despite: {'; '.join(entry.despite)})" if entry.despite else entry.why
    return when, escape(entry.who), entry.model, what, was, now, escape(why)
