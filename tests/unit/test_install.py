"""What deploy/install.sh leaves out where the CPU build of torch is in .venv already."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("profile", ["dev", "bench"])
def test_a_lock_without_cuda_lacks_torch_and_its_companions_and_nothing_else(profile: str) -> None:
    lock = ROOT / "requirements" / f"{profile}.txt"
    command = ["awk", "-f", "deploy/without_cuda.awk", str(lock)]
    left = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    before, after = entries(lock.read_text()), entries(left)
    gone = before.keys() - after.keys()
    assert {"torch", "torchvision", "triton", "nvidia-cublas", "cuda-bindings"} <= gone
    assert all(re.match(r"torch$|torchvision$|triton$|nvidia-|cuda-", name) for name in gone)
    assert after.items() <= before.items(), "every entry that stays has all of its hashes"
    assert not {name for name in after if name.startswith(("cuda-", "nvidia-"))} - {"nvidia-ml-py"}


def entries(lock: str) -> dict[str, str]:
    """A requirements file by distribution: the entry with its hashes."""
    return {entry.partition("==")[0]: entry for entry in re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE) if entry}
