"""What a run was made from and with: ``run.json``, from which manifests and model cards take their word."""

from __future__ import annotations

from pathlib import Path

from deployments.masterpiece.encoder import EncoderInfo
from registry.manifest import Strict
from training.files import write_whole
from training.style.inputs import Inputs
from training.style.trainer import Settings, Validation

RECORD = "run.json"


class RunRecord(Strict):
    """One run. ``started_from`` is the run whose weights it began with, where those are known to come from one.

    Runs of before they were kept have no ``inputs``.
    """

    settings: Settings
    encoder: EncoderInfo
    paintings: dict[str, str]
    photos: int
    skipped: int
    step: int = 0
    seconds: float = 0.0
    validations: tuple[Validation, ...] = ()
    started_from: RunRecord | None = None
    inputs: Inputs | None = None

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """Raises ``FileNotFoundError``, or ``ValueError`` when it is no such record."""
        return cls.model_validate_json((folder / RECORD).read_text(encoding="utf-8"))

    def write(self, folder: Path) -> None:
        """Replace the folder's record."""
        write_whole(folder / RECORD, f"{self.model_dump_json(indent=2)}\n".encode())

    def lineage(self) -> list[RunRecord]:
        """The runs this one builds on and then itself, oldest first."""
        return [*(self.started_from.lineage() if self.started_from else ()), self]
