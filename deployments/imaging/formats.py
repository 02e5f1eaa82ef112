"""The container module for each media type."""

from __future__ import annotations

from deployments.imaging import jpeg, png, webp
from deployments.imaging.sniff import MediaType
from deployments.imaging.types import ContainerFormat

FORMATS: dict[MediaType, ContainerFormat] = {"image/jpeg": jpeg, "image/png": png, "image/webp": webp}
