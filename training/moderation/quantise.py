"""open_nsfw in eight-bit integers, for glances: ``python -m training.moderation.quantise --help``.

Quantised after training (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018): weights by output channel, what passes between layers by tensor, over the
ranges that pictures of yours reach. The file is then held against the proper look, on pictures it was not made with.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import typer
from rich.table import Table

from deployments.errors import MasqueradeError
from deployments.imaging import Photo, Pixels, encode
from deployments.moderation.glance import IN_BYTES, MEAN_BGR, NETWORK, Glance, glance_in_bytes, seen_at_a_glance
from deployments.moderation.open_nsfw import BACKEND, HARMLESS, LINE, OpenNsfw
from deployments.runtime import Runtime
from training.failures import Failure
from training.files import write_whole
from training.pictures import pictures_below
from training.stores import STORE, StoreOption, opened
from training.terminal import bars, explained, output

Odds = npt.NDArray[np.float64]

# Quantisation as ONNX knows it, by channel, begins with this one.
_OPERATORS: Final = 13
# All but the last layer, whose probabilities would come in steps of 0.004, and the mean before it.
_QUANTISED: Final = ("Conv", "Add", "MaxPool")
# How much a further picture moves the ranges: the mean of what pictures reach, for the furthest are not worth a byte.
_MOVED: Final = 0.01
# Below, odds are compared of pictures that nobody would look at twice.
_OF_INTEREST: Final = 0.05
_TOGETHER: Final = 10
_WALL_SIDES: Final = (3, 6)
_TILE: Final = 120

EXAMPLE: Final = "Example:  python -m training.moderation.quantise photos/ open-nsfw-int8.onnx --store models/"

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Probabilities of the same pictures at a glance and by the proper look."""

    glance: Odds
    look: Odds

    @property
    def looked_again(self) -> float:
        """The share of pictures for which a glance is not enough."""
        return float(np.mean(self.glance >= HARMLESS))

    @property
    def highest_passed(self) -> float:
        """What the look gives to the worst picture that a glance lets pass."""
        return float(self.look[self.glance < HARMLESS].max(initial=0))

    @property
    def times_off(self) -> Odds:
        """What the look's odds are to those of a glance, for every picture of interest: above 1 where it sees too little.

        Beyond the line all are the same.
        """
        look, glance = (np.minimum(found[self.look >= _OF_INTEREST], LINE) for found in (self.look, self.glance))
        return np.asarray((look / (1 - look)) / (glance / (1 - glance)))


@app.command(epilog=EXAMPLE)
def quantise(
    pictures: Annotated[Path, typer.Argument(help="A folder of photographs, portraits and paintings.")],
    out: Annotated[Path, typer.Argument(help="The file to write.")] = Path(IN_BYTES),
    model: Annotated[str, typer.Option(help="The version to quantise.")] = "open-nsfw",
    count: Annotated[
        int, typer.Option(min=10, help="Pictures to take the ranges from; all others are compared.")
    ] = 500,
    store: StoreOption = STORE,
) -> None:
    """Write open_nsfw in eight-bit integers, and say how far its glances are from the proper look.

    Ends with status 1, and writes nothing, when a picture passes that comes too near to the line.
    """
    with explained():
        models = opened(store)
        if (backend := models.manifest(model).backend) != BACKEND:
            raise Failure(f"{model} is read by the backend {backend or 'of no name'}; only {BACKEND} is quantised")
        version = models.get(model)
        ours, others = _parted(pictures_below(pictures), count)
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, IN_BYTES)
            seen = [seen_at_a_glance(photo) for photo in _photos(ours, "Looking at pictures")]
            # Ranges follow what comes last a little more than what came first.
            shuffled = [seen[place] for place in np.random.default_rng(0).permutation(len(seen))]
            write_quantised(version.path(NETWORK), made, shuffled)
            comparison = compare(
                OpenNsfw(version, Runtime()), glance_in_bytes(made, threads=1), _photos(others, "Comparing")
            )
            _tell(comparison)
            if comparison.highest_passed > LINE / 2:
                raise Failure(
                    f"A picture passes to which the look gives {comparison.highest_passed:.2f}; nothing is written."
                )
            write_whole(out, made.read_bytes())
        output.print(f"{out.stat().st_size / 1e6:.1f} MB in {out}", markup=False, highlight=False)


