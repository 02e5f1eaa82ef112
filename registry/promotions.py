"""The rules by which a model's routing may change: promote, try as canary or shadow, roll back.

Every change names who made it and why, and holds for the routing it was decided on: a change by somebody else in
between raises :class:`~registry.errors.Conflict`, which says what they did. Callers that showed a routing to a person
(or measured one) pass it as ``expect``; otherwise only the moment of the call itself is guarded.

A model nobody has decided on has no routing, and its bare name stands for its newest version. What serves of it may be
an older one, since publishing moves nobody: the first decision takes for what was there before what the caller says
serves (``serving``), or else the one version that replicas hold leases on, or else the only other one; a trial takes that
only where the bare name stands for it already, for whoever names no version keeps what they have.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal, TypeVar

from registry.choosing import left_behind, of_the_catalogue
from registry.errors import BrokenVersion, RoutingRefused, UnknownModelVersion
from registry.gates import shortfalls
from registry.leases import holders
from registry.manifest import Manifest
from registry.references import standing
from registry.routing import Action, AuditEntry, Routing, conflict
from registry.store import FolderStore, Store

Role = Literal["canary", "shadow"]

_Now = TypeVar("_Now", Routing, Routing | None)


def promote(
    store: Store,
    model: str,
    version: str,
    *,
    by: str,
    why: str,
    expect: Routing | None = None,
    serving: str | None = None,
    force: bool = False,
) -> Routing:
    """Make ``version`` (or the version an alias stands for) stable; what was stable becomes previous.

    With no routing, what serves becomes previous; where nobody knows what that is, there is no previous.

    A trial of this very version ends with it. Raises :class:`RoutingRefused` while another version is canary, and a
    shadow of another version simply ends. Promoting what is stable already changes nothing.

    A version under its bars (:mod:`registry.gates`), or one that style packs do not follow, is refused, unless ``force``
    takes it with a reason; the audit entry then names the bars and the packs.
    """
    was, version = _start(store, model, version, expect)
    if was is not None and was.canary not in {None, version}:
        raise RoutingRefused(
            f"{model}@{was.canary} is being tried on {was.percent:g} % of the users: promote that one, or end its trial "
            f"first with `masquerade models rollback {model}`."
        )
    if was is not None and was.stable == version:
        return was
    before = was.stable if was else _serving(store, model, serving, set(store.versions(model)) - {version})
    if before == version:
        before = None
    if before is not None:
        _same_kind(store, model, before, version)
    missed = tuple(shortfalls(store, f"{model}@{version}", None if before is None else f"{model}@{before}"))
    lost = losses(store, model, before, version)
    against = [f"{model}@{version} is under its bars: {'; '.join(missed)}."] if missed else []
    against += [told_of(lost, f"{model}@{version}")] if lost else []
    if against and not force:
        raise RoutingRefused(
            f"{' '.join(against)} Promote it with --force (force in the API) and a reason if it is to serve all the same."
        )
    if against and not why.strip():
        raise RoutingRefused(f"{' '.join(against)} Say why it is to serve all the same.")
    despite = (*missed, *(f"{pack.ref} does not go with it" for pack in lost))
    return _change(store, model, "promote", version, was, Routing(version, previous=before), by, why, despite)


def canary(
    store: Store,
    model: str,
    version: str | None,
    percent: float,
    *,
    by: str,
    why: str,
    expect: Routing | None = None,
    serving: str | None = None,
) -> Routing:
    """Let ``version`` answer ``percent`` of the users, or end the canary (``None``, whatever the per cent).

    With no routing, what serves becomes stable; :class:`RoutingRefused` where nobody knows what that is.
    """
    return _try(store, model, "canary", version, percent, by=by, why=why, expect=expect, serving=serving)


def shadow(
    store: Store,
    model: str,
    version: str | None,
    sample: float,
    *,
    by: str,
    why: str,
    expect: Routing | None = None,
    serving: str | None = None,
) -> Routing:
    """Let ``version`` compute beside stable for the share ``sample`` of requests, or end the shadow (``None``).

    With no routing it is as for :func:`canary`.
    """
    return _try(store, model, "shadow", version, sample, by=by, why=why, expect=expect, serving=serving)


def rollback(store: Store, model: str, *, by: str, why: str, expect: Routing | None = None) -> Routing | None:
    """Take back the last step that users could notice.

    While there is a canary, that step is the canary: it ends and stable stays. Otherwise previous becomes stable again,
    and any shadow ends. There is no previous afterwards, so that two who roll back for the same reason do not return to
    what they fled from: the second is told that there is nothing left to go back to (:class:`RoutingRefused`).

    A moderator that its promotion let join the vote of others leaves it: nobody has decided on it any more (None).
    """
    was = store.routing(model)
    _check_expected(store, model, was, expect)
    if was is None:
        store.resolve(model)
        raise RoutingRefused(f"{model} was never promoted: there is nothing to go back to.")
    if was.canary is not None:
        ended = replace(was, canary=None, percent=0.0)
        return _change(store, model, "rollback", was.canary, was, ended, by, why)
    if was.previous is None and _joined_a_vote(store, model):
        return _change(store, model, "rollback", was.stable, was, None, by, why)
    if was.previous is None:
        raise RoutingRefused(
            f"{model}@{was.stable} has no previous version to go back to; promote the one you want by name."
        )
    _whole(store, f"{model}@{was.previous}")
    return _change(store, model, "rollback", was.previous, was, Routing(was.previous), by, why)


def _joined_a_vote(store: Store, model: str) -> bool:
    """Whether the last decision made a moderator of one's own vote beside others, who moderate without it, too."""
    last = [entry for entry in store.audit(model) if entry.was != entry.now][-1]
    if last.action != "promote" or last.was is not None:
        return False
    moderators = [manifest for manifest in standing(store) if manifest.task == "moderation"]
    votes = {entry.model for entry in moderators if of_the_catalogue(entry) or store.routing(entry.model) is not None}
    own = any(entry.model == model and not of_the_catalogue(entry) for entry in moderators)
    return own and bool(votes - {model})


