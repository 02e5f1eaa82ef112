"""Garbage collection: which versions nothing uses any more, and taking those away.

A version stays while

- a routing names it (stable, previous, canary, shadow), or its model has no routing and it is the newest;
- a running replica holds a lease on it;
- it is newer than stable and nobody has tried it yet: it was published to be tried;
- a version that stays needs one of its files (``requires`` in the manifest);
- it is the newest of its model that was made for a version that stays: of a network's packs, those of the weights that serve;
- it is among ``serving``, what would serve after the next start;
- it is named in ``pinned``, such as the versions an operator's settings ask for.

Each removal is written into the model's history, which is never collected.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from registry.errors import BrokenVersion, Conflict, InUse, UnknownModelVersion
from registry.leases import holders
from registry.manifest import Manifest
from registry.references import natural
from registry.routing import AuditEntry, Routing
from registry.store import Store


@dataclass(frozen=True, slots=True)
class Verdict:
    """One version, its bytes, and why it stays; ``kept`` is ``None`` for garbage."""

    model: str
    version: str
    size: int
    kept: str | None

    @property
    def ref(self) -> str:
        return f"{self.model}@{self.version}"


def judge(store: Store, pinned: Collection[str] = (), serving: Collection[str] = ()) -> list[Verdict]:
    """What would be kept and what not, by model and version.

    ``pinned`` and ``serving`` are references (``name@version``, ``name@alias``, ``name``); those that lead nowhere are
    passed over.
    """
    held = holders(store.leases())
    wanted, chosen = (
        {f"{model}@{version}" for ref in refs for model, version in _resolved(store, ref)} for refs in (pinned, serving)
    )
    manifests: dict[str, Manifest] = {}
    verdicts: list[Verdict] = []
    for model in store.models():
        routing, audit, versions = store.routing(model), store.audit(model), store.versions(model)
        tried = {entry.version for entry in audit if entry.action != "remove"}
        for version in versions:
            ref = f"{model}@{version}"
            try:
                manifests[ref] = store.manifest(ref)
            except UnknownModelVersion:
                # Somebody else has taken it away since it was listed.
                continue
            except BrokenVersion:
                # For verify to name and for people to decide about.
                verdicts.append(Verdict(model, version, 0, "its manifest cannot be read"))
                continue
            reason = _role(routing, version, versions)
            if reason is None and ref in held:
                reason = _held_by(held[ref])
            if reason is None and ref in wanted:
                reason = "named in the settings"
            if reason is None and ref in chosen:
                reason = "what serves"
            if reason is None and routing and natural(version) > natural(routing.stable) and version not in tried:
                reason = "not tried yet"
            size = sum(entry.size for entry in manifests[ref].files)
            verdicts.append(Verdict(model, version, size, reason))
    return _with_required(verdicts, manifests)


def remove(store: Store, model: str, version: str, *, by: str, why: str) -> None:
    """Take one version away and write down who did it.

    Raises :class:`InUse`, and leaves it, when a routing or a lease names it by now, and :class:`UnknownModelVersion` when
    somebody else took it away.
    """

    def veto() -> str | None:
        routing = store.routing(model)
        holding = holders(store.leases()).get(f"{model}@{version}")
        return _role(routing, version, ()) or (_held_by(holding) if holding else None)

    if reason := veto():
        raise InUse(f"{model}@{version} is {reason}.")
    store.discard(f"{model}@{version}", veto=veto)
    while True:
        # Whatever somebody decides about the other versions meanwhile, this one is gone, and that is to be on record.
        was = store.routing(model)
        with suppress(Conflict):
            return store.change(AuditEntry(datetime.now(UTC), by, model, "remove", version, was, was, why))


def _role(routing: Routing | None, version: str, versions: Collection[str]) -> str | None:
    if routing is None:
        return "the newest" if versions and version == list(versions)[-1] else None
    roles = [str(alias) for alias, other in routing.aliases().items() if other == version]
    return roles[0] if roles else "shadow" if version == routing.shadow else None


def _held_by(who: list[str]) -> str:
    return f"held by {who[0]}" if len(who) == 1 else f"held by {len(who)} replicas"


def _resolved(store: Store, ref: str) -> list[tuple[str, str]]:
    try:
        return [store.resolve(ref)]
    except UnknownModelVersion:
        return []


def _with_required(verdicts: list[Verdict], manifests: dict[str, Manifest]) -> list[Verdict]:
    """Keep what the kept need and the newest of what was made for them, and what those need, and so on."""
    made_for: dict[tuple[str, str, str], str] = {}
    for verdict in verdicts:
        if verdict.ref in manifests:
            # In the order of versions: the newest is the last to stand there.
            made_for |= {
                (model, sha256, verdict.model): verdict.ref for model, sha256 in manifests[verdict.ref].requires.items()
            }
    while True:
        needed: dict[tuple[str, str], str] = {}
        beside: dict[str, str] = {}
        for verdict in verdicts:
            if verdict.kept is not None and verdict.ref in manifests:
                for model, sha256 in manifests[verdict.ref].requires.items():
                    needed[model, sha256] = verdict.ref
                own = {entry.sha256 for entry in manifests[verdict.ref].files}
                for (model, sha256, _), ref in made_for.items():
                    if model == verdict.model and sha256 in own:
                        beside[ref] = verdict.ref

        def kept(
            verdict: Verdict, needed: dict[tuple[str, str], str] = needed, beside: dict[str, str] = beside
        ) -> Verdict:
            if verdict.kept is None:
                for entry in manifests[verdict.ref].files:
                    if (by := needed.get((verdict.model, entry.sha256))) is not None:
                        return replace(verdict, kept=f"required by {by}")
                if (network := beside.get(verdict.ref)) is not None:
                    return replace(verdict, kept=f"goes with {network}")
            return verdict

        judged = [kept(verdict) for verdict in verdicts]
        if judged == verdicts:
            return judged
        verdicts = judged
