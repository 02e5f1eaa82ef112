"""What leanness costs: networks of several widths trained alike: ``python -m training.style.twin --help``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Final

import onnx
import torch
import typer
from torch import Tensor

from deployments.imaging import Pixels
from training.evaluation.report import Cell, Report, Series
from training.evaluation.terminal import conclude
from training.style import graphs
from training.style.checkpoint import Weights, load_weights
from training.style.contenders import Trained
from training.style.data import load_held_out, named_paths
from training.style.encoders import open_encoder
from training.style.evaluate import own_painter
from training.style.failures import Mistake
from training.style.job import Job, begun, finished, work
from training.style.judge import Judge, Judgement
from training.style.network import SIZES
from training.style.recipes import RECIPES
from training.style.record import RunRecord
from training.style.run import LOSSES
from training.style.terminal import told_plainly
from training.style.trainer import WEIGHTS, Settings
from training.style.yardstick import milliseconds
from training.tensors import to_pixels
from training.terminal import console

TWIN: Final = "full"
VALIDATIONS: Final = 12
# Points of the curve of training losses, each a mean.
DRAWN: Final = 30

SUMMARY: Final = (
    "Networks that differ in their size alone are trained from nothing: the same photographs, paintings, losses, seed "
    "and number of steps, one picture a step. `full` has the channels, kernels and ordinary convolutions that Johnson "
    "et al. published, with our conditional instance normalisation; `fine` and `lean` are what is shipped. VGG-19 "
    "compares what they paint of photographs none was trained on with the photograph (content) and with the painting "
    "(style distance): 0 is perfect. The numbers compare sizes; trained for longer, each comes nearer."
)

EXAMPLES = """Examples:

python -m training.style.twin photos/ runs/twin --style the_scream=scream.jpg --style wave=wave.jpg --steps 1500

