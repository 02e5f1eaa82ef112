"""The processes of a drilled studio, by what their titles say: Ray names an actor's process after its class."""

from __future__ import annotations

from collections.abc import Iterable

import psutil


def below(first: psutil.Process, title: str) -> list[psutil.Process]:
    """All that descend from ``first`` and have a title that holds ``title``, such as ``ServeReplica:graph:Moderation``."""
    return [process for process in first.children(recursive=True) if title in _title(process)]


def resident_mb(processes: Iterable[psutil.Process]) -> float:
    """Their memory together, in MiB; those that have ended count nothing."""
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
