"""Painting by optimisation against ``pastiche``: the same picture, size, network and losses, one core, in turns.

pastiche is called through its own class. Its weights for layers are set so that the sum it descends is ours, term by
term; its optimiser is its own choice, L-BFGS, and once Adam, which is ours. All descend from the photo, and are held
against that sum as a third program calculates it: at single precision, with the convolutions' borders as pastiche has them.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.figures import Figure
from benchmarks.research import research_data
from benchmarks.speed.pictures import photograph
from benchmarks.versions import version_of
from deployments.imaging import Photo, Pixels, encode
from deployments.masterpiece.distances import content_distance, grams, style_distance, total_variation
from deployments.masterpiece.engine import WEIGHTS, MasterpieceEngine
from deployments.masterpiece.objective import Objective
from deployments.masterpiece.query import STEPS, STEPS_A_CALL, MasterpieceQuery, Sketch
from deployments.runtime import Runtime
from registry.manifest import Licence, ModelVersion
from training.style.encoders import pastiche_vgg19
from training.style.loss_network import save
from training.tensors import to_tensor

SIDE: Final = 256
ROUNDS: Final = 4
SLICE_S: Final = 3.0
"""Processor time of every contender in a round; one that is in the middle of a step, or a call, ends it.

What it has then painted after all its time is not looked at: a call of ours is several steps, and runs over by seconds.
"""

OURS: Final = "masterpiece"
PAPERS: Final = {1: "block1_relu1", 2: "block2_relu1", 3: "block3_relu1", 4: "block4_relu1"}


class Ours:
    """The engine as jobs call it: a few steps, a sketch at half precision, and the preparations anew for each call."""

    def __init__(self, folder: Path, photo: Photo, painting: Photo) -> None:
        self._engine = MasterpieceEngine(_version(folder), Runtime(threads=1))
        self._query = MasterpieceQuery(photo, painting)
        self.steps = 0

    def advance(self) -> None:
        """One call. Raises ``ValueError`` when it would be the last one, from which there is nothing to go on."""
        if self.steps + STEPS_A_CALL >= STEPS:
            raise ValueError("this machine finishes a masterpiece in less time than it was given")
        (sketch,) = self._engine.run([self._query])
        self._query = replace(self._query, sketch=cast(Sketch, sketch))
        self.steps += STEPS_A_CALL

    @property
    def canvas(self) -> Tensor:
        """[1,3,H,W] RGB 0..1."""
        if self._query.sketch is None:
            raise ValueError("nothing has been painted yet")
        return torch.from_numpy(self._query.sketch.canvas.astype(np.float32))[None]


class Theirs:
    """pastiche's artist, one step a call."""

    def __init__(self, folder: Path, photo: Pixels, painting: Pixels, optimiser: str) -> None:
        from pastiche.pastiche import PasticheArtist

        for name, pixels in (("photo", photo), ("painting", painting)):
            (folder / f"{name}.png").write_bytes(encode(pixels, "image/png"))
        self._artist: Any = PasticheArtist(
            str(folder / "photo.png"),
            [str(folder / "painting.png")],
            optimizer=optimiser,
            device="cpu",
            content_layers=["block4_relu2"],
            style_layers=list(PAPERS.values()),
            # Theirs counts colours from 0 to 255, and halves the term.
            tv_weight=2 * Objective().variation / 255,
        )
        self._weigh()
        self.steps = 0

    def _weigh(self) -> None:
        """Give every layer the weight that makes its mean square difference one that is relative to the target."""
        from pastiche.pastiche import gram

        artist, objective = self._artist, Objective()
        with torch.no_grad():
            wanted = artist.content_targets["block4_relu2"]
            artist.content_layer_weights = [objective.content / float(wanted.square().mean())]
            (styles,) = artist.style_targetss
            artist.style_layer_weights = [
                objective.style / len(PAPERS) / float(gram(styles[layer]).square().mean()) for layer in PAPERS.values()
            ]

    def advance(self) -> None:
        """One step."""
        self._artist.draw()
        self.steps += 1

    @property
    def loss(self) -> float:
        """The sum it descends, by its own reckoning."""
        return float(self._artist._calc_loss().detach())  # noqa: SLF001

    @property
    def canvas(self) -> Tensor:
        """[1,3,H,W] RGB 0..1, as it would be saved."""
        mean = torch.tensor([103.939, 116.779, 123.68])[:, None, None]
        rgb: Tensor = (self._artist.pastiche.detach() + mean).flip(1) / 255
        return rgb.clamp(0, 1)


