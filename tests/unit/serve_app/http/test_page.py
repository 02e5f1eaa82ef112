"""The page's modules are asked for at once, not one generation of imports after the other."""

from __future__ import annotations

import re
from pathlib import Path

from deployments.swap.suitability import LEAST_SIZE
from serve_app.http.page import WEB

IMPORT = re.compile(r'^(?:import|export|\}).*?"\./([\w.]+)";?$', re.MULTILINE)
PRELOAD = re.compile(r'<link rel="modulepreload" href="js/([\w.]+)">')


def _needed(module: Path, known: set[str]) -> set[str]:
    for name in IMPORT.findall(module.read_text(encoding="utf-8")):
        if name not in known:
            known.add(name)
            _needed(module.with_name(name), known)
    return known


def test_whatever_the_page_imports_is_asked_for_with_the_page_itself() -> None:
    asked = PRELOAD.findall((WEB / "index.html").read_text(encoding="utf-8"))
    assert len(asked) == len(set(asked))
    assert set(asked) == _needed(WEB / "js" / "main.js", set())


def test_the_page_passes_over_the_faces_that_the_service_passes_over() -> None:
    (size,) = re.findall(r"const LEAST_SIZE = (\d+);", (WEB / "js" / "faces.js").read_text(encoding="utf-8"))
    assert float(size) == LEAST_SIZE
