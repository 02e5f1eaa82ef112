"""Whether a version could ever serve its task here, for who publishes one: told then, not weeks later at its promotion."""

from __future__ import annotations

from deployments.authenticity.engine import DETECTORS
from deployments.authenticity.labelled import machine_made
from deployments.image_classifier import labels_of
from deployments.moderation.engine import MODERATORS
from deployments.moderation.transformers_classifier import rule_columns
from deployments.style.contract import check_network
from registry.manifest import ModelVersion

_BACKENDS = {backends.task: backends for backends in (MODERATORS, DETECTORS)}
_READERS = {("moderation", "transformers"): rule_columns, ("authenticity", "transformers"): machine_made}


def check_fitness(version: ModelVersion) -> None:
    """Raise ``ValueError``, or ``UnsafeFile``, for a version that no engine of its task reads, whatever else is installed."""
    manifest = version.manifest
    if manifest.task == "style":
        check_network(version)
    if manifest.task in {"style-pack", "style-predictor"} and not manifest.requires:
        raise ValueError(
            f"{manifest.ref} names no style network that it was made for: give the folder a manifest.yaml whose "
            "`requires` has the network's name and the sha256 of one of its files"
        )
    if (backends := _BACKENDS.get(manifest.task)) is not None:
        backends.check(manifest)
    read = _READERS.get((manifest.task, manifest.backend))
    if read is not None and (labels := labels_of(version)) is not None:
        read(manifest.ref, labels)
