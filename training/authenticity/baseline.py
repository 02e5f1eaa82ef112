"""The yardstick: a plain three-block CNN on 300 x 300 pixels, binary cross-entropy, Adam.

Three times convolution 3 x 3, rectifier and pooling (16, 32, 64 channels), a hidden layer of 512, one output. It gets
the same split, the same views and the same early stopping as the detector it is compared with, and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
import typer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from deployments.imaging import Pixels
from training.authenticity.data import (
    Dataset,
    Example,
    balanced_weights,
    check_learnable,
    labels,
    load,
    pixels,
    read_plan,
)
from training.authenticity.views import disturbed
from training.tensors import to_tensor, write_tensors
from training.terminal import bars, console, explained

SIDE: Final = 300
WEIGHTS: Final = "baseline.safetensors"
_VALIDATION_FOLD = 0


class ThreeBlocks(nn.Module):
    """``[N,3,300,300]`` RGB 0..1 to ``[N]`` log odds of "machine-made"."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64)
        blocks = [
            nn.Sequential(nn.Conv2d(before, after, 3), nn.ReLU(), nn.MaxPool2d(2)) for before, after in pairwise(widths)
        ]
        self.features = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 35 * 35, 512), nn.ReLU(), nn.Linear(512, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(pictures))[:, 0]
        return logits


@dataclass(frozen=True)
class Settings:
    """Everything besides the pictures that the result depends on. ``patience`` counts epochs without improvement."""

    epochs: int = 12
    batch: int = 32
    learning_rate: float = 1e-3
    patience: int = 3
    seed: int = 1


def train_baseline(
    dataset: Dataset, settings: Settings, tell: Callable[[str], None], keep: Callable[[ThreeBlocks], None]
) -> ThreeBlocks:
    """Learn from four folds, stop by the loss on the fifth, and give back the best epoch's network.

    ``keep`` is handed the network whenever it is the best so far, so that a run cut short leaves something. Raises
    ``NoPictures`` where there are too few to learn from.
    """
    torch.manual_seed(settings.seed)
    learnable = dataset.learnable()
    learn = [example for example in learnable if example.fold != _VALIDATION_FOLD]
    judge = [example for example in learnable if example.fold == _VALIDATION_FOLD]
    check_learnable(learn, judge, "the baseline")
    images = [pixels(example) for example in learn]
    weights, truth = torch.tensor(balanced_weights(learn)).float(), torch.tensor(labels(learn)).float()
    network = ThreeBlocks()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    best, best_loss, since = copy.deepcopy(network.state_dict()), float("inf"), 0
    for epoch in range(settings.epochs):
        generator = np.random.default_rng((settings.seed, epoch))
        network.train()
        order = generator.permutation(len(learn))
        for start in range(0, len(order), settings.batch):
            chosen = order[start : start + settings.batch]
            batch = torch.stack([to_tensor(disturbed(images[index], generator, SIDE)) for index in chosen])
            loss = (
                weights[chosen]
                * functional.binary_cross_entropy_with_logits(network(batch), truth[chosen], reduction="none")
            ).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            optimiser.step()
        validation = _loss(network, judge)
        tell(f"epoch {epoch + 1} of at most {settings.epochs}, validation loss {validation:.3f}")
        since += 1
        if validation < best_loss:
            best, best_loss, since = copy.deepcopy(network.state_dict()), validation, 0
            keep(network)
        if since == settings.patience:
            break
    network.load_state_dict(best)
    return network.eval()


def rate(network: ThreeBlocks, examples: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Log odds for each picture, its middle square as it is."""
    network.eval()
    with torch.inference_mode():
        return np.array([network(to_tensor(_middle(pixels(example)))[None]).item() for example in examples], np.float64)


def load_baseline(path: Path) -> ThreeBlocks:
    """Read what this module's command wrote. Raises ``OSError``, or ``ValueError`` for another kind of file."""
    network = ThreeBlocks()
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the baseline's weights") from error
    return network.eval()


def _loss(network: ThreeBlocks, examples: Sequence[Example]) -> float:
    rated, truth = torch.tensor(rate(network, examples)), torch.tensor(labels(examples)).double()
    losses = functional.binary_cross_entropy_with_logits(rated, truth, reduction="none")
    return float((torch.tensor(balanced_weights(examples)) * losses).mean())


def _middle(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    interpolation = cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=interpolation), np.uint8)


EXAMPLE = """Example:

python -m training.authenticity.baseline pictures/ runs/mine        # pictures/real and pictures/ai
"""


def main(
    data: Annotated[Path, typer.Argument(help="Folder of pictures.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Argument(help="Folder to write baseline.safetensors into.")],
    plan: Annotated[Path | None, typer.Option(help="YAML naming the sources.", exists=True)] = None,
    epochs: Annotated[int, typer.Option(min=1)] = Settings.epochs,
    seed: Annotated[int, typer.Option(min=0)] = Settings.seed,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Train the baseline the detector is compared with."""
    with explained():
        torch.set_num_threads(threads)
        dataset = load(data, read_plan(data, plan))
        settings = Settings(epochs=epochs, seed=seed)
        with bars() as bar:
            task = bar.add_task("training the baseline", total=epochs)

            def tell(words: str) -> None:
                bar.update(task, advance=1, description=words)
                bar.console.print(words)

            out.mkdir(parents=True, exist_ok=True)
            train_baseline(
                dataset, settings, tell, lambda best: write_tensors(out / WEIGHTS, dict(best.state_dict()), {})
            )
        console.print(f"wrote {out / WEIGHTS}", markup=False)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLE)(main)

if __name__ == "__main__":
    app()
