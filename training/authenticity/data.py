"""Which pictures there are, whose they are, and who may learn from them.

Two layouts: a folder with ``real/`` and ``ai/`` in it (each sub-folder is a source, or the folder itself), or any folder
with a plan (YAML, see ``research.yaml``) that names sources by patterns.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from pydantic import AfterValidator, Field, ValidationError

from deployments.imaging import Pixels
from registry.manifest import Strict
from training.pictures import SUFFIXES, read_rgb

logger = logging.getLogger(__name__)

MIN_SIDE: Final = 128
HELD_OUT_SHARE: Final = 0.25
FOLDS: Final = 5

# Two pictures are one when at most this many of the 64 bits of their difference hashes are not the same.
_SAME_PICTURE: Final = 2

Reason = Literal["unreadable", "too small", "seen before", "no upload"]


class NoPictures(ValueError):
    """A folder lacks pictures to tell apart."""


def _below(pattern: str) -> str:
    parts = Path(pattern)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise ValueError("a pattern goes from the data folder down")
    return pattern


class Source(Strict):
    """Pictures of one origin. ``files`` are patterns below the data folder; ``limit`` keeps that many of them.

    ``grouped`` ones whose names differ in a final number only, an artist's or a person's, stay on one side of every split.
    Where a quarter of the source would have to, the name is a camera's (``IMG_0001``) and says nothing.
    """

    name: Annotated[str, Field(min_length=1)]
    machine_made: bool
    files: Annotated[tuple[Annotated[str, AfterValidator(_below)], ...], Field(min_length=1)]
    grouped: bool = False
    unseen: bool = False
    limit: Annotated[int, Field(ge=1)] | None = None


class Plan(Strict):
    """All sources of a data folder."""

    sources: tuple[Source, ...]

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Raises ``OSError``, or ``ValueError`` when it is no plan."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise ValueError(f"{path} is not a plan of sources: {error}") from error

    @classmethod
    def of_folders(cls, root: Path) -> Plan:
        """The plan of a folder with ``real/`` and ``ai/``. Raises :class:`NoPictures` when either is missing."""
        sources: list[Source] = []
        for label, machine_made in (("real", False), ("ai", True)):
            folder = root / label
            if not folder.is_dir():
                raise NoPictures(
                    f"{root} has no folder {label}/; put photographs into real/ and generated pictures into ai/"
                )
            inner = sorted(path.name for path in folder.iterdir() if path.is_dir())
            patterns = {f"{label}/{name}": f"{label}/{name}/**/*" for name in inner} | {label: f"{label}/*"}
            sources += [
                Source(name=name, machine_made=machine_made, files=(pattern,), grouped=True)
                for name, pattern in patterns.items()
                if any(path.suffix.lower() in SUFFIXES for path in root.glob(pattern))
            ]
        return cls(sources=tuple(sources))


@dataclass(frozen=True, slots=True)
class Example:
    """One picture. ``fold`` is 0..4 where it may be learnt from, None where it is held out."""

    path: Path
    name: str
    source: str
    machine_made: bool
    unseen: bool
    fold: int | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything found. ``skipped`` counts what could not be used, by reason."""

    examples: tuple[Example, ...]
    skipped: Counter[Reason] = field(default_factory=Counter)

    def learnable(self) -> list[Example]:
        """Those to learn from."""
        return [example for example in self.examples if example.fold is not None]

    def held_out(self) -> list[Example]:
        """Those nothing is learnt from."""
        return [example for example in self.examples if example.fold is None]

    def digest(self) -> str:
        """Changes with the pictures and with how they are split."""
        text = "\n".join(f"{e.name} {e.source} {e.fold} {e.path.stat().st_size}" for e in self.examples)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_plan(root: Path, plan: Path | None) -> Plan:
    """The plan named, or that of ``real/`` and ``ai/``. Raises what reading either raises."""
    return Plan.of_folders(root) if plan is None else Plan.read(plan)


