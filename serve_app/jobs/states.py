"""How far a job can be."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """queued -> running -> done | failed | cancelled. A done job of a push channel becomes delivered.

    A running job that finds no room, or whose worker shuts down, is queued again and keeps its turn.
    A failed job stays failed when its owner has been told; ``Job.delivered`` says when that was.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
