"""Nothing is sold that a model's terms do not allow to be sold, unless the operator holds a licence and says which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from registry.manifest import parse_ref
from serve_app.inventory import Inventory

# What each feature runs on besides moderation, which sees every picture.
CAPABILITIES: dict[str, tuple[str, ...]] = {
    "style": ("style",),
    "swap": ("faces", "swap"),
    "anonymize": ("faces",),
    "lookalike": ("faces", "lookalike"),
    "authenticity": ("authenticity",),
}


class Unlicensed(RuntimeError):
    """The bot refuses to start: it would sell what it may not."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A feature that is for sale, and an active model whose terms forbid that."""

    feature: str
    model: str
    licence: str


def conflicts(inventory: Inventory, sold: Iterable[str], references: Mapping[str, str]) -> tuple[Conflict, ...]:
    """Every sale that an active model's licence forbids and no reference covers. ``references`` are by model name."""
    found: list[Conflict] = []
    for feature in sorted(sold):
        for capability in ("moderation", *CAPABILITIES[feature]):
            models = inventory.selection.chosen.get(capability)
            for ref in (models.model, *models.extras) if models is not None else ():
                licence = inventory.store.get(ref).manifest.licence
                name, _ = parse_ref(ref)
                if not licence.commercial_use and not references.get(name, "").strip():
                    found.append(Conflict(feature, ref, licence.name))
    return tuple(found)


def refuse_unlicensed_sales(inventory: Inventory, sold: Iterable[str], references: Mapping[str, str]) -> None:
    """To be called at start-up. Raises :class:`Unlicensed` with every feature and model concerned."""
    found = conflicts(inventory, sold, references)
    if found:
        lines = "\n".join(f"  {it.feature}: {it.model} is under {it.licence}" for it in found)
        raise Unlicensed(
            "these features are for sale, but a model they run on does not allow commercial use:\n"
            f"{lines}\n"
            "Sell nothing (MASQUERADE_BOT_TARIFF__PACKS='[]' MASQUERADE_BOT_TARIFF__SUBSCRIPTION=null), make the feature "
            "free (MASQUERADE_BOT_TARIFF__COSTS), serve another model, or record under which licence you may sell it: "
            'MASQUERADE_BOT_LICENCE_REFERENCES=\'{"<model>": "<contract or invoice>"}\''
        )