def losses(store: Store, model: str, before: str | None, version: str) -> list[Manifest]:
    """The style packs and predictors that go with ``before`` of a network (with any version, if None) and not with ``version``."""
    network = store.manifest(f"{model}@{version}")
    if network.task != "style":
        return []
    was: Manifest | None = None
    if before is not None:
        try:
            was = store.manifest(f"{model}@{before}")
        except (UnknownModelVersion, BrokenVersion):
            # Whose packs those were, nobody can say any more.
            return []
    return left_behind(store, was, network)


def told_of(lost: Sequence[Manifest], ref: str) -> str:
    """In words for a person which packs do not follow to the network ``ref``, and what to do."""
    packs = ", ".join(f"{pack.ref} ({pack.title})" if pack.title else pack.ref for pack in lost)
    shipped = " ".join(pack.model for pack in lost if of_the_catalogue(pack))
    return (
        f"Made for other weights than those of {ref}, with no version for these, and so left behind: {packs}. "
        + (f"`masquerade models pull {shipped}` fetches the newest there is. " if shipped else "")
        + f"`masquerade style add PAINTING --name STYLE --network {ref}` learns a style for them."
    )


def _try(
    store: Store,
    model: str,
    role: Role,
    version: str | None,
    share: float,
    *,
    by: str,
    why: str,
    expect: Routing | None,
    serving: str | None,
) -> Routing:
    if version is None:
        was = store.routing(model)
        _check_expected(store, model, was, expect)
        ended = None if was is None else was.canary if role == "canary" else was.shadow
        if was is None or ended is None:
            raise RoutingRefused(f"{model} has no {role} to end.")
        return _change(store, model, role, ended, was, _with(was, role, None, 0.0), by, why)
    was, version = _start(store, model, version, expect)
    if was is None:
        *others, newest = store.versions(model)
        stable = _serving(store, model, serving, [] if version == newest else {*others, newest} - {version})
        if stable is None and not others:
            raise RoutingRefused(f"{model} has only {version}: there is nothing to try it against.")
        if stable is None:
            raise RoutingRefused(
                f"Nobody has decided which version of {model} serves, and its bare name stands for {newest}, the newest: "
                f"promote that one first, with `masquerade models promote {model}@VERSION`, then try {version} beside it."
            )
        base = Routing(stable)
    else:
        base = was
    _same_kind(store, model, base.stable, version)
    try:
        now = _with(base, role, version, share)
    except ValueError as error:
        raise RoutingRefused(f"{model}: {error}.") from error
    return _change(store, model, role, version, was, now, by, why)


