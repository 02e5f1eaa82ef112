"""Nothing is sold that a model's terms forbid to sell, unless a licence is on record."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.accounts.licences import CAPABILITIES, Unlicensed, conflicts, refuse_unlicensed_sales
from deployments.slots import ModelSet
from registry.manifest import Licence, Manifest, ModelFile, dump_manifest
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.jobs.kinds import PERFORM
from serve_app.selection import Selection

FREE, RESEARCH = Licence(name="Apache-2.0", commercial_use=True), Licence(name="research-only", commercial_use=False)


def installed(folder: Path, model: str, task: str, licence: Licence) -> None:
    version = folder / model / "v1"
    version.mkdir(parents=True)
    (version / "weights").write_bytes(b"w")
    file = ModelFile(name="weights", sha256=hashlib.sha256(b"w").hexdigest(), size=1)
    manifest = Manifest(model=model, version="v1", task=task, format="data", licence=licence, files=(file,))
    (version / "manifest.yaml").write_text(dump_manifest(manifest))


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    installed(tmp_path, "guard", "moderation", FREE)
    installed(tmp_path, "painter", "style", FREE)
    installed(tmp_path, "pack", "style-pack", FREE)
    installed(tmp_path, "finder", "face-analysis", RESEARCH)
    installed(tmp_path, "swapper", "face-swap", RESEARCH)
    chosen = {
        "moderation": ModelSet("guard@v1"),
        "style": ModelSet("painter@v1", ("pack@v1",)),
        "faces": ModelSet("finder@v1"),
        "swap": ModelSet("swapper@v1"),
    }
    return Inventory(FolderStore(tmp_path), Selection(chosen, {"lookalike": "not installed"}))


def test_free_models_may_be_sold(inventory: Inventory) -> None:
    refuse_unlicensed_sales(inventory, {"style"}, {})


def test_what_may_not_be_sold_is_refused_by_name(inventory: Inventory) -> None:
    with pytest.raises(Unlicensed, match=r"swap: swapper@v1 is under research-only") as refusal:
        refuse_unlicensed_sales(inventory, {"style", "swap"}, {})
    assert "swap: finder@v1" in str(refusal.value)
    assert "style:" not in str(refusal.value)


def test_a_feature_given_away_is_nobodys_concern(inventory: Inventory) -> None:
    refuse_unlicensed_sales(inventory, set(), {})


def test_a_licence_on_record_allows_the_sale(inventory: Inventory) -> None:
    references = {"swapper": "contract 7", "finder": "invoice 12"}
    refuse_unlicensed_sales(inventory, {"swap", "anonymize"}, references)


def test_a_licence_for_one_model_does_not_cover_another(inventory: Inventory) -> None:
    found = conflicts(inventory, {"swap"}, {"swapper": "contract 7", "finder": "  "})
    assert [conflict.model for conflict in found] == ["finder@v1"]


def test_a_pack_counts_as_much_as_its_network(inventory: Inventory, tmp_path: Path) -> None:
    installed(tmp_path, "stolen", "style-pack", RESEARCH)
    inventory.selection.chosen["style"] = ModelSet("painter@v1", ("pack@v1", "stolen@v1"))
    assert [conflict.model for conflict in conflicts(inventory, {"style"}, {})] == ["stolen@v1"]


def test_moderation_is_part_of_everything_that_is_sold(inventory: Inventory, tmp_path: Path) -> None:
    installed(tmp_path, "lent-guard", "moderation", RESEARCH)
    inventory.selection.chosen["moderation"] = ModelSet("guard@v1", ("lent-guard@v1",))
    assert [conflict.model for conflict in conflicts(inventory, {"style"}, {})] == ["lent-guard@v1"]


def test_a_feature_that_is_not_installed_cannot_be_in_conflict_by_what_it_lacks(inventory: Inventory) -> None:
    assert {conflict.model for conflict in conflicts(inventory, {"lookalike"}, {})} == {"finder@v1"}


def test_every_feature_is_a_kind_of_job() -> None:
    assert set(CAPABILITIES) <= set(PERFORM)
