"""Couriers of other processes, and what has been delivered by all of them."""

from __future__ import annotations

from sqlalchemy import func, select

from bot.delivery.courier import Courier
from bot.delivery.handover import Handover
from bot.delivery.limiter import Limiter
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from tests.memory_buckets import MemoryBuckets

ANNA, BORIS, FAMILY = 1001, 1002, -100
REFUSED = {"slug": "refused", "message": "Not this one.", "status": 451}


async def delivered(office) -> int:
    async with office.sessions() as session:
        count = select(func.count()).select_from(Job).where(Job.state == State.DELIVERED)
        return (await session.execute(count)).scalar_one()


def another(office, sender, presenter, clock) -> Courier:
    """A courier in another process."""
    handover = Handover(office.ledger, office.sessions, office.objects, sender, presenter, office.credits, clock=clock)
    limiter = Limiter(MemoryBuckets(clock=clock), clock=clock)
    return Courier(
        office.ledger, office.sessions, handover, limiter, hands=8, drain_s=20.0, heartbeat_s=15.0, clock=clock
    )
