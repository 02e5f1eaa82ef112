"""From one painting to an installed style pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from deployments.masterpiece.encoder import Encoder
from deployments.style.packs import IDENTITY, StyleBook
from registry.choosing import fitted
from registry.manifest import Description, ModelVersion, TrainingData, is_name
from registry.publish import describe
from registry.references import next_version, standing
from registry.store import Store
from training.style.checkpoint import Weights, load_weights
from training.style.data import PhotoCrops, load_picture
from training.style.export import NETWORK_WEIGHTS, PREVIEW_SIDE, VECTORS, Painting, write_pack
from training.style.learner import Progress, StyleLearner
from training.style.lesson import Lesson


class CannotAdd(ValueError):
    """A style cannot be added; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Studio:
    """A style network of a store with every pack that is installed for it. Made by :func:`open_studio`."""

    network: ModelVersion
    packs: tuple[ModelVersion, ...]
    weights: Weights

    @property
    def styles(self) -> tuple[str, ...]:
        """The names taken."""
        return tuple(style.name for style in StyleBook(self.network, self.packs).styles)


def open_studio(store: Store, ref: str) -> Studio:
    """Raises ``RegistryError`` where there is no such network, and :class:`CannotAdd` for one that cannot learn."""
    network = store.get(ref)
    if network.manifest.task != "style":
        raise CannotAdd(f"{network.ref} is a {network.manifest.task} model; give a style network")
    try:
        weights = load_weights(network.path(NETWORK_WEIGHTS))
    except KeyError as error:
        raise CannotAdd(f"{network.ref} comes without {NETWORK_WEIGHTS}, which learning a style needs") from error
    # Manifests first: of a store in a bucket, other models' files are not brought here.
    found = (fitted(store, pack, network.manifest) for pack in standing(store) if pack.task == "style-pack")
    packs = [store.get(pack.ref) for pack in found if pack is not None]
    vectors: dict[str, Tensor] = {}
    for pack in packs:
        vectors |= load_file(pack.path(VECTORS))
    return Studio(network, tuple(packs), Weights(weights.network, vectors))


def pack_name(style: str) -> str:
    """The pack that holds one added style."""
    return f"styles-{style.replace('_', '-')}"


def check_name(studio: Studio, style: str, store: Store) -> None:
    """Whether ``style`` can be added without taking any other away.

    Raises :class:`CannotAdd` for a name that is malformed or belongs to a style of another pack, and where the next
    version of its pack would lack a style that the pack has now, or leave the network that it is for.
    """
    if not is_name(style) or not is_name(pack_name(style)):
        raise CannotAdd(f"{style!r} is no name for a style; use a few small letters, digits, _ and -")
    if style == IDENTITY:
        raise CannotAdd(f"{style!r} is what a network calls the photo itself; choose another name")
    others = [pack for pack in studio.packs if pack.manifest.model != pack_name(style)]
    if style in {info.name for info in StyleBook(studio.network, others).styles}:
        raise CannotAdd(f"{studio.network.ref} has a style {style!r} already; choose another name")
    if not store.versions(pack_name(style)):
        return
    replaced = store.get(pack_name(style))
    network = studio.network.manifest.model
    if replaced.manifest.task != "style-pack" or network not in replaced.manifest.requires:
        raise CannotAdd(f"{style!r} would replace {replaced.ref}, which is no pack of {network}; choose another name")
    # The identity counts: a pack that brings it was trained with its network, and is needed for it.
    if lost := sorted(load_file(replaced.path(VECTORS)).keys() - {style}):
        raise CannotAdd(f"{style!r} would replace {replaced.ref}, which holds {', '.join(lost)}; choose another name")


def add(
    studio: Studio,
    painting: Painting,
    picture: Path,
    photos: PhotoCrops,
    sample: Path,
    encoder: Encoder,
    lesson: Lesson,
    store: Store,
    photo_terms: TrainingData,
    watch: Callable[[Progress], None],
) -> ModelVersion:
    """Learn ``picture`` as a style called ``painting.name`` and publish it as a pack of its own.

    Nothing is published before the style is learnt. Raises ``NotAPicture``, for the sample before anything is learnt,
    and what the store raises.
    """
    check_name(studio, painting.name, store)
    load_picture(sample, PREVIEW_SIDE)
    target = load_picture(picture, lesson.painting_side)
    learner = StyleLearner(studio.weights.network, studio.weights.styles, target, photos, encoder, lesson)
    for progress in learner.learn():
        watch(progress)
    description = Description(
        model=pack_name(painting.name),
        version=next_version(store, pack_name(painting.name)),
        task="style-pack",
        format="safetensors",
        title=painting.title,
        requires={studio.network.manifest.model: studio.network.manifest.file(NETWORK_WEIGHTS).sha256},
        licence=studio.network.manifest.licence,
        trained_on=(
            TrainingData(name=painting.title, terms=painting.licence),
            photo_terms,
            TrainingData(name=f"features of {encoder.info.name}", terms=encoder.info.terms),
        ),
    )
    learnt = Weights(studio.weights.network, {painting.name: learner.vector})
    with store.stage(description.ref) as folder:
        write_pack(learnt, [painting], sample, folder)
        return store.publish(describe(folder, description), folder)
