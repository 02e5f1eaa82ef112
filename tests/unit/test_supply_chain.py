"""Nothing is shipped under a licence that nobody decided about, and the bill of materials names everything once."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy/supply_chain.py"
pytest.importorskip("cyclonedx")


@pytest.fixture(scope="module")
def supply_chain():
    spec = importlib.util.spec_from_file_location("supply_chain", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("licence", "fine"),
    [
        ("MIT", True), ("Apache-2.0 AND MIT", True), ("GPL-3.0-only OR MIT", True), ("MPL-2.0 AND MIT", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True), ("GPL-3.0-or-later", False), ("AGPL-3.0", False),
        ("GNU General Public License v2 (GPLv2)", False), ("MIT AND GPL-2.0", False), ("MPL-2.0 AND GPL-3.0", False), ("not stated", False),
        ("Other/Proprietary License", False), ("Homemade 1.0", False), ("Copyright Foo Limited, all rights reserved", False),
        ("Evaluation only; no redistribution is permitted", False), ("See the disclaimer", False),
        ("MIT AND CC-BY-NC-4.0", False), ("Apache-2.0 AND BUSL-1.1", False), ("MIT and Homemade 1.0", False),
        ("(MIT OR GPL-2.0-only) AND BUSL-1.1", False), ("(GPL-2.0-only OR MIT) AND ISC", True), ("MIT-0", True),
        ("ISC License (ISCL)", True), ("Mozilla Public License 2.0 (MPL 2.0)", True), ("3-Clause BSD License", True),
    ],
)  # fmt: skip
def test_a_licence_is_fine_or_needs_a_decision(supply_chain, licence: str, fine: bool) -> None:
    assert (supply_chain.verdict("some-package", licence) is None) is fine


def test_everything_installed_here_was_decided_about(supply_chain, capsys: pytest.CaptureFixture[str]) -> None:
    assert supply_chain.check() == 0, capsys.readouterr().err
    listed = capsys.readouterr().out
    assert "fastapi" in listed
    assert "ray " in listed


def test_every_extra_of_a_package_is_followed_whoever_asks_for_it(supply_chain, tmp_path, monkeypatch) -> None:
    needs = {
        "studio-x": ["library-x[first]", "helper-x"],
        "helper-x": ["library-x[second]", "library-x"],
        "library-x": ["one-x; extra == 'first'", "two-x; extra == 'second'", "three-x; extra == 'third'"],
        "one-x": [], "two-x": [], "three-x": [],
    }  # fmt: skip
    for name, required in needs.items():
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        lines = [
            "Metadata-Version: 2.4",
            f"Name: {name}",
            "Version: 1.0",
            *(f"Requires-Dist: {need}" for need in required),
        ]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = [distribution.name for distribution in supply_chain.installed("studio-x")]
    assert sorted(found) == ["helper-x", "library-x", "one-x", "studio-x", "two-x"]


def test_the_bill_of_materials_names_everything_once_and_what_it_needs(supply_chain) -> None:
    bill = json.loads(supply_chain.bill())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "masquerade"
    purls = [component["purl"] for component in bill["components"]]
    assert len(purls) == len(set(purls)) > 50
    assert all(component["licenses"] for component in bill["components"])
    needs = {entry["ref"].split("==")[0]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert any(ref.startswith("starlette==") for ref in needs["fastapi"])
    assert any(ref.startswith("fastapi==") for ref in needs["masquerade"])
