"""The bot as a Serve application beside the real graph, by webhook with two replicas and by polling with one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def visits(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What a person saw, by mode."""
    photo = next((models_dir / "sample-photos").glob("*/*.jpg"))
    given = {
        "MASQUERADE_MODELS_DIR": str(models_dir),
        "MASQUERADE_DATA_DIR": str(tmp_path_factory.mktemp("studio")),
        "MASQUERADE_PORT": str(free_port()),
        "MASQUERADE_THREADS": "1",
        # The bot's webhook is a second application at the studio's address.
        "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
        "PYTHONPATH": str(ROOT),
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    script = Path(__file__).with_name("on_serve.py")
    done = subprocess.run(
        [sys.executable, str(script), str(photo)], env=inherited | given, cwd=ROOT, capture_output=True, timeout=280
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    seen = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    return {visit["mode"]: visit for visit in seen}


@pytest.mark.parametrize("mode", ["webhook", "polling"])
def test_a_photo_comes_back_painted(visits: dict[str, dict[str, Any]], mode: str) -> None:
    visit = visits[mode]
    assert visit["said"] == visit["asked"]
    assert visit["bytes"] > 10_000
    # Both replicas set the webhook at the same moment, and one of them is told to wait.
    assert [refusal for refusal in visit["refusals"] if not refusal.startswith("setwebhook")] == []
