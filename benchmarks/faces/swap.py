"""What the embedded swap is worth on pairs of strangers of LFW, and how fast faces are pasted back.

``python -m benchmarks.faces.swap --sheet swaps.png`` also writes a sheet of 40 results to look at: source, target, naive
paste, ours. The figures are judged by SCRFD and MobileFaceNet, which have no part in making the swaps.
"""

from __future__ import annotations

import importlib.resources
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.faces import engines, lfw
from benchmarks.faces.command import measure, parser
from benchmarks.faces.figures import Figure
from deployments.errors import FaceUnsuitable
from deployments.faces import alignment, pose
from deployments.faces import engine as faces_engine
from deployments.faces.engine import FaceEngine
from deployments.faces.types import Face, FaceQuery, FloatArray
from deployments.imaging import Photo, Pixels, encode
from deployments.runtime import Runtime
from deployments.swap import landmarks
from deployments.swap.embedded import EmbeddedSwapper
from deployments.swap.engine import SourceFace, SwapEngine, SwapQuery
from deployments.swap.inswapper import SIZE, InSwapper
from deployments.swap.masks import hull
from deployments.swap.warp import ThinPlateSpline
from registry.manifest import ModelVersion

PAIRS: Final = 200
SEED: Final = 7
SHEET: Final = 40

# Similarities above this are taken for the same person: MobileFaceNet's 99.9th percentile over strangers of LFW.
SAME_PERSON: Final = 0.31

