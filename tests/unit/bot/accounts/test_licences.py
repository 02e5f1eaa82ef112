"""Nothing is sold that a model's terms forbid to sell, unless a licence is on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.accounts.licences import CAPABILITIES, Unlicensed, conflicts, refuse_unlicensed_sales
from deployments.slots import ModelSet
from registry.manifest import Licence
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.jobs.kinds import PERFORM
from serve_app.selection import Selection
from tests.versions import publish

RESEARCH = Licence(name="research-only", commercial_use=False)


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    store = FolderStore(tmp_path)
    publish(store, model="guard", task="moderation")
    publish(store, model="painter", task="style")
    publish(store, model="pack", task="style-pack")
    publish(store, model="finder", task="face-analysis", licence=RESEARCH)
    publish(store, model="swapper", task="face-swap", licence=RESEARCH)
    chosen = {
        "moderation": ModelSet("guard@v1"),
        "style": ModelSet("painter@v1", ("pack@v1",)),
        "faces": ModelSet("finder@v1"),
        "swap": ModelSet("swapper@v1"),
    }
    return Inventory(store, Selection(chosen, {"lookalike": "not installed"}))


def test_free_models_may_be_sold(inventory: Inventory) -> None:
    refuse_unlicensed_sales(inventory, {"style"}, {})


def test_what_may_not_be_sold_is_refused_by_name(inventory: Inventory) -> None:
    with pytest.raises(Unlicensed, match=r"swap: swapper@v1 is under research-only") as refusal:
        refuse_unlicensed_sales(inventory, {"style", "swap"}, {})
    assert "swap: finder@v1" in str(refusal.value)
    assert "style:" not in str(refusal.value)
    assert "MASQUERADE_BOT_TARIFF__PACKS='[]' MASQUERADE_BOT_TARIFF__SUBSCRIPTION=null" in str(refusal.value)


def test_a_feature_given_away_is_nobodys_concern(inventory: Inventory) -> None:
    refuse_unlicensed_sales(inventory, set(), {})


def test_a_licence_on_record_allows_the_sale(inventory: Inventory) -> None:
    references = {"swapper": "contract 7", "finder": "invoice 12"}
    refuse_unlicensed_sales(inventory, {"swap", "anonymize"}, references)


def test_a_licence_for_one_model_does_not_cover_another(inventory: Inventory) -> None:
    found = conflicts(inventory, {"swap"}, {"swapper": "contract 7", "finder": "  "})
    assert [conflict.model for conflict in found] == ["finder@v1"]


def test_a_pack_counts_as_much_as_its_network(inventory: Inventory) -> None:
    publish(inventory.store, model="stolen", task="style-pack", licence=RESEARCH)
    inventory.selection.chosen["style"] = ModelSet("painter@v1", ("pack@v1", "stolen@v1"))
    assert [conflict.model for conflict in conflicts(inventory, {"style"}, {})] == ["stolen@v1"]


def test_moderation_is_part_of_everything_that_is_sold(inventory: Inventory) -> None:
    publish(inventory.store, model="lent-guard", task="moderation", licence=RESEARCH)
    inventory.selection.chosen["moderation"] = ModelSet("guard@v1", ("lent-guard@v1",))
    assert [conflict.model for conflict in conflicts(inventory, {"style"}, {})] == ["lent-guard@v1"]


def test_a_feature_that_is_not_installed_cannot_be_in_conflict_by_what_it_lacks(inventory: Inventory) -> None:
    assert {conflict.model for conflict in conflicts(inventory, {"lookalike"}, {})} == {"finder@v1"}


def test_every_feature_is_a_kind_of_job() -> None:
    assert set(CAPABILITIES) <= set(PERFORM)