The same command goes on where an interrupted one stopped.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One size, trained: its run, its weights, and what the judge says of each style."""

    size: str
    run: Path
    record: RunRecord
    weights: Weights
    judged: Mapping[str, Judgement]

    @property
    def parameters(self) -> int:
        """The weights that all styles share."""
        return sum(parameter.numel() for parameter in self.weights.network.parameters())


def twin(
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, searched below too.", exists=True)],
    runs: Annotated[Path, typer.Argument(help="Folder for the runs, one below another.")],
    style: Annotated[list[str], typer.Option(help="name=painting; repeat for every style.")],
    size: Annotated[
        list[str] | None,
        typer.Option(help=f"Instead of all: {', '.join(SIZES)}.", show_default="all"),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="For each size.")] = 1500,
    learning_rate: Annotated[float, typer.Option(min=0)] = Settings.learning_rate,
    seed: Annotated[int, typer.Option(min=0)] = Settings.seed,
    crop: Annotated[int, typer.Option(min=64, help="Side of the training pictures, a multiple of 4.")] = Settings.crop,
    encoder: Annotated[str, typer.Option(help="Of the losses and of the judge: vgg19, or a .safetensors file.")] = (
        "vgg19"
    ),
    side: Annotated[int, typer.Option(min=64, help="Short side of paintings, and of photographs when judged.")] = 512,
    limit: Annotated[int, typer.Option(min=1, help="How many photographs to judge on.")] = 6,
    report: Annotated[Path, typer.Option(help="Folder for report.json and report.html.")] = Path("reports/style-width"),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Train every size in the same way, and judge what each has come to."""
    with told_plainly(again="the same command"):
        if unknown := [name for name in size or () if name not in SIZES]:
            raise Mistake(f"there is no size {unknown[0]}; there are {', '.join(SIZES)}")
        if crop % 4:
            raise Mistake("--crop must be a multiple of 4")
        paintings = {name: path.absolute() for name, path in named_paths(style).items()}
        pictures = load_held_out(photos, side, limit)
        chosen = [name for name in SIZES if name in (size or SIZES)]
        for name in chosen:
            settings = Settings(
                steps,
                1,
                crop,
                side,
                learning_rate,
                seed=seed,
                recipe=RECIPES["deep"],
                architecture=SIZES[name],
            )
            folder = runs.absolute() / name
            job = Job(
                photos=photos.absolute(),
                folder=folder,
                paintings=paintings,
                encoder=encoder,
                settings=settings,
                resume=begun(folder),
                validate_every=max(1, steps // VALIDATIONS),
                patience=0,
                device=device,
                threads=threads,
            )
            console.print(f"size {name}")
            if not finished(job):
                work(job)
        torch.set_num_threads(1)
        judge = Judge(open_encoder(encoder), paintings, pictures, side)
        found = [_judged(name, runs / name, judge, list(paintings)) for name in chosen]
        times = milliseconds([_drawn(one) for one in found], next(iter(paintings)))
        conclude(_written(found, times, pictures[0], len(pictures), side), report)


def _judged(size: str, run: Path, judge: Judge, styles: Sequence[str]) -> Finding:
    console.print(f"judging {size}")
    weights = load_weights(run / WEIGHTS)
    judged = {style: judge.judge(style, own_painter(weights, style)) for style in styles}
    return Finding(size, run, RunRecord.read(run), weights, judged)


def _drawn(found: Finding) -> Trained:
    """The network as a graph beside its weights, for the runtimes to compute."""
    network, path = found.weights.network, found.run / "network.onnx"
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    onnx.save(graphs.painter(network.architecture, arrays), path)
    return Trained(found.size, path, found.weights.styles)


def _written(
    found: Sequence[Finding], times: Mapping[str, Mapping[str, float]], photo: Tensor, photos: int, side: int
) -> Report:
    steps = found[0].record.step
    written = Report(
        "What leanness costs", f"{SUMMARY} {steps} steps each; {photos} photographs, short side {side} px."
    )
    _figures(written, found, times)
    rows = [
        (one.size, style, round(judged.content, 4), round(judged.style, 4))
        for style in found[0].judged
        for one in found
        for judged in (one.judged[style],)
    ]
    written.table("After as many steps", ("size", "style", "content", "style distance"), rows)
    costs: list[list[Cell]] = []
    for one in found:
        spent = [round(taken[one.size], 1) for taken in times.values()]
        costs.append([one.size, one.parameters, one.record.seconds / max(1, one.record.step), *spent])
    runtimes = [f"ms, 512 x 512, one core, {runtime}" for runtime in times]
    written.table("What each costs", ("size", "weights", "seconds a training step", *runtimes), costs)
    for title, name in (("Style distance", "style"), ("Content", "content")):
        series = [_validated(one, name) for one in found]
        written.plot(f"{title} on held-out photographs", "steps", f"{title.lower()}, mean of the styles", series)
    written.plot("Training loss", "steps", "loss, mean of neighbouring steps", [_trained(one) for one in found])
    _pictures(written, found, photo)
    return written


def _figures(written: Report, found: Sequence[Finding], times: Mapping[str, Mapping[str, float]]) -> None:
    """The lean sizes as multiples of the twin; ratios of several styles by their geometric mean."""
    theirs = next((one for one in found if one.size == TWIN), None)
    for ours in (one for one in found if theirs and one is not theirs):
        assert theirs is not None
        for title, name in (("style distance", "style"), ("content", "content")):
            ratios = [getattr(ours.judged[s], name) / getattr(theirs.judged[s], name) for s in ours.judged]
            mean = math.exp(fmean(map(math.log, ratios)))
            written.figure(f"{ours.size}: {title}, times the full width's", mean)
        for runtime, taken in times.items():
            cheaper = taken[TWIN] / taken[ours.size]
            written.figure(f"{ours.size}: times cheaper than the full width, {runtime.partition(',')[0]}", cheaper)


def _validated(found: Finding, name: str) -> Series:
    validations = found.record.validations
    x, y = ([float(getattr(one, key)) for one in validations] for key in ("step", name))
    return Series(name=found.size, x=tuple(x), y=tuple(y))


def _trained(found: Finding) -> Series:
    """The losses of training, in :data:`DRAWN` means."""
    lines = (found.run / LOSSES).read_text(encoding="utf-8").splitlines()
    # A step taken again after a crash counts once.
    totals = {one["step"]: one["total"] for one in map(json.loads, lines)}
    each = math.ceil(len(totals) / DRAWN)
    steps = sorted(totals)
    groups = [steps[start : start + each] for start in range(0, len(steps), each)]
    return Series(
        name=found.size,
        x=tuple(fmean(group) for group in groups),
        y=tuple(fmean(totals[step] for step in group) for group in groups),
    )


@torch.no_grad()
def _pictures(written: Report, found: Sequence[Finding], photo: Tensor) -> None:
    for style in found[0].judged:
        row: list[tuple[Pixels, str]] = [(to_pixels(photo), "photograph")]
        row += [(to_pixels(own_painter(one.weights, style)(photo[None])[0]), one.size) for one in found]
        written.pictures(style, row)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(twin)

if __name__ == "__main__":
    app()
