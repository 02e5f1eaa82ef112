"""What CONTRIBUTING tells people to change is all there is to change."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_place_that_names_a_capability_is_named_to_whoever_adds_one() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text().partition("## Add a capability")[2].partition("\n## ")[0]
    example = re.compile(r"^(?!from |import ).*\b[Aa]uthenticity\b", re.MULTILINE)
    # Migrations tell what was, and are not changed any more.
    code = [path for path in (ROOT / "serve_app").rglob("*.py") if "migrations" not in path.parts]
    places = [path for path in code if example.search(path.read_text())]
    places += [ROOT / "registry/manifest.py", ROOT / "pyproject.toml", ROOT / "deploy/prometheus/alerts.yaml"]
    assert all(example.search(path.read_text()) for path in places)
    assert len(places) > 15
    unnamed = [str(path) for path in places if f"{path.name}`" not in told]
    assert not unnamed
