"""What these tests publish in a bucket, and what they look for there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]


LARGE = bytes(range(256)) * 8192  # 2 MiB


BY = {"by": "ada", "why": "better"}


def keys(bucket: Any) -> list[str]:
    return [found["Key"] for found in bucket.list_objects_v2(Bucket="models").get("Contents", ())]


def grow_old() -> None:
    """Make everything that is in the bucket as old as the server's memory goes."""
    from moto.backends import get_backend
    from moto.core import DEFAULT_ACCOUNT_ID

    for found in get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"].buckets["models"].keys.values():
        found.last_modified = datetime(2010, 1, 1)


def cache_in(folder: Path) -> Path:
    """Where a machine's cache of the one store it has seen lies."""
    (root,) = folder.iterdir()
    return root


def versions_in(folder: Path) -> set[str]:
    return {f"{path.parts[-3]}@{path.parts[-2]}" for path in folder.glob("*/*/*/manifest.yaml")}
