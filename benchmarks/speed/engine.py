"""The style engine alone, 512 px on one core, against the published Johnson-size networks through ONNX Runtime."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.figures import Figure
from benchmarks.research import research_data
from benchmarks.speed.pictures import photograph
from benchmarks.speed.rounds import alternate, ratio
from deployments.imaging import Photo, encode
from deployments.runtime import Runtime, onnx_session
from deployments.style.engine import StyleEngine, StyleQuery
from registry.store import FolderStore
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings

SIDE = 512
BATCH = 4
# How many times as fast as Johnson et al.'s network a size of ours has to be.
BARS = {"style-fine": 3.0, "style-lean": 9.0}


def run() -> list[Figure]:
    """Every installed style network of ours, painting a decoded photo, against a network for a single style."""
    photo = Photo.open(encode(photograph(SIDE, SIDE), "image/png"))
    johnson = onnx_session(research_data() / "style_nets" / "fns_wave.onnx", Runtime(threads=1))
    name = johnson.get_inputs()[0].name
    planes = np.ascontiguousarray(photo.pixels().transpose(2, 0, 1)[None], np.float32)
    store = FolderStore(Settings().store_dir)
    figures = []
    for model, bar in BARS.items():
        if not store.versions(model):
            continue
        chosen = select(store, ModelChoice(style=model)).chosen["style"]
        engine = StyleEngine(store.get(chosen.model), [store.get(pack) for pack in chosen.extras], Runtime(threads=1))
        query = StyleQuery(photo, ((engine.styles[0].name, 1.0),))
        taken = alternate(
            {"theirs": partial(johnson.run, None, {name: planes}), "ours": partial(engine.run, [query])},
            rounds=9,
        )
        batched = alternate(
            {
                "one by one": partial(_one_by_one, engine, [query] * BATCH),
                "batch": partial(engine.run, [query] * BATCH),
            },
            rounds=3,
        )
        engine.close()
        figures += [
            Figure("Johnson et al.", taken["theirs"].median, unit="ms"),
            Figure(f"{chosen.model}", taken["ours"].median, unit="ms"),
            Figure(f"{chosen.model}: times as fast", ratio(taken["theirs"], taken["ours"]), bar, "x"),
            Figure(
                f"{chosen.model}: gained by batches of {BATCH}",
                ratio(batched["one by one"], batched["batch"]),
                unit="x",
            ),
        ]
    return figures


def _one_by_one(engine: StyleEngine, queries: list[StyleQuery]) -> None:
    for query in queries:
        engine.run([query])
