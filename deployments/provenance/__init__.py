"""Saying openly that a picture was made here: a mark people see and metadata machines read."""

from __future__ import annotations

from deployments.provenance.mark import encode_marked, mark, marked_result
from deployments.provenance.xmp import DigitalSourceType, Provenance, Step, attach

__all__ = ["DigitalSourceType", "Provenance", "Step", "attach", "encode_marked", "mark", "marked_result"]
