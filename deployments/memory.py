"""The machine's memory: what is left of it, and giving back what is no longer used."""

from __future__ import annotations

import ctypes
import gc
import os
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
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        left += [int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        pass
    try:
        limit, used = (cgroup / name for name in ("memory.max", "memory.current"))
        left.append((int(limit.read_text("ascii")) - int(used.read_text("ascii"))) / 2**20)
    except (OSError, ValueError):
        # No container, or one without a limit ("max").
        pass
    return min(left) if left else None
