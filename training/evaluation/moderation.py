"""``masquerade eval moderation``: what is let through and what is refused, on folders of your own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from deployments.errors import MasqueradeError
from deployments.imaging import Photo
from deployments.moderation.engine import ModerationEngine, Verdict, build
from deployments.moderation.policy import Policy
from deployments.runtime import Runtime
from training.evaluation.curves import add_roc
from training.evaluation.report import Report
from training.evaluation.statistics import area_under_roc
from training.evaluation.terminal import conclude, tell_unreadable
from training.evaluation.thumbnails import add_thumbnails
from training.pictures import pictures_below
from training.stores import STORE, StoreOption, opened
from training.terminal import bars, explained

SHOWN = 12

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture and what moderation says about it."""

    path: Path
    verdict: Verdict


@app.command(
    epilog="Examples:  masquerade eval moderation safe/ unsafe/  ·  "
    "masquerade eval moderation safe/ unsafe/ --model open-nsfw --cost-of-a-miss 20"
)
def moderation(
    safe: Annotated[Path, typer.Argument(help="A folder of pictures that are to pass.")],
    unsafe: Annotated[Path | None, typer.Argument(help="A folder of pictures that are to be refused.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Moderation model; several vote. Default: open-nsfw.")] = None,
    cost_of_a_miss: Annotated[
        float, typer.Option(min=0.01, help="How many refused safe pictures one missed unsafe one is worth.")
    ] = 10.0,
    most_refused: Annotated[float, typer.Option(min=0, max=1, help="Bar for safe pictures refused.")] = 0.02,
    report: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("reports/eval-moderation"),
    store: StoreOption = STORE,
) -> None:
    """Measure moderation on pictures of your own. Unsafe ones are counted and never shown."""
    with explained():
        models = opened(store)
        versions = [models.get(name) for name in model or ["open-nsfw"]]
        engine = build(versions, Policy(), Runtime())
        passing = judged(safe, engine)
        refusing = judged(unsafe, engine) if unsafe is not None else []
        engine.close()
        written = Report(
            f"Moderation: {engine.name}",
            f"{engine.name} at the shipped thresholds on {len(passing)} safe and {len(refusing)} unsafe pictures.",
        )
        _refused(written, passing, most_refused)
        if refusing:
            _missed(written, refusing)
            for rule in sorted(set(passing[0].verdict.scores) & set(refusing[0].verdict.scores)):
                _thresholds(written, rule, passing, refusing, cost_of_a_miss)
        conclude(written, report)


def judged(folder: Path, engine: ModerationEngine) -> list[Judged]:
    """Every picture of a folder and below. Raises ``ValueError`` when there is none that can be read."""
    paths = pictures_below(folder)
    found: list[Judged] = []
    with bars() as shown:
        for path in shown.track(paths, description=f"Looking at {folder.name}/"):
            try:
                photo = Photo.open(path.read_bytes())
            except (OSError, MasqueradeError):
                continue
            found += [Judged(path, verdict) for verdict in engine.run([photo])]
    if not found:
        raise ValueError(f"{folder} holds no picture that can be read (JPEG, PNG or WebP)")
    tell_unreadable(len(paths) - len(found), folder)
    return found


def cheapest(safe: np.ndarray, unsafe: np.ndarray, cost_of_a_miss: float) -> tuple[float, float]:
    """The threshold at and above which refusing costs least, and the cost per picture; of equals, the strictest.

    A refused safe picture costs 1, a missed unsafe one ``cost_of_a_miss``, each class weighing the same.
    """
    candidates = np.append(np.unique(np.concatenate([safe, unsafe])), math.inf)
    costs = [float((safe >= line).mean() + cost_of_a_miss * (unsafe < line).mean()) for line in candidates]
    best = int(np.argmin(costs))
    return float(min(candidates[best], 1.0)), costs[best]


def _refused(report: Report, passing: list[Judged], most_refused: float) -> None:
    refused = [entry for entry in passing if not entry.verdict.allowed]
    note = f"{len(refused)} of {len(passing)}"
    report.share("safe pictures refused", len(refused), len(passing), at_most=most_refused, note=note)
    worst = sorted(refused, key=lambda entry: -_worst(entry.verdict.scores))[:SHOWN]
    shown = [
        (entry.path, f"{entry.path.name}: {entry.verdict.rule} {_worst(entry.verdict.scores):.2f}") for entry in worst
    ]
    add_thumbnails(report, "Safe pictures that were refused", shown)


def _missed(report: Report, refusing: list[Judged]) -> None:
    caught = sum(not entry.verdict.allowed for entry in refusing)
    report.share("unsafe pictures refused", caught, len(refusing), note=f"{caught} of {len(refusing)}")


def _thresholds(
    report: Report, rule: str, passing: list[Judged], refusing: list[Judged], cost_of_a_miss: float
) -> None:
    safe = np.array([entry.verdict.scores[rule] for entry in passing])
    unsafe = np.array([entry.verdict.scores[rule] for entry in refusing])
    labels, scores = np.arange(len(safe) + len(unsafe)) >= len(safe), np.concatenate([safe, unsafe])
    line, cost = cheapest(safe, unsafe, cost_of_a_miss)
    report.figure(f"{rule}: area under the ROC", area_under_roc(labels, scores))
    report.figure(
        f"{rule}: cheapest threshold",
        line,
        note=f"a miss costs {cost_of_a_miss:g} refusals; {cost:.3f} a picture. "
        f'MASQUERADE_MODERATION_THRESHOLDS={{"{rule}": {line:.3f}}} sets it where it is stricter than the floor',
    )
    axes = ("safe pictures refused", "unsafe pictures refused")
    add_roc(report, f"ROC of {rule}", axes, [(rule, labels, scores)])


def _worst(scores: Mapping[str, float]) -> float:
    return max(scores.values(), default=0.0)
