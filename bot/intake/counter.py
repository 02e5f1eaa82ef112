"""The counter where orders are placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.delivery.messages import Sender
from bot.delivery.progress import Progress, activity
from bot.intake.orders import Intake, Request
from serve_app.jobs.worker import Worker


class Counter:
    """Takes orders, and sees that they are worked off and that people hear of them."""

    def __init__(self, intake: Intake, sender: Sender, progress: Progress, workers: Sequence[Worker]) -> None:
        self._intake = intake
        self._sender = sender
        self._progress = progress
        self._workers = workers

    async def place(self, request: Request) -> None:
        """Make a request durable, wake the workers and show where in the queue it is.

        Raises what :meth:`Intake.order` does.
        """
        accepted = await self._intake.order(request)
        for worker in self._workers:
            worker.notice()
        if accepted.new:
            as_file = request.account.as_file
            await self._sender.act(request.address, activity(request.kind, as_file=as_file))
            self._progress.announce([job.id for job in accepted.jobs], replace(request.address, reply_to=None))
