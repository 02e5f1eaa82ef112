"""Every comparison with its bars: ``python -m benchmarks.speed [part ...]``. Exits with 1 when one misses its bar."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from benchmarks.apart import NothingMeasured, measured_apart
from benchmarks.conclusion import conclude
from benchmarks.figures import Figure
from benchmarks.research import research_data
from registry.store import FolderStore
from serve_app.samples import installed_samples
from serve_app.settings import Settings

PARTS: Final = {
    "decode": "From an upload to a tensor",
    "engine": "The style engine alone",
    "batching": "Batches at saturation",
    "masterpiece": "Painting by optimisation",
    "paste": "Bringing swapped faces back",
    "lookalike": "Among 100,000 people",
    "calls": "One person at a time",
    "serving": "The graph under load",
}
PEERS: Final = {
    "masterpiece": ("pastiche",),
    "lookalike": ("hnswlib", "usearch"),
    "serving": ("litserve", "bentoml"),
}
"""What a part is measured beside, by the modules that must be there: a bar is not met for want of somebody faster."""
DATA: Final = {
    "engine": "style_nets/fns_wave.onnx",
    "masterpiece": "styles/starry_night.jpg",
    "paste": "face_models/scrfd_2.5g_kps.onnx",
}
"""Of the research data, what a part is measured with."""


def run() -> int:
    """Measure the parts asked for and return the exit status."""
    arguments = argparse.ArgumentParser(
        prog="make bench",
        description="Measure speed side by side. Needs the starter models (masquerade models pull --starter) and, for "
        f"{', '.join(DATA)}, the research data (MASQUERADE_DATA).",
        epilog='Example:  make bench ARGS="engine calls"',
    )
    arguments.add_argument("parts", nargs="*", metavar="part", help=f"which of {', '.join(PARTS)} (default: all)")
    options = arguments.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        arguments.error(f"no such part: {', '.join(sorted(unknown))}")
    parts = options.parts or list(PARTS)
    if absent := [peer for part in parts for peer in PEERS.get(part, ()) if not find_spec(peer)]:
        arguments.error(f"not installed: {', '.join(absent)}; `make bench` installs what is measured beside the studio")
    if lacking := _lacking(parts):
        arguments.error(lacking)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.perf_counter()
    found: dict[str, list[Figure]] = {}
    failed: list[str] = []
    for part in parts:
        try:
            found[PARTS[part]] = measured_apart(f"benchmarks.speed.{part}")
        except NothingMeasured:
            failed.append(part)
    # The report before stays where there is nothing to put in its place.
    status = conclude("bench", found, seed=0, seconds=time.perf_counter() - began) if found else 1
    if failed:
        print(f"not measured: {', '.join(failed)} (the reason stands above)", file=sys.stderr)
        return 1
    return status


def _lacking(parts: Sequence[str]) -> str | None:
    """What is not here and would end a part minutes from now, and what to do about it."""
    if not installed_samples(FolderStore(Settings().store_dir)):
        return "the starter models are not here; run: masquerade models pull --starter"
    data = research_data()
    for part in (part for part in parts if part in DATA):
        if not (data / DATA[part]).is_file():
            return f"{part} needs {data / DATA[part]} of the research data; set MASQUERADE_DATA, or name other parts"
    return None


if __name__ == "__main__":
    try:
        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
