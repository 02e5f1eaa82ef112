"""The same over S3: a bucket on a real server, reached through a network that delays, cuts, resets and goes away."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from benchmarks.figures import Figure, never
from benchmarks.load import constant_arrival, post, session
from drills.faulty_proxy import Fault, FaultyProxy
from drills.versions.figures import Chronicle, figures
from drills.versions.stage import CONVERGE_S, Studio, studio
from registry.opening import StoreAddress
from registry.publish import publish_folder
from registry.store import FolderStore

MODEL = "open-nsfw"
BUCKET = "models"
CUT = 3 * 2**20
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "drill",
    "AWS_SECRET_ACCESS_KEY": "drill-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "2",
    "no_proxy": "127.0.0.1",
}


async def drill(folder: Path, source: FolderStore, photo: bytes, per_second: float) -> list[Figure]:
    """Promotions whose weights come through a bad network; one while the bucket is away altogether."""
    folder.mkdir()
    with _server() as address, FaultyProxy(address) as network:
        os.environ["AWS_ENDPOINT_URL"] = address
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        shelf = StoreAddress(f"s3://{BUCKET}", folder / "publisher", 2**30).open()
        for name in source.models():
            for version in ("v1", "v2", "v3") if name == MODEL else ("v1",):
                good = source.get(f"{name}@{version}")
                await asyncio.to_thread(publish_folder, shelf, good.manifest, good.folder)
        os.environ["AWS_ENDPOINT_URL"] = network.address
        cache = folder / "cache"
        async with studio(
            folder, MASQUERADE_MODELS_URL=f"s3://{BUCKET}", MASQUERADE_MODELS_CACHE_DIR=str(cache)
        ) as stage:
            chronicle, began = Chronicle(MODEL), time.perf_counter()
            # Before anybody decides, the newest version answers; the other two are still to be fetched.
            chronicle.began(await stage.active(MODEL))
            ask = post("/v1/moderate", [photo], {})
            async with session(stage.url) as http, constant_arrival(partial(ask, http), rate=per_second) as load:
                # Large answers are cut after three megabytes, time and again; small ones are only slow.
                network.befall(itertools.cycle([Fault(after=CUT), Fault(after=CUT, reset=True), Fault(delay_s=0.01)]))
                before, connections = network.delivered, network.connections
                chronicle.began("v1")
                await stage.decide(MODEL, "promote", by="drill", reason="a bad network", version="v1")
                await stage.settled(MODEL, "v1")
                chronicle.settled()
                fetched, connections = network.delivered - before, network.connections - connections
                network.befall(itertools.repeat(Fault(delay_s=0.05)))
                before = network.delivered
                chronicle.began("v2")
                decided = await stage.decide(MODEL, "promote", by="drill", reason="the bucket goes away", version="v2")
                await _delivered(network, before + CUT)
                network.vanish()
                network.befall(())
                await asyncio.sleep(5)
                network.reappear()
                # Tried again or turned down: the store says which, and only a whole version may answer.
                serving = await _decided(stage, chronicle, "v2")
                agreed_s = await _agreed(stage, serving)
            requests = load.since(began)
        problems = list(_corrupt(cache))
    size = sum(entry.size for entry in source.get(f"{MODEL}@v1").manifest.files)
    return [
        *figures(requests, chronicle),
        Figure("connections for one version over a bad network", connections),
        Figure(
            "carried beyond its size, listings included", (fetched / size - 1) * 100, 50, "%", higher_is_better=False
        ),
        never("versions in the cache that are not what was published", len(problems)),
        Figure("decision accepted before the bucket went away", float(decided is None), 1),
        Figure("the version came through after all", float(serving == "v2")),
        Figure("until the bucket says what serves", agreed_s, CONVERGE_S, "s", higher_is_better=False),
    ]


async def _delivered(network: FaultyProxy, so_much: int) -> None:
    """Wait until the network has carried so many bytes in all."""
    deadline = time.monotonic() + CONVERGE_S
    while time.monotonic() < deadline:
        if network.delivered >= so_much:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("nobody fetches the version")


async def _decided(stage: Studio, chronicle: Chronicle, version: str) -> str:
    """Wait until ``version`` serves or was turned down; which version serves then."""
    deadline = time.monotonic() + CONVERGE_S
    while time.monotonic() < deadline:
        document = await stage.models()
        entries = [entry for entry in document["models"] if entry["model"] == MODEL]
        active = [entry["version"] for entry in entries if entry["state"] == "active" and entry["replicas"]]
        asked = next(entry for entry in entries if entry["version"] == version)
        reasons = [entry["reason"] for entry in entries if entry["reason"]]
        if (
            asked["state"] in {"active", "refused"}
            and len(active) == 1
            and sum(entry["replicas"] for entry in entries) == 1
        ):
            chronicle.began(active[0])
            chronicle.settled()
            for reason in reasons:
                print(f"  turned down: {reason}")
            return str(active[0])
        await asyncio.sleep(0.2)
    raise TimeoutError("the graph did not follow the bucket")


async def _agreed(stage: Studio, serving: str) -> float:
    """Seconds until the store names the version that serves as its stable one; infinite when it never does."""
    began = time.monotonic()
    while time.monotonic() < began + CONVERGE_S:
        routings = (await stage.models())["routings"]
        if any(entry["model"] == MODEL and entry["routing"]["stable"] == serving for entry in routings):
            return time.monotonic() - began
        await asyncio.sleep(0.2)
    return float("inf")


def _corrupt(cache: Path) -> Iterator[str]:
    """Whole-looking versions of the cache that do not hash to their manifests."""
    for manifest in cache.rglob("manifest.yaml"):
        folder = manifest.parent
        store = FolderStore(folder.parent.parent)
        try:
            store.verify(f"{folder.parent.name}@{folder.name}")
        except Exception as error:
            yield str(error)


@contextmanager
def _server() -> Iterator[str]:
    before = {name: os.environ.get(name) for name in (*_CREDENTIALS, "AWS_ENDPOINT_URL")}
    os.environ.update(_CREDENTIALS)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        running.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
