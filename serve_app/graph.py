"""The deployments behind their Serve handles, as the coroutines the pipeline calls."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, final

from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from deployments.slots import SlotStatus
from serve_app.calls import call, uncounted
from serve_app.pipeline import Graph
from serve_app.visitors import visitor

# A masterpiece's call may have to wait for a replica to start, which takes torch some time.
SLOW_DEADLINE_S = 600.0

# A painting in hand takes Masterpiece's only replica for minutes, and whoever asked for its state would wait; Anonymize
# has no model to tell of.
_WITHOUT_STATE = frozenset({"masterpiece", "anonymize"})

MayRest = Callable[[str], Awaitable[bool]]


@final
class RemoteDeployment:
    """One deployment, called with a deadline, retries and the product's errors (:mod:`serve_app.calls`)."""

    def __init__(self, capability: str, handle: DeploymentHandle[Any], deadline_s: float) -> None:
        self._capability = capability
        self._handle = handle
        self._deadline_s = deadline_s

    async def answer(self, query: Any, method: str = "answer") -> Any:
        """What the model says to ``query``. Who asks decides between its stable version and a canary."""
        return await self.call(method, query, visitor())

    async def call(self, method: str, *arguments: Any) -> Any:
        """What ``method`` of the deployment returns."""
        asked = functools.partial(getattr(self._handle, method).remote, *arguments)
        return await call(asked, deadline_s=self._deadline_s, what=self._capability)

    async def state(self, may_rest: MayRest | None) -> SlotStatus | None:
        """What a replica says of its model; None where none runs. What ``may_rest`` is not woken to say it."""

        async def ask() -> SlotStatus | None:
            if may_rest is not None and await may_rest(self._capability):
                return await self._broadcast_state()
            answer: SlotStatus = await self._handle.status.remote()
            return answer

        return await uncounted(ask, deadline_s=self._deadline_s, what=self._capability)

    async def _broadcast_state(self) -> SlotStatus | None:
        """What the first replica that answers says; None where none runs.

        An ordinary call would wait for a replica, and the scaling policy starts one for whoever waits.
        """
        try:
            answers = await self._handle.broadcast("status").results_async(return_exceptions=True)
        except DeploymentUnavailableError:
            return None
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if answers and len(failures) == len(answers):
            raise failures[0]
        return next((answer for answer in answers if isinstance(answer, SlotStatus)), None)


def graph_over(
    handles: Mapping[str, DeploymentHandle[Any]],
    missing: dict[str, str],
    deadline_s: float,
    may_rest: MayRest | None = None,
) -> Graph:
    """The deployments behind ``handles`` (by capability; moderation is always among them).

    Capabilities that ``may_rest`` have no replica while nobody asks for one, and are not woken to tell their state.
    """
    served = {
        name: RemoteDeployment(name, handle, SLOW_DEADLINE_S if name == "masterpiece" else deadline_s)
        for name, handle in handles.items()
    }
    style, faces, lookalike, swap = (served.get(name) for name in ("style", "faces", "lookalike", "swap"))
    anonymize, authenticity, masterpiece = (served.get(name) for name in ("anonymize", "authenticity", "masterpiece"))
    return Graph(
        moderate=served["moderation"].answer,
        style=style and style.answer,
        styles=style and functools.partial(style.call, "styles"),
        faces=faces and faces.answer,
        lookalike=lookalike and functools.partial(lookalike.answer, method="search"),
        portrait=lookalike and functools.partial(lookalike.call, "portrait"),
        collage=lookalike and functools.partial(lookalike.call, "collage"),
        swap=swap and swap.answer,
        # It has no versions to choose between.
        anonymize=anonymize and functools.partial(anonymize.call, "answer"),
        authenticity=authenticity and authenticity.answer,
        masterpiece=masterpiece and masterpiece.answer,
        states={
            name: functools.partial(served[name].state, may_rest) for name in sorted(served.keys() - _WITHOUT_STATE)
        },
        missing=missing,
    )