def load(root: Path, plan: Plan) -> Dataset:
    """Look through every source. Raises :class:`NoPictures` when one class has none that can be used."""
    skipped: Counter[Reason] = Counter()
    examples: list[Example] = []
    seen: list[int] = []
    for source in plan.sources:
        kept = 0
        paths = _files(root, source)
        groups = _groups(paths) if source.grouped else {}
        for path in paths:
            if kept == source.limit:
                break
            image = read_rgb(path)
            reason = _objection(image, seen)
            if image is None or reason:
                skipped[reason or "unreadable"] += 1
                logger.info("skipped %s: %s", path.relative_to(root), reason)
                continue
            seen.append(_difference_hash(image))
            examples.append(_example(root, path, source, groups.get(path, path.stem)))
            kept += 1
    for machine_made, words in ((False, "photographs"), (True, "machine-made pictures")):
        if not any(example.machine_made == machine_made for example in examples):
            counts = ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "none were found"
            raise NoPictures(f"{root} holds no {words} that can be used ({counts})")
    return Dataset(tuple(examples), skipped)


def pixels(example: Example) -> Pixels:
    """[H,W,3] RGB. Raises :class:`NoPictures` when the file is no longer what it was."""
    image = read_rgb(example.path)
    if image is None:
        raise NoPictures(f"{example.path} could be read a moment ago and cannot now")
    return image


def check_learnable(learn: Sequence[Example], judge: Sequence[Example], words: str) -> None:
    """Raises :class:`NoPictures` unless ``learn`` holds both classes, and ``judge`` any picture to stop by.

    ``words`` say what was to be learnt. Without this a network comes out that answers everything alike.
    """
    if len({example.machine_made for example in learn}) < 2 or not judge:
        raise NoPictures(
            f"there are too few pictures for {words}: give dozens of photographs and of machine-made pictures, each "
            "from at least two sources"
        )


def labels(examples: Sequence[Example]) -> npt.NDArray[np.bool_]:
    """True for machine-made ones."""
    return np.array([example.machine_made for example in examples], bool)


def balanced_weights(examples: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Weights with a mean of one, by which both classes count the same and so do the sources of each class."""
    counts = Counter(example.source for example in examples)
    sources = {label: {e.source for e in examples if e.machine_made == label} for label in (False, True)}
    raw = np.array([1 / (counts[e.source] * len(sources[e.machine_made])) for e in examples])
    return np.asarray(raw * len(raw) / raw.sum(), np.float64)


def _files(root: Path, source: Source) -> list[Path]:
    """In an order that is the same everywhere and says nothing about the pictures, so that a limit keeps a fair share."""
    found = {path for pattern in source.files for path in root.glob(pattern) if path.suffix.lower() in SUFFIXES}
    return sorted(found, key=lambda path: (_share(path.relative_to(root).as_posix()), path))


def _groups(paths: Sequence[Path]) -> dict[Path, str]:
    """What a file's name says it is one of, for those whose name says so."""
    named = {path: re.sub(r"[-_ ]?\d+$", "", path.stem) for path in paths}
    sizes = Counter((path.parent, group) for path, group in named.items())
    largest = max(1, HELD_OUT_SHARE * len(paths))
    return {path: group for path, group in named.items() if group and sizes[path.parent, group] <= largest}


def _example(root: Path, path: Path, source: Source, group: str) -> Example:
    name = path.relative_to(root).as_posix()
    key = f"{source.name}/{path.parent.name}/{group}"
    held_out = source.unseen or _share(f"held out {key}") < HELD_OUT_SHARE
    fold = None if held_out else int(_share(f"fold {key}") * FOLDS)
    return Example(path, name, source.name, source.machine_made, source.unseen, fold)


def _share(text: str) -> float:
    """A number in 0..1 that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _objection(image: Pixels | None, seen: Sequence[int]) -> Reason | None:
    if image is None:
        return "unreadable"
    if min(image.shape[:2]) < MIN_SIDE:
        return "too small"
    own = _difference_hash(image)
    return "seen before" if any((own ^ other).bit_count() <= _SAME_PICTURE for other in seen) else None


def _difference_hash(image: Pixels) -> int:
    """64 bits: whether each of 8 x 8 cells is brighter than its right neighbour."""
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA).astype(int)
    return int.from_bytes(np.packbits(small[:, :-1] > small[:, 1:]).tobytes(), "big")
