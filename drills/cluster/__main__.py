"""``python -m drills.cluster``: parts of a studio die, too many people come, load comes and goes, its code changes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.conclusion import REPORTS, conclude
from benchmarks.figures import Figure
from drills.telling import Tell, telling
from serve_app.rendering.flags import CLUSTER_FLAGS

if TYPE_CHECKING:
    from drills.cluster.stage import Stage

TITLES = {
    "bare": "replicas killed under a bare client",
    "chaos": "replicas, the proxy and the controller killed under our client",
    "upgrade": "new code under load",
    "overload": "five times as many as there is room for",
    "burst": "a burst from idle, on nodes that come and go",
}
LOG = REPORTS / "drill-cluster.log"
LASTS_S = {"bare": 180.0, "chaos": 600.0, "overload": 180.0}

Run = Callable[["Stage", Tell], Coroutine[object, object, list[Figure]]]


def main() -> int:
    """Run the parts; the exit status says whether all bars were met."""
    arguments = _arguments()
    # Read when Ray is first imported, which the parts do.
    os.environ.update(CLUSTER_FLAGS)
    from drills.cluster import chaos, overload, scaling, upgrade

    def lasts(part: str) -> float:
        return float(arguments.seconds or LASTS_S[part])

    killed: dict[str, Run] = {
        "bare": partial(chaos.with_bare_client, seconds=lasts("bare")),
        "chaos": partial(chaos.with_our_client, seconds=lasts("chaos")),
        "upgrade": upgrade.upgrade,
    }
    overloaded: dict[str, Run] = {"overload": partial(overload.overload, seconds=lasts("overload"))}
    began = time.monotonic()
    REPORTS.mkdir(parents=True, exist_ok=True)
    LOG.unlink(missing_ok=True)
    parts: dict[str, list[Figure]] = {}
    for runs, replicas in ((killed, chaos.REPLICAS), (overloaded, overload.REPLICAS)):
        chosen = {part: run for part, run in runs.items() if part in arguments.only}
        if chosen:
            parts |= _on_stage(chosen, replicas, arguments)
    if "burst" in arguments.only:
        parts[TITLES["burst"]] = scaling.burst()
    return conclude("drill-cluster", parts, seed=arguments.seed, seconds=time.monotonic() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m drills.cluster",
        description=__doc__,
        epilog="Example: python -m drills.cluster --only bare chaos --seconds 60",
    )
    parser.add_argument(
        "--only", nargs="+", choices=TITLES, default=list(TITLES), metavar="PART", help=f"of {', '.join(TITLES)}"
    )
    parser.add_argument("--seconds", type=float, help="how long bare, chaos and overload last each (180, 600, 180)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same victims (default 1)")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="store with the starter models")
    return parser.parse_args()


def _on_stage(runs: dict[str, Run], replicas: dict[str, int], arguments: argparse.Namespace) -> dict[str, list[Figure]]:
    """Run parts one after the other on one studio. What Ray says of the dead goes into a file."""
    from drills.cluster.stage import stage

    console = Console(file=sys.__stdout__)
    found: dict[str, list[Figure]] = {}
    console.print(f"opening the studio; what Ray says meanwhile: {LOG}", style="dim", highlight=False)
    with (
        tempfile.TemporaryDirectory(prefix="drill-cluster-") as folder,
        LOG.open("a") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
        stage(Path(folder), arguments.models, replicas, seed=arguments.seed) as opened,
    ):
        for part, run in runs.items():
            with telling(part, console) as tell:
                found[TITLES[part]] = asyncio.run(run(opened, tell))
    return found


if __name__ == "__main__":
    sys.exit(main())