def write_quantised(network: Path, out: Path, seen: Sequence[Pixels]) -> None:
    """Write the network in eight-bit integers, its ranges from ``seen`` pictures (uint8 [224, 224, 3], BGR)."""
    # Slow to import, and only the training extra has them.
    import onnx
    from onnx import version_converter
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model = version_converter.convert_version(onnx.load(network), _OPERATORS)
    quant_pre_process(model, out, skip_optimization=True, skip_symbolic_shape=True)
    name = model.graph.input[0].name
    inputs = iter([{name: picture[None] - np.array(MEAN_BGR, np.float32)} for picture in seen])

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, Any] | None:
            return next(inputs, None)

    quantization.quantize_static(
        out,
        out,
        Reader(),
        op_types_to_quantize=_QUANTISED,
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
        extra_options={"CalibMovingAverage": True, "CalibMovingAverageConstant": _MOVED},
    )


def compare(network: OpenNsfw, glance: Glance, photos: Iterator[Photo]) -> Comparison:
    """Both opinions of every photo."""
    pairs = [(*glance([photo]), *network.look([photo])) for photo in photos]
    seen, looked = np.array(pairs, np.float64).reshape(-1, 2).T
    return Comparison(seen, looked)


def _parted(paths: Sequence[Path], count: int) -> tuple[list[Path], list[Path]]:
    """``count`` pictures from all over the folder, and the others. Raises :class:`Failure` when there are too few."""
    if len(paths) < 2 * count:
        raise Failure(f"{len(paths)} pictures are too few to take {count} for the ranges and compare on as many others")
    chosen = set(np.linspace(0, len(paths) - 1, count).round().astype(int).tolist())
    ours = [path for place, path in enumerate(paths) if place in chosen]
    return ours, [path for place, path in enumerate(paths) if place not in chosen]


def _photos(paths: Sequence[Path], what: str) -> Iterator[Photo]:
    """The pictures and, after every ten, a wall of those: walls of portraits are what makes this network err."""
    latest: deque[Photo] = deque(maxlen=_TOGETHER)
    with bars() as progress:
        for number, path in enumerate(progress.track(paths, description=what), start=1):
            latest.append(_photo(path))
            yield latest[-1]
            if number % _TOGETHER == 0:
                yield _wall(latest, _WALL_SIDES[number // _TOGETHER % len(_WALL_SIDES)])


def _photo(path: Path) -> Photo:
    try:
        return Photo.open(path.read_bytes())
    except MasqueradeError as error:
        raise Failure(f"{path} cannot be used: {error}") from error


def _wall(photos: Iterable[Photo], side: int) -> Photo:
    tiles = [np.asarray(cv2.resize(photo.pixels(_TILE), (_TILE, _TILE)), np.uint8) for photo in photos]
    rows = [np.hstack([tiles[(row * side + column) % len(tiles)] for column in range(side)]) for row in range(side)]
    return Photo.open(encode(np.vstack(rows)))


def _let_pass_wrongly() -> float:
    """How many times too low a glance would have to see the odds, for what is over the line to pass."""
    return (LINE / (1 - LINE)) / (HARMLESS / (1 - HARMLESS))


def _tell(comparison: Comparison) -> None:
    off = comparison.times_off
    table = Table("pictures compared", f"{len(comparison.look):,}")
    table.add_row("looked at again", f"{comparison.looked_again:.1%}")
    table.add_row("worst that a glance lets pass, by the look", f"{comparison.highest_passed:.3f} (the line: {LINE})")
    if off.size:
        table.add_row(f"where the look gives {_OF_INTEREST} or more", f"{off.size:,}")
        table.add_row("odds by the look to those of a glance, from", f"{off.min():.3f}")
        table.add_row("in the middle", f"{np.median(off):.3f}")
        table.add_row("to", f"{off.max():.3f} (let pass wrongly: {_let_pass_wrongly():.0f})")
    output.print(table)


if __name__ == "__main__":
    app()
