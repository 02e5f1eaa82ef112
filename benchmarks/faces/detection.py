"""Are the faces found, and what does it cost? Every picture of faces_lfw, and the six people of a group portrait."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

from benchmarks.faces import engines, lfw
from benchmarks.faces.command import main
from benchmarks.faces.engines import Contender
from benchmarks.figures import Figure
from deployments.faces.engine import FaceEngine, build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo
from deployments.runtime import Runtime

_TIMED_PICTURES = 100


def run(data: Path) -> list[Figure]:
    """Misses, faces of the group portrait and processor time of all three backends."""
    contenders = [
        Contender("SCRFD + MobileFaceNet", engines.scrfd_mobilefacenet(data), 1.0),
        Contender("dlib", engines.dlib_faces(), None),
        Contender("YuNet + MobileFaceNet", engines.yunet_mobilefacenet(data), None),
    ]
    figures: list[Figure] = []
    for contender in contenders:
        title, engine = contender.title, build(contender.version, Runtime(threads=1))
        engine.warm_up()
        figures.append(_misses(title, engine, lfw.pictures(data), contender.bar))
        figures += _portrait(title, engine)
        figures += _cost(title, engine, lfw.pictures(data)[:_TIMED_PICTURES])
        engine.close()
    return figures


def _misses(title: str, engine: FaceEngine, paths: list[Path], bar: float | None) -> Figure:
    missed = 0
    for photos in lfw.batches(paths):
        answers = engine.run([FaceQuery(photo, embed=False) for photo in photos])
        missed += sum(lfw.central(found.faces, photo) is None for photo, found in zip(photos, answers, strict=True))
    name = f"{title}: central face missed, {len(paths)} LFW pictures"
    return Figure(name, 100 * missed / len(paths), bar, "%", higher_is_better=False)


def _portrait(title: str, engine: FaceEngine) -> list[Figure]:
    photo = Photo.open(group_portrait().read_bytes())
    query = FaceQuery(photo)
    found = engine.run([query])[0]
    start = time.process_time()
    engine.run([query])
    spent = time.process_time() - start
    size = f"{photo.width} x {photo.height}"
    return [
        Figure(f"{title}: faces found among the six of t1.jpg", len(found.faces), 6, higher_is_better=True),
        Figure(f"{title}: t1.jpg ({size}) with six embeddings, CPU", 1000 * spent, None, "ms", higher_is_better=False),
    ]


def _cost(title: str, engine: FaceEngine, paths: list[Path]) -> list[Figure]:
    """Processor time, which a busy machine distorts less than the clock on the wall."""
    queries = [Photo.open(path.read_bytes()) for path in paths]
    start = time.process_time()
    for photo in queries:
        engine.run([FaceQuery(photo, embed=False)])
    found_after = time.process_time()
    faces = sum(len(engine.run([FaceQuery(photo)])[0].faces) for photo in queries)
    embedded_after = time.process_time()
    detecting = found_after - start
    embedding = (embedded_after - found_after) - detecting
    return [
        Figure(f"{title}: finding, per 250 px photo, CPU", 1000 * detecting / len(paths), None, "ms", False),
        Figure(f"{title}: embedding, per face, CPU", 1000 * embedding / faces, None, "ms", False),
    ]


def group_portrait() -> Path:
    """``t1.jpg`` of the insightface package, found without importing it."""
    package = importlib.util.find_spec("insightface")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the group portrait is part of the insightface package (extra `models`)")
    return Path(package.origin).parent / "data" / "images" / "t1.jpg"


if __name__ == "__main__":
    main("Detection", run)
