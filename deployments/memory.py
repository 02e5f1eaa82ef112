"""The machine's memory: what is left of it, and giving back what is no longer used."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def give_back() -> None:
    """Return freed memory to the system: Python's cycles first, then what the C heap keeps for later."""
    gc.collect()
    # Only glibc keeps (and trims) arenas; other C libraries have no such call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident_mb() -> float:
    """Memory this process holds now, in MiB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def available_mb(meminfo: Path = _MEMINFO, cgroup: Path = _CGROUP) -> float | None:
    """Memory this process can still take, in MiB: the machine's, or its container's where that is less.

    None where the system does not say.
    """
    left: list[float] = []
    with suppress(OSError, ValueError):
        lines = meminfo.read_text(encoding="ascii").splitlines()
        left += [int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:")]
    # No container, or one without a limit ("max"), is no limit.
    with suppress(OSError, ValueError):
        left.append(_left_in_container(cgroup) / 2**20)
    return min(left) if left else None


def _left_in_container(cgroup: Path) -> int:
    limit, used = (int((cgroup / name).read_text("ascii")) for name in ("memory.max", "memory.current"))
    # Files that were read once count as used, and are let go of before anybody is refused memory.
    statistics = (cgroup / "memory.stat").read_text("ascii").splitlines()
    return limit - used + sum(int(line.split()[1]) for line in statistics if line.startswith("inactive_file "))
