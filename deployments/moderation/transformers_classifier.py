"""Image classifiers in the layout of Hugging Face transformers: Falconsai, Marqo, Freepik and others of their labels.

The folder of the model version holds ``config.json``, ``model.safetensors`` and, unless the model comes from timm,
``preprocessor_config.json``. Nothing is fetched, no code from the folder is run and nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deployments.imaging import Photo
from deployments.moderation.policy import EXPLICIT, SUGGESTIVE
from deployments.moderation.scale import aligned
from deployments.runtime import DeviceUnavailable, Runtime
from registry.manifest import ModelVersion

if TYPE_CHECKING:
    import torch

BACKEND = "transformers"
PACKAGES = ("torch", "torchvision", "transformers", "timm")

LINE = 0.5
"""All of them are trained to decide by the more probable side."""

# Per set of labels (in lower case): which labels together make up a rule's probability.
_RULES: Mapping[frozenset[str], Mapping[str, frozenset[str]]] = {
    frozenset({"normal", "nsfw"}): {EXPLICIT: frozenset({"nsfw"})},  # Falconsai
    frozenset({"sfw", "nsfw"}): {EXPLICIT: frozenset({"nsfw"})},  # Marqo
    # Freepik's levels are steps of one ladder, and its authors refuse from "medium" on.
    frozenset({"neutral", "low", "medium", "high"}): {
        EXPLICIT: frozenset({"medium", "high"}),
        SUGGESTIVE: frozenset({"low", "medium", "high"}),
    },
}
# Processors scale down to 224..448 themselves; this only spares them the full decode.
_DECODED_SIDE = 1024


class TransformersClassifier:
    """An ``AutoModelForImageClassification`` whose labels are among those we can read.

    Raises ``ValueError`` for labels of another kind, ``OSError`` when files are missing or are no safetensors, and
    :class:`DeviceUnavailable` when a GPU was asked for and torch sees none.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        # Heavy, and absent from the embedded profile.
        import torch
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        self.name = version.ref
        self._device = _device(runtime)
        # transformers leaves this one function untyped.
        self._processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            version.folder, local_files_only=True
        )
        model = AutoModelForImageClassification.from_pretrained(
            version.folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        self._model = model.to(self._device).eval()
        self._columns = _columns(self.name, model.config.id2label)

    def scores(self, batch: Sequence[Photo]) -> list[dict[str, float]]:
        import torch

        images = [photo.pixels(_DECODED_SIDE) for photo in batch]
        with torch.inference_mode():
            inputs = self._processor(images, return_tensors="pt").to(self._device)
            probabilities = self._model(**inputs).logits.softmax(dim=-1).cpu().tolist()
        return [
            {rule: aligned(sum(row[column] for column in columns), LINE) for rule, columns in self._columns.items()}
            for row in probabilities
        ]

    def close(self) -> None:
        del self._model, self._processor


def _columns(name: str, labels: Mapping[int, str]) -> dict[str, list[int]]:
    """For each rule, the outputs to be added up."""
    known = {index: label.lower() for index, label in labels.items()}
    rules = _RULES.get(frozenset(known.values()))
    if rules is None or len(set(known.values())) != len(known):
        raise ValueError(f"{name} has the labels {', '.join(labels.values())}, which moderation cannot read")
    return {rule: [index for index, label in known.items() if label in members] for rule, members in rules.items()}


def _device(runtime: Runtime) -> torch.device:
    """The processor asked for, with this process kept to the threads and memory it was given."""
    import torch

    torch.set_num_threads(runtime.threads)
    if runtime.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceUnavailable(
            "moderation was to run on a GPU, but torch sees none; check it with `masquerade doctor`"
        )
    if runtime.memory_mb:
        _, total = torch.cuda.mem_get_info()
        torch.cuda.set_per_process_memory_fraction(min(1.0, runtime.memory_mb * 2**20 / total))
    return torch.device("cuda")
