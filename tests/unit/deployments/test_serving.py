"""What every deployment does before it has a model."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deployments.moderation.deployment import Moderation
from deployments.moderation.engine import Policy
from deployments.runtime import Runtime
from deployments.serving import Options
from registry.opening import StoreAddress
from serve_app.topology import EMBEDDED


def test_a_deployment_stands_back_as_far_as_it_is_told(tmp_path: Path) -> None:
    def standing_back() -> tuple[int, int]:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        Moderation(Options(StoreAddress(str(tmp_path)), Runtime(), niceness=2), Policy())
        # What the thread starts from now on inherits it.
        with ThreadPoolExecutor(1) as engine:
            return before, engine.submit(os.getpriority, os.PRIO_PROCESS, 0).result()

    # Niceness is a thread's own, and this one's ends with it.
    with ThreadPoolExecutor(1) as replica:
        before, after = replica.submit(standing_back).result()
    assert after == min(19, before + 2)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_on_a_laptop_what_people_wait_for_comes_before_what_goes_on_beside_it() -> None:
    assert EMBEDDED["Style"].niceness == EMBEDDED["Gateway"].niceness == 0
    assert 0 < EMBEDDED["Moderation"].niceness < EMBEDDED["Masterpiece"].niceness
