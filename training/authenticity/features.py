"""The statistics of every picture and of its disturbed views, measured once and kept.

They are measured by the graph that will serve, through ONNX Runtime: nearly twice as fast as torch on a processor, and
what was trained on is what will be seen.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open

from deployments.authenticity.fingerprint import squares
from deployments.runtime import Runtime, onnx_session
from training.authenticity.data import Dataset, Example, pixels
from training.authenticity.fingerprint import Fingerprint
from training.authenticity.graph import write_graph
from training.authenticity.views import disturbed
from training.stopping import Stopped
from training.tensors import write_tensors

CACHE: Final = "features.safetensors"
_SAVE_EVERY = 50

Statistics = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """``plain`` is ``[N,F]``, ``views`` is ``[N,V,F]``, row by row as the dataset's examples.

    Held-out pictures have no views (zeros).
    """

    plain: Statistics
    views: Statistics


class Meter:
    """Measures pictures. One thread."""

    def __init__(self, threads: int = 1) -> None:
        fingerprint = Fingerprint()
        self.size = fingerprint.size
        with tempfile.TemporaryDirectory() as folder:
            graph = Path(folder) / "statistics.onnx"
            write_graph(fingerprint, graph, "statistics")
            self._session = onnx_session(graph, Runtime(threads=threads))

    def plain(self, example: Example) -> Statistics:
        """``[F]``: the middle square of a picture as it is."""
        shown = squares(pixels(example))
        return np.asarray(self._measured(shown[len(shown) // 2][None])[0], np.float32)

    def views(self, example: Example, count: int, seed: int, index: int) -> Statistics:
        """``[count,F]``: disturbed views, the same for equal seeds and indices."""
        image = pixels(example)
        return np.stack([self._view(disturbed(image, np.random.default_rng((seed, index, k)))) for k in range(count)])

    def _view(self, view: npt.NDArray[np.uint8]) -> Statistics:
        return np.asarray(self._measured(view.transpose(2, 0, 1)[None].astype(np.float32))[0], np.float32)

    def _measured(self, pictures: npt.NDArray[np.float32]) -> Statistics:
        (statistics,) = self._session.run(None, {"pictures": pictures})
        return np.asarray(statistics, np.float32)


def measure(
    dataset: Dataset,
    views: int,
    seed: int,
    folder: Path,
    *,
    meter: Meter,
    advance: Callable[[int], None],
    stop: threading.Event,
) -> Features:
    """Measure what the folder's cache does not hold yet. ``advance`` is told how many pictures are done.

    Raises :class:`Stopped` once ``stop`` is set, with everything measured so far in the cache.
    """
    examples = dataset.examples
    key = f"{dataset.digest()} views {views} seed {seed} size {meter.size}"
    plain, several, done = _cached(folder / CACHE, key, len(examples), views, meter.size)
    for index in range(done, len(examples)):
        plain[index] = meter.plain(examples[index])
        if examples[index].fold is not None:
            several[index] = meter.views(examples[index], views, seed, index)
        advance(index + 1)
        if (index + 1) % _SAVE_EVERY == 0 or index + 1 == len(examples) or stop.is_set():
            tensors = {"plain": plain, "views": several, "done": np.array(index + 1)}
            write_tensors(
                folder / CACHE, {name: torch.from_numpy(array) for name, array in tensors.items()}, {"key": key}
            )
        if stop.is_set() and index + 1 < len(examples):
            raise Stopped
    advance(len(examples))
    return Features(plain, several)


def _cached(path: Path, key: str, count: int, views: int, size: int) -> tuple[Statistics, Statistics, int]:
    """What was measured of the same pictures before, and how many are done; empty arrays where nothing was."""
    try:
        with safe_open(path, "np") as file:
            if (file.metadata() or {}).get("key") == key:
                return file.get_tensor("plain"), file.get_tensor("views"), int(file.get_tensor("done"))
    except (FileNotFoundError, SafetensorError):
        pass
    return np.zeros((count, size), np.float32), np.zeros((count, views, size), np.float32), 0


def indices(examples: Sequence[Example], chosen: Callable[[Example], bool]) -> npt.NDArray[np.int_]:
    """Where the examples lie for which ``chosen`` holds."""
    return np.flatnonzero([chosen(example) for example in examples])
