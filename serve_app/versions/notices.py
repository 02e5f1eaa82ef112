"""What a decision about a version leaves to be known: that nothing serves the model, or which styles do not come along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from deployments.slots import ModelSet
from registry.errors import RegistryError
from registry.leases import holders
from registry.manifest import ALIASES, parse_ref
from registry.promotions import losses, told_of
from registry.references import readable
from registry.routing import Routing
from registry.store import Store
from serve_app.selection import select
from serve_app.settings import ModelChoice, variable
from serve_app.versions.desired import follows


def notices(store: Store, wishes: ModelChoice, model: str, was: Routing | None, now: Routing | None) -> list[str]:
    """Sentences for whoever turned the routing of ``model`` from ``was`` into ``now``; none where all is as one expects.

    ``wishes`` are the settings of the studio that it is for.
    """
    found: list[str] = []
    # The decision stands; a store that is away by now, or a damaged version, has nothing to add to it.
    with suppress(RegistryError, OSError):
        found.extend(_of_serving(store, wishes, model, was, now))
        found.extend(_of_losses(store, model, was, now))
    return found


def _of_serving(
    store: Store, wishes: ModelChoice, model: str, was: Routing | None, now: Routing | None
) -> Iterator[str]:
    """A word where the decision changes nothing now: another of its kind is chosen, nothing can serve it, or it waits."""
    ended = was is not None and was.trial is not None and now is not None and now.trial is None
    if now is None or (ended and was is not None and was.stable == now.stable):
        return
    if pinned := _pinned(wishes, model, now):
        yield pinned
        return
    if (engine := _engine_of(store, wishes, model)) is not None:
        if _started_without(store, engine, model, now):
            yield f"{model} serves from the next start on: the studio that runs was started without it."
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
    yield told


def _pinned(wishes: ModelChoice, model: str, now: Routing) -> str | None:
    """A sentence where a setting names a version of ``model`` that is none of those decided on."""
    for setting, wish in wishes:
        for ref in (wish,) if isinstance(wish, str) else wish or ():
            named, version = parse_ref(ref)
            if named == model and version is not None and version not in {*ALIASES, *now.active}:
                return f"{variable('models', setting)} names {ref}, which therefore serves whatever is decided."
    return None


def _engine_of(store: Store, wishes: ModelChoice, model: str) -> ModelSet | None:
    """What the next start would serve ``model`` in."""
    chosen = select(store, wishes).chosen.values()
    return next((models for models in chosen if any(parse_ref(ref)[0] == model for ref in models.refs)), None)


def _started_without(store: Store, engine: ModelSet, model: str, routing: Routing) -> bool:
    """Whether replicas hold the rest of ``engine``, or another model for its work, and no version of ``model``.

    A running studio then does not take it up.
    """
    task = store.manifest(model).task
    if follows(task, routing):
        return False
    held = {parse_ref(ref)[0]: ref for ref in holders(store.leases())}
    if model in held:
        return False
    others = (readable(store, ref) for ref in held.values())
    beside = any(parse_ref(ref)[0] in held for ref in engine.refs)
    return beside or any(other is not None and other.task == task for other in others)


def _of_losses(store: Store, model: str, was: Routing | None, now: Routing | None) -> Iterator[str]:
    """A word where style packs do not follow: from the stable network to its canary, or to what is stable instead of it."""
    if now is None:
        return
    if now.canary is not None:
        before, after = now.stable, now.canary
    elif now.stable != (before := was.stable if was is not None else now.previous or now.stable):
        after = now.stable
    else:
        return
    if lost := losses(store, model, before, after):
        yield told_of(lost, f"{model}@{after}")
