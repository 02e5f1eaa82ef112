"""Does an engine tell whether two pictures show one person? LFW pairsDevTest, 500 pairs of one and 500 of two people.

A picture in which the engine finds no central face makes its pair wrong, whatever the pair is: nothing is cropped by
hand and no pair is left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.faces import engines, lfw
from benchmarks.faces.command import main
from benchmarks.faces.engines import Contender
from benchmarks.figures import Figure
from deployments.faces.engine import build
from deployments.imaging import FloatArray
from deployments.runtime import Runtime
from training.evaluation.statistics import area_under_roc
from training.evaluation.verification import best_threshold, fold_accuracy, true_accept_rate


def run(data: Path) -> list[Figure]:
    """Figures of the insightface backend, the embedded default and the OpenCV pair's detector."""
    contenders = [
        Contender("SCRFD + MobileFaceNet", engines.scrfd_mobilefacenet(data), 98.5),
        Contender("dlib", engines.dlib_faces(), 97.0),
        Contender("YuNet + MobileFaceNet", engines.yunet_mobilefacenet(data), None),
    ]
    return [figure for contender in contenders for figure in _judge(contender, lfw.pairs(data))]


def _judge(contender: Contender, pairs: list[lfw.Pair]) -> list[Figure]:
    engine = build(contender.version, Runtime(threads=1))
    engine.warm_up()
    paths = sorted({path for pair in pairs for path in (pair.first, pair.second)})
    vectors = dict(zip(paths, lfw.embeddings(engine, paths), strict=True))
    engine.close()
    same = np.array([pair.same for pair in pairs])
    similarity = np.array([_similarity(vectors, pair) for pair in pairs])
    missed = sum(vector is None for vector in vectors.values())
    title = contender.title
    return [
        Figure(
            f"{title}: LFW accuracy, {len(pairs)} pairs, ten folds",
            100 * fold_accuracy(similarity, same),
            contender.bar,
            "%",
        ),
        Figure(f"{title}: true accepts at 1 % false", 100 * true_accept_rate(similarity, same, 0.01), unit="%"),
        Figure(f"{title}: area under the ROC", 100 * area_under_roc(same, similarity), unit="%"),
        Figure(f"{title}: best threshold (cosine)", best_threshold(similarity, same)),
        Figure(f"{title}: pictures of {len(vectors)} without a central face", missed, higher_is_better=False),
    ]


def _similarity(vectors: dict[Path, FloatArray | None], pair: lfw.Pair) -> float:
    first, second = vectors[pair.first], vectors[pair.second]
    if first is None or second is None:
        return -2.0 if pair.same else 2.0
    return float(first @ second)


if __name__ == "__main__":
    main("Verification", run)
