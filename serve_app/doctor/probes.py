"""The facts ``masquerade doctor`` judges by, asked of the machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from serve_app.proxy.listening import is_taken

_LISTENING = "0A"
_CARD = ("name", "memory.total", "memory.used", "driver_version")


def installed(distribution: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def visible_gpus() -> list[str]:
    """The GPUs the NVIDIA driver shows, one line each."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, f"--query-gpu={','.join(_CARD)}", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = ([cell.strip() for cell in line.split(",")] for line in told.splitlines())
    # A warning of the driver's may stand among them.
    cards = (row for row in rows if len(row) == len(_CARD))
    return [f"{name}, {used} of {total} used, driver {driver}" for name, total, used, driver in cards]


def onnx_providers() -> list[str]:
    """What ONNX Runtime was built to compute on; empty when it cannot even be imported."""
    try:
        import onnxruntime
    except ImportError:
        return []
    return list(onnxruntime.get_available_providers())


def onnx_gpu_trouble() -> str | None:
    """Compute something on the GPU the way every engine does; what went wrong, or ``None``."""
    import numpy as np
    from onnxruntime.datasets import get_example

    from deployments.runtime import Runtime, onnx_session

    try:
        session = onnx_session(Path(get_example("mul_1.onnx")), Runtime(device="cuda"))
        session.run(None, {"X": np.ones((3, 2), dtype=np.float32)})
    except Exception as error:
        # The runtime raises classes of its own, by the stage that failed; all of them are the answer here.
        return _briefly(error)
    return None


def torch_gpu_trouble() -> str | None:
    """As :func:`onnx_gpu_trouble`, for torch; ``None`` too when torch is not installed."""
    if find_spec("torch") is None:
        return None
    import torch

    try:
        torch.ones(2, device="cuda").sum().item()
    except (RuntimeError, AssertionError) as error:
        return _briefly(error)
    return None


def _briefly(error: Exception) -> str:
    """The first line of what it says, or what kind of error it is where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def port_holder(port: int) -> str | None:
    """Who listens on a TCP port of this machine, or ``None`` when it is free."""
    try:
        taken = is_taken("127.0.0.1", port)
    except PermissionError:
        return "the system, which keeps it for root"
    return (_listener(port) or "another process") if taken else None


def _listener(port: int) -> str | None:
    """Looks the listening socket up in /proc; other users' processes stay anonymous, and so does all outside Linux."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in wanted:
                process = link.parents[1]
                return f"{(process / 'comm').read_text(errors='replace').strip()} (process {process.name})"
        except OSError:
            continue
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.is_file():
            continue
        for line in table.read_text().splitlines()[1:]:
            cells = re.split(r"\s+", line.strip())
            if cells[3] == _LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                found.add(cells[9])
    return found


def free_space(folder: Path) -> int:
    """Bytes free where ``folder`` lies or will lie."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free
