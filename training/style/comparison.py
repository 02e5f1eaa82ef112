"""``masquerade eval style``: the installed style networks against published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import torch
import typer
from torch import Tensor

from deployments.imaging import Pixels
from deployments.masterpiece.objective import Objective
from registry.references import standing
from registry.store import FolderStore
from training.evaluation.report import Report, Series
from training.evaluation.terminal import conclude
from training.style.adding import open_studio
from training.style.contenders import Contender, Network, Published, Served
from training.style.data import load_held_out, load_photos, named_paths
from training.style.encoders import open_encoder
from training.style.judge import Judge
from training.style.optimised import Optimised
from training.style.yardstick import BARS, LATTICE_BAR, Curve, curves, milliseconds, verdict
from training.tensors import to_pixels
from training.terminal import bars, explained

THEIRS: Final = "published"

SUMMARY: Final = (
    "Each network paints photographs that none was trained on. VGG-19 compares every painting with its photo (content "
    "at relu4_2) and with the style's own painting (Gram matrices at relu1_1 to relu4_1), as relative squared "
    "distances: 0 is perfect, lower is better. Bars compare the networks at full strength, all of them alike. Strength "
    "trades content for style, so each is also judged along it, and once more at the strength where it comes nearest "
    "to the painting. The lattice is what repeats every four pixels over regions of 64, as upsampling may leave it, in "
    "levels of 255; photographs have about 1.4 by chance."
)

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example:  masquerade eval style photos/ --style wave=wave.jpg --style udnie=udnie.jpg "
    "--peer wave=fns_wave.onnx --peer udnie=fns_udnie.onnx"
)
def style(
    photos: Annotated[Path, typer.Argument(help="Folder of photographs; those held out from training are used.")],
    style: Annotated[list[str], typer.Option(help="name=painting; repeat for every style.")],
    peer: Annotated[
        list[str] | None, typer.Option(help="name=network.onnx of somebody else, for the same style.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Style networks to judge.", show_default="all that are installed")
    ] = None,
    show: Annotated[
        list[Path] | None, typer.Option(help="Photograph for the side-by-side pictures; repeat for more.", exists=True)
    ] = None,
    optimise: Annotated[
        int, typer.Option(min=0, help="Also judge paintings optimised in so many steps, minutes for each; 0: none.")
    ] = 0,
    encoder: Annotated[str, typer.Option(help="The judge: vgg19, or a .safetensors file.")] = "vgg19",
    side: Annotated[int, typer.Option(min=64, help="Short side of photographs and paintings.")] = 512,
    limit: Annotated[int, typer.Option(min=1, help="How many photographs.")] = 12,
    report: Annotated[Path, typer.Option(help="Folder for report.json and report.html.")] = Path("reports/style"),
    store: Annotated[
        Path, typer.Option("--store", envvar="MASQUERADE_MODELS_DIR", help="Folder the model versions lie in.")
    ] = Path("var/models"),
) -> None:
    """Measure style networks: what they keep of photos, what they catch of paintings, and what they cost."""
    with explained():
        torch.set_num_threads(1)
        ours = _installed(FolderStore(store), model)
        paintings, networks = named_paths(style), named_paths(peer or [])
        _check(paintings, networks, ours)
        contenders: list[Network] = [*ours, *([Published(THEIRS, networks)] if networks else [])]
        pictures = load_held_out(photos, side, limit)
        eye = open_encoder(encoder)
        judge = Judge(eye, paintings, pictures, side)
        slow: list[Contender] = [Optimised(eye, paintings, side, optimise, Objective())] if optimise else []
        with bars() as shown:
            task = shown.add_task("judging", total=1)
            drawn = curves(
                judge,
                [*contenders, *slow],
                tuple(paintings),
                lambda done, total: shown.update(task, completed=done, total=total),
            )
        times = milliseconds(contenders, next(iter(networks), ours[0].styles[0]))
        written = _written(drawn, times, len(pictures), side)
        _sheets(written, load_photos(show or [], side, len(show or [])), contenders, tuple(paintings))
        conclude(written, report)


def _installed(store: FolderStore, refs: Sequence[str] | None) -> list[Served]:
    chosen = refs or [manifest.model for manifest in standing(store) if manifest.task == "style"]
    if not chosen:
        raise ValueError(f"{store.root} holds no style network; run: masquerade models pull --starter")
    studios = [open_studio(store, ref) for ref in chosen]
    return [Served(studio.network, studio.packs) for studio in studios]


def _check(paintings: Mapping[str, Path], peers: Mapping[str, Path], ours: Sequence[Served]) -> None:
    """Raises ``ValueError`` for a painting that nobody here paints like, and for a peer without its painting."""
    known = list(dict.fromkeys(style for one in ours for style in one.styles))
    if unknown := sorted(paintings.keys() - set(known)):
        raise ValueError(f"no network here has the style {unknown[0]}; there is {', '.join(known)}")
    if unknown := sorted(peers.keys() - paintings.keys()):
        raise ValueError(f"{unknown[0]} has a peer and no painting; give --style {unknown[0]}=painting too")


def _written(drawn: Sequence[Curve], times: Mapping[str, Mapping[str, float]], photos: int, side: int) -> Report:
    written = Report("Style transfer", f"{SUMMARY} {photos} photographs, short side {side} px.")
    theirs = {curve.style: curve for curve in drawn if curve.label == THEIRS}
    for curve in drawn:
        size = curve.label.partition("@")[0].removeprefix("style-")
        if size not in BARS:
            continue
        if curve.style in theirs:
            _figures(written, curve, theirs[curve.style], size, times)
        written.figure(f"{size}, {curve.style}: lattice, levels", curve.points[0].lattice, at_most=LATTICE_BAR)
    columns = ("style", "network", "strength", "content", "style distance", "lattice")
    rows = [
        (one.style, one.label, point.strength, round(point.content, 4), round(point.style, 4), round(point.lattice, 2))
        for one in drawn
        for point in one.points
    ]
    spent = [(label, runtime, round(taken)) for runtime, taken_by in times.items() for label, taken in taken_by.items()]
    written.table("One core, 512 x 512", ("network", "runtime", "processor time, ms"), spent)
    written.table("At full strength", columns, [row for row in rows if row[2] == 1])
    for name in dict.fromkeys(curve.style for curve in drawn):
        series = [_series(curve) for curve in drawn if curve.style == name]
        written.plot(name, "content distance", "style distance", series, note="Strength 1 at the right end of a line.")
    written.table("Along the strength", columns, rows)
    return written


def _figures(written: Report, ours: Curve, theirs: Curve, size: str, times: Mapping[str, Mapping[str, float]]) -> None:
    bar = BARS[size]
    for runtime, taken in times.items():
        name = f"{size}: times cheaper, {runtime.partition(',')[0]}"
        if not any(figure.name == name for figure in written.document.figures):
            cheaper = taken[THEIRS] / taken[ours.label]
            written.figure(
                name, cheaper, at_least=bar.cheaper, note="processor time of one core, theirs and ours alike"
            )
    found, peer = verdict(ours, theirs), theirs.points[0]
    name = f"{size}, {ours.style}"
    note = f"both at full strength; theirs {peer.content:.3f} / {peer.style:.3f}"
    written.figure(f"{name}: content, times theirs", found.content, at_most=bar.content, note=note)
    written.figure(f"{name}: style, times theirs", found.style, at_most=bar.style)
    note = "no more of the photo lost than theirs loses at full strength; no bar"
    written.figure(f"{name}: style, times theirs, each at its best strength", found.style_at_best, note=note)


def _series(curve: Curve) -> Series:
    content, styles = zip(*((point.content, point.style) for point in curve.points), strict=True)
    return Series(name=curve.label, x=content, y=styles, muted=curve.label == THEIRS)


@torch.no_grad()
def _sheets(written: Report, photos: Sequence[Tensor], contenders: Sequence[Contender], styles: Sequence[str]) -> None:
    """For each photograph a row of pictures: itself, and every style by everybody who has it."""
    for number, photo in enumerate(photos, start=1):
        row: list[tuple[Pixels, str]] = [(to_pixels(photo), "photograph")]
        for name in styles:
            for contender in (one for one in contenders if name in one.styles):
                painted = contender.paint(photo[None], name, 1.0)[0]
                row.append((np.ascontiguousarray(to_pixels(painted)), f"{name}, {contender.label}"))
        written.pictures(f"Side by side, {number}", row)
