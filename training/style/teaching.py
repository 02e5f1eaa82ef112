"""What ``masquerade style add`` does, once it is given."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.markup import escape

from registry.manifest import Manifest, TrainingData
from registry.references import next_version, readable
from registry.store import Store
from training.pictures import read_rgb
from training.style.adding import add, check_name, open_studio, pack_name
from training.style.data import PhotoCrops, load_picture, split
from training.style.encoders import open_encoder
from training.style.export import PREVIEW_SIDE, Painting
from training.style.learner import Progress
from training.style.lesson import Lesson
from training.terminal import bars, console


def teach(
    store: Store,
    network: str,
    about: Painting,
    painting: Path,
    photos: Path,
    photo_terms: str,
    preview: Path | None,
    encoder: str,
    lesson: Lesson,
    threads: int,
) -> None:
    """Teach ``network`` the ``painting`` on the photographs in a folder, show how far it is, and publish the style.

    Whatever is wrong with the name, the store or a picture is told before the encoder, the largest part of it all, is loaded.
    """
    torch.set_num_threads(threads)
    studio = open_studio(store, network)
    check_name(studio, about.name, store)
    # A store that cannot be written is told now, not when the style is learnt.
    with store.stage(f"{pack_name(about.name)}@{next_version(store, pack_name(about.name))}"):
        pass
    for picture in (painting, *([] if preview is None else [preview])):
        load_picture(picture, PREVIEW_SIDE)
    training, held_out = split(photos)
    crops = PhotoCrops(training, lesson.crop, lesson.seed)
    # Of the training photographs at least one can be read, or there would be no crops.
    sample = preview or next(path for path in (*held_out, *training) if read_rgb(path) is not None)
    console.print(f"{len(crops)} photographs to learn on, {crops.skipped} skipped")
    terms = TrainingData(name=f"{len(crops)} photographs", terms=photo_terms)
    eye = open_encoder(encoder)
    eye.check(lesson.recipe.layers)
    with bars() as shown:
        task = shown.add_task("learning", total=lesson.steps)

        def watch(step: Progress) -> None:
            words = f"content {step.content:.3f}, style {step.style:.3f}"
            shown.update(task, completed=step.step, description=words)

        pack = add(studio, about, painting, crops, sample, eye, lesson, store, terms, watch)
    path = pack.path(f"previews/{about.name}.jpg")
    console.print(f"Published [bold]{pack.ref}[/]; its preview: [bold]{escape(str(path))}[/]", highlight=False)
    if told := _still_to_do(store, pack.manifest, studio.network.manifest):
        console.print(told, markup=False, highlight=False, soft_wrap=True)


def _still_to_do(store: Store, pack: Manifest, network: Manifest) -> str | None:
    """What keeps the style from being painted with, if anything does."""
    others = (readable(store, f"{pack.model}@{version}") for version in store.versions(pack.model))
    if any(other is not None and other.version != pack.version and other.requires == pack.requires for other in others):
        return f"Whoever paints with an earlier version goes on so until: masquerade models promote {pack.ref} --why …"
    if (standing := store.resolve(network.model)[1]) != network.version:
        return (
            f"It goes with {network.ref}, and {network.model} stands for {standing} until: "
            f"masquerade models promote {network.ref} --why …"
        )
    return None
