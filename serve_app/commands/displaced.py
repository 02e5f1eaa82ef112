"""What versions that are brought in take out of service from the next start on, where nobody has decided on any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deployments.slots import ModelSet
from deployments.style.packs import style_names
from registry.errors import RegistryError
from registry.manifest import parse_ref
from registry.store import Store
from serve_app.commands.terminal import console
from serve_app.selection import Selection, select
from serve_app.settings import Settings


@contextmanager
def telling_what_goes(store: Store) -> Iterator[None]:
    """A word at the end about the gallery and the styles that what is published meanwhile leaves behind."""
    before = _selected(store)
    yield
    after = _selected(store)
    _tell_of_a_gallery_lost(before, after)
    _tell_of_styles_lost(store, before, after)


def _selected(store: Store) -> Selection:
    """What would serve; nothing where a model that the settings name is not there yet."""
    try:
        return select(store, Settings().models)
    except RegistryError:
        return Selection()


def _tell_of_a_gallery_lost(before: Selection, after: Selection) -> None:
    """Another face model takes the galleries' place away: their vectors lie in the space of the one they were built with."""
    gallery, faces = before.chosen.get("lookalike"), after.chosen.get("faces")
    if gallery is None or faces is None or "lookalike" not in after.missing:
        return
    console.print(
        f"From the next start on {faces.model} finds the faces, and the gallery {gallery.model} does not fit it. "
        f"Build one anew: {after.missing['lookalike']}. Or stay with MASQUERADE_MODELS__FACES={parse_ref(before.chosen['faces'].model)[0]}.",
        style="yellow",
        highlight=False,
        soft_wrap=True,
    )


def _tell_of_styles_lost(store: Store, before: Selection, after: Selection) -> None:
    """A newer network, or a better one, takes away the styles of packs that were made for the weights of before."""
    was, now = before.chosen.get("style"), after.chosen.get("style")
    if was is None or now is None or was.model == now.model:
        return
    if lost := ", ".join(sorted(_styles(store, was) - _styles(store, now))):
        console.print(
            f"From the next start on {now.model} paints, and these styles were made for {was.model}: {lost}. Learn them again "
            f"with masquerade style add PAINTING --name STYLE --network {now.model}, or stay with "
            f"MASQUERADE_MODELS__STYLE={was.model}.",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )


def _styles(store: Store, models: ModelSet) -> set[str]:
    packs = (store.get(ref) for ref in models.extras if store.manifest(ref).task == "style-pack")
    return {name for pack in packs for name in style_names(pack)}
