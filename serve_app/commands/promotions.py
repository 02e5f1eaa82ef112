"""``masquerade models promote | canary | shadow | rollback | audit``: which version serves, and who decided it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.markup import escape

from deployments.slots import ModelSet
from registry.errors import RegistryError, RoutingRefused
from registry.leases import holders
from registry.manifest import parse_ref
from registry.promotions import canary as try_on_users
from registry.promotions import losses, told_of
from registry.promotions import promote as make_stable
from registry.promotions import rollback as go_back
from registry.promotions import shadow as try_in_the_dark
from registry.references import unknown
from registry.routing import AuditEntry, Routing
from registry.store import Store
from serve_app.commands.stores import StoreOption, WhyOption, explained, new_table, open_store, print_table, who
from serve_app.commands.terminal import console
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings, variable
from serve_app.versions.desired import BESIDE_STYLE

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
        _tell_whether_it_serves(open_store(store), model)


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
        if not end:
            _tell_whether_it_serves(open_store(store), model)
            _tell_of_losses(open_store(store), model)


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
        if not end:
            _tell_whether_it_serves(open_store(store), model)


def rollback(model: Annotated[str, typer.Argument(help="NAME.")], why: WhyOption, store: StoreOption = None) -> None:
    """Take the last step back: end the canary, or else return to the previous version."""
    with explained():
        opened = open_store(store)
        was = opened.routing(model)
        _decide(store, go_back, model, why=why)
        if was is not None and was.canary is None:
            _tell_of_losses(opened, model, was.stable)


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
    where: str | None, change: Callable[..., Routing], model: str, *arguments: Any, why: str, **options: Any
) -> None:
    """Change the routing of ``model`` by one of :mod:`registry.promotions`, and say what it was and is now."""
    store = open_store(where)
    was = store.routing(model)
    now = change(store, model, *arguments, by=who(), why=why, **options)
    if was == now:
        console.print(f"[dim]unchanged[/]  {model}: {now}", highlight=False)
        return
    back = f"   [dim]previous {now.previous}[/]" if now.previous else ""
    console.print(f"[green]{model}[/]  {was or 'the newest'} → {now}{back}", highlight=False)


def _tell_whether_it_serves(store: Store, model: str) -> None:
    """A word where the decision changes nothing now: another of its kind is chosen, nothing can serve it, or it waits."""
    wishes = Settings().models
    try:
        if (engine := _engine_of(store, wishes, model)) is not None:
            if _started_without(store, engine, model):
                told = f"{model} serves from the next start on: the studio that runs was started without it."
                console.print(told, style="yellow", highlight=False, soft_wrap=True)
            return
    except RegistryError:
        # Settings that name what is not there: another command's matter.
        return
    told = f"With these settings nothing serves {model}: another of its kind is chosen, or what it needs is missing."
    for setting, field in ModelChoice.model_fields.items():
        # What names a model of another task is refused.
        with suppress(RegistryError):
            wish = wishes.model_copy(update={setting: model})
            if field.annotation == str | None and _engine_of(store, wish, model) is not None:
                told = (
                    f"With these settings nothing serves {model}, for another of its kind is chosen; "
                    f"{variable('models', setting)}={model} chooses this one at the next start."
                )
    console.print(told, style="yellow", highlight=False, soft_wrap=True)


def _engine_of(store: Store, wishes: ModelChoice, model: str) -> ModelSet | None:
    """What the next start would serve ``model`` in."""
    chosen = select(store, wishes).chosen.values()
    return next((models for models in chosen if any(parse_ref(ref)[0] == model for ref in models.refs)), None)


def _started_without(store: Store, engine: ModelSet, model: str) -> bool:
    """Whether replicas hold the rest of ``engine`` and no version of ``model``, which a running studio then does not take up."""
    if store.manifest(model).task in BESIDE_STYLE:
        return False
    held = {parse_ref(ref)[0] for ref in holders(store.leases())}
    return model not in held and any(parse_ref(ref)[0] in held for ref in engine.refs)


def _tell_of_losses(store: Store, model: str, before: str | None = None) -> None:
    """A word where style packs do not follow: from ``before`` to what is stable now, or from that to the canary."""
    routing = store.routing(model)
    version = None if routing is None else routing.canary if before is None else routing.stable
    if routing is None or version is None:
        return
    if lost := losses(store, model, before or routing.stable, version):
        console.print(
            told_of(lost, f"{model}@{version}"), style="yellow", highlight=False, markup=False, soft_wrap=True
        )


def _columns(entry: AuditEntry) -> tuple[str, ...]:
    ended = entry.action in {"canary", "shadow"} and (entry.now is None or entry.version != entry.now.trial)
    what = f"{'end ' if ended else ''}{entry.action} {entry.version}"
    when = f"{entry.when:%Y-%m-%d %H:%M:%S}"
    was, now = str(entry.was or "the newest"), str(entry.now or "the newest")
    why = f"{entry.why} (despite: {'; '.join(entry.despite)})" if entry.despite else entry.why
    return when, escape(entry.who), entry.model, what, was, now, escape(why)
