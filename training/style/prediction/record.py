"""What a predictor is trained with: kept in the header of its checkpoint, so that a run goes on as it began."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open

from deployments.masterpiece.encoder import EncoderInfo
from registry.manifest import Strict
from training.style.failures import Mistake
from training.style.inputs import Inputs
from training.style.prediction.trainer import CHECKPOINT, Course

ENTRY: Final = "began_with"


class Beginning(Strict):
    """Everything that a run's steps depend on. Weights are named by their sha256, collections by their size as well.

    Runs of before they were kept have no ``inputs``.
    """

    course: Course
    crop: int
    network: str
    encoder: EncoderInfo
    paintings: int
    photos: int
    start_from: str | None
    inputs: Inputs | None = None

    def metadata(self) -> dict[str, str]:
        """For a checkpoint's header."""
        return {ENTRY: self.model_dump_json()}

    def check(self, folder: Path) -> None:
        """Raises :class:`Mistake` unless ``folder`` holds a checkpoint of a run that began like this."""
        beginning = _read(folder)
        before, now = _flat(beginning), _flat(self)
        for name, value in now.items():
            if before[name] != value:
                words = name.replace("_", " ")
                raise Mistake(f"this run was started with {words} {before[name]}, not {value}; resume it with the same")
        if self.inputs and beginning.inputs and (other := self.inputs.unlike(beginning.inputs)):
            raise Mistake(f"{folder} holds a run with {other}; resume it with the same, or give another folder")


def _flat(beginning: Beginning) -> dict[str, Any]:
    others = {name: getattr(beginning, name) for name in Beginning.model_fields if name not in ("course", "inputs")}
    return asdict(beginning.course) | others


def _read(folder: Path) -> Beginning:
    try:
        with safe_open(folder / CHECKPOINT, "pt") as file:
            return Beginning.model_validate_json((file.metadata() or {})[ENTRY])
    except (FileNotFoundError, SafetensorError, KeyError, ValueError) as error:
        raise Mistake(f"{folder} holds no run that could be resumed") from error
