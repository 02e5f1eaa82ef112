"""``python -m drills.versions``: versions change under load, and nobody notices but the header that names them."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.conclusion import conclude
from benchmarks.figures import Figure, never
from benchmarks.load import Load, constant_arrival, post, session
from drills.photo import portrait
from drills.versions import bucket
from drills.versions.bad import CONTRARY, kinds, place
from drills.versions.figures import Chronicle, figures
from drills.versions.stage import Refused, Studio, studio
from registry.publish import publish_folder
from registry.store import FolderStore

MODEL = "open-nsfw"
GOOD = ("v1", "v2", "v3")
STRETCHES = 5
TRIED_PERCENT = 25
TITLE = "ServeReplica:graph:Moderation"

console = Console()


def main() -> int:
    """Run every part; the exit status says whether all bars were met."""
    arguments = _arguments()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drill-versions-") as folder:
        parts = asyncio.run(_parts(Path(folder), arguments))
    return conclude("drill-versions", parts, seed=0, seconds=time.monotonic() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m drills.versions", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="store with the starter models")
    parser.add_argument("--swaps", type=int, default=50, help="promotions and rollbacks (default 50)")
    parser.add_argument("--rate", type=float, default=5.0, help="requests per second (default 5)")
    parser.add_argument(
        "--quiet", type=float, default=30.0, help="seconds without changes to compare with (default 30)"
    )
    parser.add_argument("--without-s3", action="store_true", help="leave out the part with a bucket")
    return parser.parse_args()


async def _parts(folder: Path, arguments: argparse.Namespace) -> dict[str, list[Figure]]:
    store = _store(folder, arguments.models)
    parts: dict[str, list[Figure]] = {}
    async with studio(folder, MASQUERADE_MODELS_DIR=str(store.root)) as stage:
        chronicle = Chronicle(MODEL)
        # Before anybody decides, the newest version answers.
        chronicle.began(await stage.active(MODEL))
        ask = post("/v1/moderate", [portrait(160)], {})
        async with session(stage.url) as http, constant_arrival(partial(ask, http), rate=arguments.rate) as load:
            # The first swap is part of getting warm: from then on memory has seen what it will see again.
            await _swap(stage, chronicle, "promote", "v1")
            await asyncio.sleep(3)
            before_mb = stage.resident_mb(TITLE)
            began = time.perf_counter()
            took: list[float] = []
            quiet = Load()
            # Quiet and busy stretches take turns, so that whatever else this machine does befalls both alike.
            for stretch in range(STRETCHES):
                quiet.answers.extend((await _quiet(load, arguments.quiet / STRETCHES)).answers)
                while len(took) < arguments.swaps * (stretch + 1) // STRETCHES:
                    took.append(await _next_swap(stage, chronicle, len(took)))
                console.print(f"{len(took)} swaps, {load.failed} failed", highlight=False)
            await asyncio.sleep(2)
            after_mb = stage.resident_mb(TITLE)
            undisturbed = set(quiet.answers)
            parts["promotions and rollbacks"] = [
                Figure("swaps", len(took), arguments.swaps),
                *figures(
                    Load([request for request in load.since(began).answers if request not in undisturbed]),
                    chronicle,
                    quiet.quantile(0.99),
                ),
                Figure("quiet p99", quiet.quantile(0.99), unit="ms"),
                Figure("from decision to the old version gone, median", float(np.median(took)), unit="s"),
                Figure("memory of the replica before", before_mb, unit="MiB"),
                Figure("memory after, at most 5 % more", after_mb, before_mb * 1.05, "MiB", higher_is_better=False),
            ]
            parts["bad versions"] = await _bad(stage, store, chronicle, load)
            parts["a canary that disagrees"] = await _disagreeing(stage, store, chronicle, load)
            parts["a replica killed in the middle"] = await _killed(stage, chronicle, load, TITLE)
            parts["Ray's controller killed in the middle"] = await _killed(stage, chronicle, load, "ServeController")
            ended = time.perf_counter()
        parts["at the end"] = [
            never("failed requests, of all", load.failed),
            never("answers by a version that was not live, of all", len(chronicle.strangers(load))),
            Figure("seconds under load", ended - began, unit="s"),
        ]  # fmt: skip
        for request in chronicle.strangers(load):
            console.print(f"  not live: {request} {chronicle.spans}", highlight=False, soft_wrap=True)
    if not arguments.without_s3:
        parts["a bucket behind a bad network"] = await bucket.drill(folder / "s3", store, portrait(160), arguments.rate)
    return parts


async def _quiet(load: Load, seconds: float) -> Load:
    """What is answered while nothing changes; those still under way when the next change begins are not counted."""
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    return load.since(began)


async def _next_swap(stage: Studio, chronicle: Chronicle, number: int) -> float:
    """Promotions to and fro, with a rollback after every second one; seconds until the old version was gone."""
    current = chronicle.versions[-1]
    began = time.perf_counter()
    if number % 3 == 2:
        before = chronicle.versions[-2]
        await _swap(stage, chronicle, "rollback", before)
    else:
        await _swap(stage, chronicle, "promote", GOOD[(GOOD.index(current) + 1) % len(GOOD)])
    return time.perf_counter() - began


async def _swap(stage: Studio, chronicle: Chronicle, action: str, version: str) -> None:
    chronicle.began(version)
    fields = {"version": version} if action == "promote" else {}
    turned_down = await stage.decide(MODEL, action, by="drill", reason="drill", **fields)
    if turned_down is not None:
        decided = [entry["last"] for entry in (await stage.models())["routings"] if entry["model"] == MODEL]
        raise RuntimeError(f"{action} {version}: {turned_down.reason} Last: {decided}")
    await stage.settled(MODEL, version)
    chronicle.settled()


async def _bad(stage: Studio, store: FolderStore, chronicle: Chronicle, load: Load) -> list[Figure]:
    """Every kind of bad version is promoted; each must be turned down with a reason while the good one serves."""
    began = time.perf_counter()
    current = chronicle.versions[-1]
    reasons: dict[str, str] = {}
    for number, bad in enumerate(kinds()):
        version = f"bad{number}"
        await asyncio.to_thread(place, store, f"{MODEL}@{current}", version, bad)
        decided = await stage.decide(MODEL, "promote", by="drill", reason=bad.name, version=version)
        reason = decided.reason if isinstance(decided, Refused) else await stage.refused(MODEL, version)
        reasons[bad.name] = reason
        console.print(f"  {bad.name}: [dim]{reason}[/]", highlight=False, soft_wrap=True)
        shutil.rmtree(store.root / MODEL / version)
    await stage.settled(MODEL, current)
    requests = load.since(began)
    return [
        Figure("kinds", len(reasons), 20),
        Figure("with a reason", sum(bool(reason) for reason in reasons.values()), len(reasons)),
        never("answers by a bad version", sum("@bad" in request.model for request in requests.answers)),
        *figures(requests, chronicle),
    ]  # fmt: skip


async def _disagreeing(stage: Studio, store: FolderStore, chronicle: Chronicle, load: Load) -> list[Figure]:
    """A version that nothing is wrong with but its verdicts is tried on some; it must be taken back by itself."""
    began = time.perf_counter()
    current = chronicle.versions[-1]
    await asyncio.to_thread(place, store, f"{MODEL}@{current}", "contrary", CONTRARY)
    chronicle.began("contrary")
    decided = await stage.decide(
        MODEL, "canary", by="drill", reason=CONTRARY.name, version="contrary", percent=TRIED_PERCENT
    )
    reason = decided.reason if decided is not None else await stage.refused(MODEL, "contrary")
    taken_s = time.perf_counter() - began
    console.print(f"  {CONTRARY.name}: [dim]{reason}[/]", highlight=False, soft_wrap=True)
    await stage.settled(MODEL, current)
    chronicle.began(current)
    chronicle.settled()
    requests = load.since(began)
    return [
        Figure("taken back for its verdicts", float("disagreed" in reason), 1),
        Figure("from the decision until it is gone", taken_s, unit="s"),
        Figure("answers by it", sum("@contrary" in request.model for request in requests.answers)),
        *figures(requests, chronicle),
    ]


async def _killed(stage: Studio, chronicle: Chronicle, load: Load, title: str) -> list[Figure]:
    """A promotion during which a process is killed."""
    began = time.perf_counter()
    current = chronicle.versions[-1]
    version = GOOD[(GOOD.index(current) + 1) % len(GOOD)]
    chronicle.began(version)
    await stage.decide(MODEL, "promote", by="drill", reason="drill", version=version)
    staging = await stage.staging(MODEL, version)
    stage.kill(title)
    await stage.settled(MODEL, version)
    chronicle.settled()
    settled_s = time.perf_counter() - began
    await asyncio.sleep(2)
    requests = load.since(began)
    return [
        Figure("killed while the version was staged", float(staging), 1),
        *figures(requests, chronicle),
        Figure("from the decision to the version in place", settled_s, unit="s"),
    ]


def _store(folder: Path, models: Path) -> FolderStore:
    """A store of the drill's own: the real moderation model in several versions, and what paints beside it."""
    source, store = FolderStore(models), FolderStore(folder / "models")
    for name in (MODEL, "style-lean", "styles-classic"):
        version = source.get(name)
        publish_folder(store, version.manifest.model_copy(update={"version": "v1"}), version.folder)
    good = store.get(f"{MODEL}@v1")
    for name in GOOD[1:]:
        publish_folder(store, good.manifest.model_copy(update={"version": name}), good.folder)
    return store


if __name__ == "__main__":
    sys.exit(main())