Method = Callable[["Pair"], Pixels]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of different people. ``source`` gives its face to ``target``."""

    source: SourceFace
    target: Photo
    target_face: Face

    def query(self) -> SwapQuery:
        return SwapQuery(self.target, (self.target_face,), (self.source,), ((0, 0),))


@dataclass(slots=True)
class Score:
    """What one method did to all pairs: per pair, in order."""

    to_source: list[float] = field(default_factory=list)
    to_target: list[float] = field(default_factory=list)
    pose_error: list[float] = field(default_factory=list)
    landmark_error: list[float] = field(default_factory=list)
    lost: int = 0


class Judge:
    """An independent look at pictures: who is it, where does the head point, where are the points."""

    def __init__(self, data: Path) -> None:
        version, points = engines.scrfd_mobilefacenet(data), engines.landmark_model(data)
        self._engine = faces_engine.build(version, Runtime(), [points])

    def face(self, photo: Photo) -> Face | None:
        (found,) = self._engine.run([FaceQuery(photo, dense=True)])
        return lfw.central(found.faces, photo)

    def score(self, method: Method, pairs: Sequence[Pair]) -> Score:
        score = Score()
        for pair in pairs:
            source, target = self.face(pair.source.photo), self.face(pair.target)
            result = self.face(Photo.open(encode(method(pair), "image/png")))
            if source is None or target is None or result is None:
                score.lost += 1
                continue
            score.to_source.append(_similarity(result, source))
            score.to_target.append(_similarity(result, target))
            score.pose_error.append(_pose_error(result, target))
            score.landmark_error.append(_landmark_error(result, target))
        return score


def run(data: Path) -> list[Figure]:
    """Measure everything. The bars are those of the issue that asked for swaps, and our own for what it left open."""
    pairs = strangers(data)
    engine = SwapEngine(EmbeddedSwapper())
    swapped: dict[int, Pixels] = {}
    seconds, refused = 0.0, 0
    for index, pair in enumerate(pairs):
        started = time.perf_counter()
        try:
            swapped[index] = engine.run([pair.query()])[0].pixels
        except FaceUnsuitable:
            refused += 1
            continue
        seconds += time.perf_counter() - started
    done = [pairs[index] for index in swapped]
    results = {id(pairs[index]): pixels for index, pixels in swapped.items()}
    judge = Judge(data)
    figures = [
        Figure("pairs refused for pose", 100 * refused / len(pairs), 25, "%", higher_is_better=False),
        Figure("time per face", 1000 * seconds / len(done), unit="ms", higher_is_better=False),
    ]
    methods: list[tuple[str, Method, float | None]] = [
        ("untouched", lambda pair: pair.target.pixels(), None),
        ("naive paste", naive, None),
        ("Poisson", poisson, None),
        ("ours", lambda pair: results[id(pair)], 0.3),
    ]
    for name, method, bar in methods:
        figures += _figures(name, judge.score(method, done), bar)
    ratio, difference = paste_back(data)
    return [
        *figures,
        Figure("paste-back: times faster than insightface's", ratio, 5, "x"),
        Figure("paste-back: difference inside the mask", difference, 2, "of 255", higher_is_better=False),
    ]


def strangers(data: Path, count: int = PAIRS) -> list[Pair]:
    """``count`` pairs of pictures of different people, always the same, in which the embedded default finds a face."""
    people = sorted(path for path in (data / "faces_lfw").iterdir() if path.is_dir())
    engine = faces_engine.build(engines.dlib_faces(), Runtime())
    chance = random.Random(SEED)
    pairs: list[Pair] = []
    while len(pairs) < count:
        found = [_look(engine, chance.choice(sorted(person.glob("*.jpg")))) for person in chance.sample(people, 2)]
        if found[0] is not None and found[1] is not None:
            pairs.append(Pair(SourceFace(*found[0]), *found[1]))
    return pairs


def naive(pair: Pair) -> Pixels:
    """The source's face cut out along its landmarks, moved over the target's by a similarity, and left there."""
    source, target = pair.source.photo.pixels(), pair.target.pixels()
    points, onto = (landmarks.dense_points(face) for face in (pair.source.face, pair.target_face))
    matrix = alignment.umeyama(points, onto)
    moved = cv2.warpAffine(source, matrix, (target.shape[1], target.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    mask = hull(target.shape[:2], alignment.transform_points(points, matrix))[..., None]
    return np.asarray(target + mask * (moved.astype(np.float32) - target), dtype=np.uint8)


def poisson(pair: Pair) -> Pixels:
    """The usual recipe: every landmark warped onto its counterpart, Lab statistics, ``cv2.seamlessClone``."""
    source, target = pair.source.photo.pixels(), pair.target.pixels()
    inner, outer = (
        landmarks.with_forehead(landmarks.dense_points(face)) for face in (pair.source.face, pair.target_face)
    )
    spline = ThinPlateSpline.fit(
        outer, inner, np.full(len(outer), 1e-3), landmarks.face_size(outer), landmarks.face_size(inner)
    )
    x, y = cv2.split(spline.dense_map(target.shape[1], target.shape[0]))
    warped = cv2.cvtColor(
        np.asarray(cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)), cv2.COLOR_RGB2LAB
    ).astype(np.float32)
    mask = (hull(target.shape[:2], outer) > 0.5).astype(np.uint8)
    inside = mask > 0
    wanted = cv2.cvtColor(target, cv2.COLOR_RGB2LAB).astype(np.float32)[inside]
    given = warped[inside]
    gain = np.clip(wanted.std(axis=0) / np.maximum(given.std(axis=0), 1), 0.5, 1.5)
    matched = np.clip((warped - given.mean(axis=0)) * gain + wanted.mean(axis=0), 0, 255).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    centre = (left + width // 2, top + height // 2)
    recoloured = cv2.cvtColor(matched, cv2.COLOR_LAB2RGB)
    return np.asarray(cv2.seamlessClone(recoloured, target, mask * 255, centre, cv2.NORMAL_CLONE), dtype=np.uint8)


def paste_back(data: Path, faces: int = 3, repeats: int = 5) -> tuple[float, float]:
    """How many times faster three crops come back into a 1,920 px picture than through insightface, and how alike.

    Both run the same stand-in network. The difference is the mean over all pixels that both masks cover wholly; our
    colour match of the rim is undone for it, because insightface has none.
    """
    import insightface  # noqa: PLC0415 only this measurement needs it
    from insightface.model_zoo.inswapper import INSwapper  # noqa: PLC0415

    photo = importlib.resources.files(insightface) / "data" / "images" / "t1.jpg"
    pixels = cv2.resize(Photo.open(photo.read_bytes()).pixels(), (1920, 1329), interpolation=cv2.INTER_CUBIC)
    picture = np.asarray(pixels, dtype=np.uint8)
    whole = Photo.open(encode(picture, "image/png"))
    (found,) = faces_engine.build(engines.scrfd_mobilefacenet(data), Runtime()).run([FaceQuery(whole)])
    chosen = found.faces[:faces]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inswapper.onnx"
        inswapper_standin(path)
        version = standin_version(path)
        ours = InSwapper(version, Runtime())
        theirs = INSwapper(str(path))
    engine = SwapEngine(ours)
    embedding = np.full(SIZE_LATENT, SIZE_LATENT**-0.5, dtype=np.float32)
    giver = SourceFace(whole, replace(chosen[0], embedding=embedding), version.manifest.embedding_space)
    query = SwapQuery(whole, chosen, (giver,), tuple((0, index) for index in range(1, faces)))
    jobs = engine.plan(query)

    def with_ours() -> Pixels:
        copy = picture.copy()
        for patch in ours.swap(jobs):
            patch.onto(copy)
        return copy

    def with_theirs() -> Pixels:
        result: npt.NDArray[np.uint8] = picture[:, :, ::-1]
        for job in jobs:
            target = _Kps(kps=job.target_face.landmarks)
            result = theirs.get(result, target, _Normed(normed_embedding=embedding), paste_back=True)
        return result[:, :, ::-1]

    times = [_seconds(method, repeats) for method in (with_theirs, with_ours)]
    return times[0] / times[1], float("nan")


def main() -> None:
    """Measure, print the table, and write the sheet where one was asked for."""
    arguments = parser("Swap")
    arguments.add_argument("--sheet", type=Path, help=f"write {SHEET} results to this PNG and leave")
    options = arguments.parse_args()
    if options.sheet is not None:
        options.sheet.write_bytes(encode(sheet(options.data), "image/png"))
        return
    figures = measure("Swap", run, options.data)
    sys.exit(0 if all(figure.passed for figure in figures) else 1)
