"""Decisions about versions that come by HTTP: made in the store, by its rules, and passed on to the coordinator."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from deployments.errors import InvalidField, MasqueradeError, Unavailable, UnknownModel
from registry import promotions
from registry.errors import RegistryError, StoreUnavailable, UnknownModelVersion
from registry.manifest import parse_ref
from registry.routing import Routing
from serve_app.duties import beside, keep_doing
from serve_app.inventory import Inventory
from serve_app.settings import ModelChoice
from serve_app.versions.coordinator import State
from serve_app.versions.documents import (
    CanaryTrial,
    Decided,
    Decision,
    Models,
    Promotion,
    Rollback,
    ShadowTrial,
)
from serve_app.versions.notices import notices

REFRESH_S = 2.0
RETRY_AFTER_S = 30

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Coordination:
    """The versions deployment as coroutines."""

    notice: Callable[[], Awaitable[None]]
    state: Callable[[], Awaitable[State]]
    configuration: Callable[[], Awaitable[dict[str, Any]]]


class VersionDesk:
    """Decisions about versions over HTTP, and keeping the inventory's idea of what serves up to date."""

    def __init__(self, inventory: Inventory, wishes: ModelChoice, coordination: Coordination) -> None:
        """``wishes`` are the settings that the graph was built with."""
        self._inventory = inventory
        self._wishes = wishes
        self._coordination = coordination

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Follow what serves until the block ends."""
        async with beside(keep_doing(self._follow, REFRESH_S)):
            yield

    async def models(self) -> Models:
        """Every installed version with what the replicas say of it. Raises ``Unavailable`` while nobody can look."""
        state: State | None = None
        with contextlib.suppress(MasqueradeError):
            state = await self._coordination.state()
        try:
            return await asyncio.to_thread(self._inventory.models, state)
        except (StoreUnavailable, OSError) as error:
            log.warning("the store of models cannot be read: %s", error)
            raise Unavailable("The store of models cannot be read right now.", retry_after=RETRY_AFTER_S) from error

    async def configuration(self) -> dict[str, Any]:
        return await self._coordination.configuration()

    async def promote(self, model: str, decision: Promotion) -> Decided:
        promote = functools.partial(promotions.promote, serving=await self._serving(model), force=decision.force)
        return await self._decide(model, decision, promote, decision.version)

    async def canary(self, model: str, decision: CanaryTrial) -> Decided:
        canary = functools.partial(promotions.canary, serving=await self._serving(model))
        return await self._decide(model, decision, canary, decision.version, decision.percent)

    async def shadow(self, model: str, decision: ShadowTrial) -> Decided:
        shadow = functools.partial(promotions.shadow, serving=await self._serving(model))
        return await self._decide(model, decision, shadow, decision.version, decision.sample)

    async def rollback(self, model: str, decision: Rollback) -> Decided:
        return await self._decide(model, decision, promotions.rollback)

    async def _decide(
        self, model: str, decision: Decision, change: Callable[..., Routing | None], *arguments: Any
    ) -> Decided:
        """Raises ``UnknownModel``, ``InvalidField``, ``Unavailable``, and 409 for what the store's rules refuse."""
        store = self._inventory.store

        def decide() -> Decided:
            if model not in store.models():
                raise UnknownModelVersion(f"There is no model {model!r}.")
            expect = None if decision.expect is None else Routing(**decision.expect.model_dump())
            was = store.routing(model)
            now = change(store, model, *arguments, by=decision.by, why=decision.reason, expect=expect)
            return Decided.of(model, now, store.audit(model)[-1], notices(store, self._wishes, model, was, now))

        try:
            decided = await asyncio.to_thread(decide)
        except UnknownModelVersion as error:
            raise UnknownModel(str(error)) from error
        except ValueError as error:
            raise InvalidField(f"{error}.") from error
        except (StoreUnavailable, OSError) as error:
            log.exception("a decision on %s could not be written", model)
            raise Unavailable("The store of models cannot be written right now.", retry_after=RETRY_AFTER_S) from error
        except RegistryError as error:
            # What the rules refuse, what somebody else decided first, and versions that are damaged.
            raise HTTPException(409, str(error)) from error
        # It is written; without the nudge the coordinator sees it a moment later.
        with contextlib.suppress(MasqueradeError):
            await self._coordination.notice()
        return decided

    async def _serving(self, model: str) -> str | None:
        """The version of ``model`` that answers now; None where it serves nothing, or the coordinator does not say."""
        with contextlib.suppress(MasqueradeError):
            state = await self._coordination.state()
            serving = dict(parse_ref(ref) for plan in state.plans.values() for ref in plan.stable.refs)
            return serving.get(model)
        return None

    async def _follow(self) -> None:
        # A coordinator that restarts is not worth a line in the log every two seconds.
        with contextlib.suppress(MasqueradeError):
            state = await self._coordination.state()
            await asyncio.to_thread(self._inventory.follow, state.plans)