class Progress:
    """How fast one contender paints in its turns, and what it had when its time was over."""

    def __init__(self, painter: Ours | Theirs, seconds: float) -> None:
        self.paces: list[float] = []
        self.canvas: Tensor | None = None
        self._painter, self._left = painter, seconds

    def turn(self, slice_s: float, clock: Callable[[], float] = time.process_time) -> None:
        """Paint for one turn, and note the seconds a step took."""
        spent, before = 0.0, self._painter.steps
        while spent < slice_s:
            began = clock()
            self._painter.advance()
            taken = clock() - began
            spent, self._left = spent + taken, self._left - taken
            if self._left >= 0:
                self.canvas = self._painter.canvas
        self.paces.append(spent / (self._painter.steps - before))


def run(rounds: int = ROUNDS, slice_s: float = SLICE_S, side: int = SIDE) -> list[Figure]:
    """How long a step takes, and how far each has come after the same time."""
    painting = Photo.open((research_data() / "styles/starry_night.jpg").read_bytes())
    photo, style = photograph(side, side), _square(painting.pixels(), side)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = Theirs(folder, photo, style, "lbfgs")
        contenders: dict[str, Ours | Theirs] = {
            OURS: Ours(folder, *(Photo.open(encode(pixels, "image/png")) for pixels in (photo, style))),
            "pastiche": theirs,
            "pastiche with Adam": Theirs(folder, photo, style, "adam"),
        }
        judge = judged_by(photo, style)
        begin, reckoned = judge(theirs.canvas), theirs.loss
        progress = {name: Progress(painter, rounds * slice_s) for name, painter in contenders.items()}
        for _ in range(rounds):
            for painting_on in progress.values():
                painting_on.turn(slice_s)
    paces = {name: made.paces for name, made in progress.items()}
    loss = {name: begin if made.canvas is None else judge(made.canvas) for name, made in progress.items()}
    best = min(loss[contender] for contender in contenders if contender != OURS)
    return [
        *(
            Figure(f"{name}: a step, {side} px", 1000 * statistics.median(taken), unit="ms")
            for name, taken in paces.items()
        ),
        Figure(
            "masterpiece: times as fast a step as pastiche",
            statistics.median(slow / fast for slow, fast in zip(paces["pastiche"], paces[OURS], strict=True)),
            unit="x",
        ),
        Figure("loss of the photo, where all begin", begin, higher_is_better=False),
        Figure("the same as pastiche reckons it", reckoned, higher_is_better=False),
        *(
            Figure(f"{name}: loss after {rounds * slice_s:.0f} s of a core", found, higher_is_better=False)
            for name, found in loss.items()
        ),
        Figure("masterpiece: loss against the better pastiche", loss[OURS] / best, higher_is_better=False),
    ]


def judged_by(photo: Pixels, style: Pixels) -> Callable[[Tensor], float]:
    """The sum of the losses of a canvas [1,3,H,W]."""
    encoder, objective = pastiche_vgg19(half=False), Objective()
    with torch.no_grad():
        wanted = encoder(to_tensor(photo)[None], objective.content_layers)
        target = grams(encoder(to_tensor(style)[None], objective.style_layers), objective.style_layers)

    def judged(canvas: Tensor) -> float:
        with torch.no_grad():
            made = encoder(canvas, objective.layers)
            loss = objective.content * content_distance(made, wanted, objective.content_layers)
            loss = loss + objective.style * style_distance(made, target, objective.style_layers)
            return float(loss + objective.variation * total_variation(canvas))

    return judged


def _square(pixels: Pixels, side: int) -> Pixels:
    shorter = min(pixels.shape[:2])
    return np.asarray(cv2.resize(pixels[:shorter, :shorter], (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _version(folder: Path) -> ModelVersion:
    save(folder)
    licence = Licence(name="CC-BY-4.0", commercial_use=True)
    return version_of(folder, [WEIGHTS], model="vgg19", task="perceptual-loss", format="safetensors", licence=licence)