def _with(routing: Routing, role: Role, version: str | None, share: float) -> Routing:
    if role == "canary":
        return replace(routing, canary=version, percent=share)
    return replace(routing, shadow=version, sample=share)


def _start(store: Store, model: str, version: str, expect: Routing | None) -> tuple[Routing | None, str]:
    was = store.routing(model)
    _check_expected(store, model, was, expect)
    return was, _whole(store, f"{model}@{version}")


def _whole(store: Store, ref: str) -> str:
    """The version ``ref`` stands for. Raises what the store raises when it is not there, or can be seen to be damaged."""
    # A glance at the files where they lie here. What is in a bucket is whole, and fetching it is for those who serve it.
    if isinstance(store, FolderStore):
        return store.get(ref).manifest.version
    return store.resolve(ref)[1]


def _check_expected(store: Store, model: str, was: Routing | None, expect: Routing | None) -> None:
    if expect is not None and was != expect:
        audit = store.audit(model)
        raise conflict(model, audit[-1] if audit else None)


def _serving(store: Store, model: str, told: str | None, otherwise: Collection[str]) -> str | None:
    """What answers of a model without a routing; None where nobody knows. ``otherwise`` is what it may be if none is held."""
    if told is not None:
        return told
    held = holders(store.leases())
    candidates = [version for version in store.versions(model) if f"{model}@{version}" in held]
    if not candidates and not _outside_the_vote(store, model, held):
        candidates = list(otherwise)
    return candidates[0] if len(candidates) == 1 else None


def _outside_the_vote(store: Store, model: str, held: Collection[str]) -> bool:
    """Whether it is a moderator and others moderate without it; moderation never rests, so their replicas say so."""
    return _task(store, model) == "moderation" and any(_task(store, ref) == "moderation" for ref in held)


def _task(store: Store, ref: str) -> str | None:
    """What the version does; None where it is gone or damaged."""
    try:
        return store.manifest(ref).task
    except (UnknownModelVersion, BrokenVersion):
        return None


def _same_kind(store: Store, model: str, one: str, other: str) -> None:
    """Refuse a version that cannot stand in for another, whatever its name says."""
    try:
        before = store.manifest(f"{model}@{one}")
    except (UnknownModelVersion, BrokenVersion):
        return
    after = store.manifest(f"{model}@{other}")
    if after.task != before.task:
        raise RoutingRefused(f"{after.ref} is a {after.task} model, but {before.ref} is a {before.task} model.")
    if after.embedding_space != before.embedding_space:
        raise RoutingRefused(
            f"{after.ref} makes vectors of {after.embedding_space}, but {before.ref} makes {before.embedding_space}, "
            "and galleries rely on it: publish it as a model of its own."
        )


def _change(
    store: Store,
    model: str,
    action: Action,
    version: str,
    was: Routing | None,
    now: _Now,
    by: str,
    why: str,
    despite: tuple[str, ...] = (),
) -> _Now:
    if now == was:
        return now
    store.change(AuditEntry(datetime.now(UTC), by, model, action, version, was, now, why, despite))
    there = store.versions(model)
    if now is not None and (gone := [needed for needed in now.active if needed not in there]):
        # Garbage collection took it between our check and our change. It checks again after taking a version away, and
        # we check after pointing at one: whichever comes second sees the other.
        store.change(AuditEntry(datetime.now(UTC), by, model, "rollback", version, now, was, "the version was removed"))
        raise UnknownModelVersion(f"{model}@{gone[0]} was removed a moment ago; nothing was changed.")
    return now
