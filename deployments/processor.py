"""What this process may use of the processor: how many cores, and which of its arithmetic pays."""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path


def cores(root: Path = Path("/")) -> int:
    """The cores that this process' affinity allows, no more than its control group's quota buys, and at least one.

    A container that was given two of a machine's 64 cores still sees all 64; an engine with as many threads would wait
    for its quota most of the time. A quota of part of a core counts as a whole one. ``root`` is where ``/proc`` and
    ``/sys`` lie (cgroups(7): ``cpu.max`` in version 2, ``cpu.cfs_quota_us`` in version 1).
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(math.ceil(share) for share in _quotas(root))]))


@functools.cache
def multiplies_bfloat16(root: Path = Path("/")) -> bool:
    """Whether the processor has tiles that multiply matrices of bfloat16 (Intel's AMX).

    With them convolutions take half of single precision's time. Without them bfloat16 is slower, also on processors with
    instructions for it: by a third in style networks and two thirds in a ResNet (measured on AVX512_BF16).
    """
    return "amx_bf16" in _flags(root)


@functools.cache
def multiplies_bytes(root: Path = Path("/")) -> bool:
    """Whether the processor has instructions for sums of products of bytes (VNNI): x86 since 2019, mostly.

    With them a network in eight-bit integers takes a third of single precision's time. Without them it is no faster, and
    sums of two products may not fit where they are kept.
    """
    return not _flags(root).isdisjoint({"avx512_vnni", "avx_vnni"})


def _flags(root: Path) -> set[str]:
    return set(next((line for line in _lines(root / "proc/cpuinfo") if line.startswith("flags")), "").split())


def _quotas(root: Path) -> list[float]:
    """Every limit in cores on this process' group and the groups around it."""
    found: list[float] = []
    mounted = root / "sys/fs/cgroup"
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, group = line.split(":", 2)
        if not controllers:
            folder = mounted
        elif "cpu" in controllers.split(","):
            folder = mounted / "cpu"
        else:
            continue
        # In a container the group's own path may be that of the host; its files then lie at the mount itself.
        inner = Path(group.lstrip("/"))
        places = [folder / inner, *(folder / parent for parent in inner.parents)]
        found.extend(share for place in places if (share := _quota(place)) is not None)
    return found


def _quota(group: Path) -> float | None:
    period: list[str]
    if limit := _lines(group / "cpu.max"):
        quota, *period = limit[0].split()
    elif limit := _lines(group / "cpu.cfs_quota_us"):
        quota, period = limit[0], _lines(group / "cpu.cfs_period_us")
    else:
        return None
    if not quota.isdigit() or not period:  # "max", or -1: no limit
        return None
    return int(quota) / int(period[0])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
