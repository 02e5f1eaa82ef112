"""``masquerade eval lookalike``: whether a gallery names those in it, and whether its per cent mean what they say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from deployments.faces.engine import build
from deployments.lookalike.engine import LookalikeEngine, LookalikeQuery
from deployments.lookalike.files import PEOPLE, read_people
from deployments.lookalike.types import Match
from deployments.runtime import Runtime
from training.evaluation.people import Seen, look
from training.evaluation.report import Report, Series
from training.evaluation.statistics import Numbers
from training.evaluation.terminal import conclude
from training.evaluation.thumbnails import add_thumbnails
from training.stores import STORE, StoreOption, opened
from training.terminal import explained

TOP = 5
SHOWN = 6

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Examples:  masquerade eval lookalike held-out-people/ --gallery actors  ·  "
    "masquerade eval lookalike strangers/ --gallery actors@v3"
)
def lookalike(
    people: Annotated[
        Path,
        typer.Argument(
            help="A folder with one sub-folder of pictures a person, none of which the gallery was built of."
        ),
    ],
    gallery: Annotated[str, typer.Option(help="The gallery: NAME, NAME@VERSION or NAME@ALIAS.")],
    least_first: Annotated[float, typer.Option(min=0, max=1, help="Bar for naming the right person first.")] = 0.95,
    report: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("reports/eval-lookalike"),
    store: StoreOption = STORE,
) -> None:
    """Ask a gallery about pictures it does not know: of people who are in it, and of people who are not."""
    with explained():
        models = opened(store)
        version = models.get(gallery)
        if version.manifest.task != "face-gallery":
            raise ValueError(f"{version.ref} is a {version.manifest.task} model and no gallery")
        embedder = models.get(version.manifest.input["embedder"])
        faces = build(embedder, Runtime())
        seen = [entry for entry in look(people, embedder, faces, models) if entry.found]
        faces.close()
        engine = LookalikeEngine(version, Runtime())
        known = {person.name for person in read_people(version.path(PEOPLE))}
        members = [entry for entry in seen if entry.person in known]
        strangers = [entry for entry in seen if entry.person not in known]
        if not seen:
            raise ValueError(f"no face was found in the pictures in {people}")
        written = Report(
            f"Lookalikes: {version.ref}",
            f"{version.ref} asked about {len(members)} pictures of people in it and {len(strangers)} of others.",
        )
        space = version.manifest.embedding_space or ""
        if members:
            _named(written, engine, members, space, least_first)
        if strangers:
            _calibrated(written, engine, strangers, space)
        engine.close()
        conclude(written, report)


def _named(report: Report, engine: LookalikeEngine, members: list[Seen], space: str, least_first: float) -> None:
    ranks: list[int | None] = []
    wrong = []
    began = time.perf_counter()
    for entry in members:
        names = [match.name for match in _asked(engine, entry, space, TOP)]
        ranks.append(names.index(entry.person) if entry.person in names else None)
        if ranks[-1] != 0:
            wrong.append((entry, names[0]))
    took = (time.perf_counter() - began) / len(members)
    first = sum(rank == 0 for rank in ranks)
    note = f"{first} of {len(ranks)}"
    report.share("right person first", first, len(ranks), at_least=least_first, note=note)
    report.figure(f"right person among {TOP}", sum(rank is not None for rank in ranks) / len(ranks))
    report.figure("a search", 1000 * took, unit="ms")
    shown = [(entry.path, f"{entry.person}, called {called}") for entry, called in wrong[:SHOWN]]
    add_thumbnails(report, "Named wrongly", shown)


def _calibrated(report: Report, engine: LookalikeEngine, strangers: list[Seen], space: str) -> None:
    """For people who are not in the gallery, N % has to be undercut by N of 100: the calibration is a diagonal."""
    stated = np.sort([_asked(engine, entry, space, 1)[0].similarity for entry in strangers])
    share = np.arange(1, len(stated) + 1) / len(stated)
    report.figure(
        "largest distance of stated and found per cent",
        farthest(stated / 100),
        note=f"Kolmogorov-Smirnov over the best matches of {len(strangers)} pictures of strangers",
    )
    curve = Series(name="strangers", x=tuple(stated.tolist()), y=tuple((100 * share).tolist()))
    ideal = Series(name="as stated", x=(0.0, 100.0), y=(0.0, 100.0), muted=True)
    report.plot(
        "What the per cent mean",
        "similarity stated, %",
        "strangers whose best match is at most that alike, %",
        [curve, ideal],
        x_limits=(0, 100),
        y_limits=(0, 100),
    )


def farthest(stated: Numbers) -> float:
    """How far the distribution of ``stated`` (ascending, 0..1) is from an even one: Kolmogorov and Smirnov's statistic.

    It jumps at every value, where what lies before the jump counts as well as what lies after it.
    """
    after = np.arange(1, len(stated) + 1) / len(stated)
    return float(np.maximum(after - stated, stated - after + 1 / len(stated)).max())


def _asked(engine: LookalikeEngine, entry: Seen, space: str, top: int) -> tuple[Match, ...]:
    if entry.analysis.embedding is None:
        raise ValueError(f"{entry.path} shows no face")
    (matches,) = engine.run([LookalikeQuery(entry.analysis.embedding, space, top)])
    return matches
