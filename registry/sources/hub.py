"""Files of Hugging Face repositories, through ``huggingface_hub`` and its cache, endpoint and token settings."""

from __future__ import annotations

import io
import logging
import re
import shutil
from pathlib import Path
from typing import Any

from registry.errors import SourceFailed
from registry.integrity import sha256_of
from registry.manifest import HubSource
from registry.sources.context import Context, Wanted


def fetch(source: HubSource, target: Path, wanted: Wanted, context: Context) -> HubSource:
    """Copy the file out of the hub's cache, downloading it first where needed. Raises :class:`SourceFailed`.

    The source handed back names the commit instead of a branch, so that it stays what it was.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils.tqdm import tqdm
    except ImportError as error:
        raise SourceFailed("needs huggingface-hub: .venv/bin/pip install huggingface-hub") from error

    class Report(tqdm):
        """A bar that is shown elsewhere: it counts where tqdm would see no terminal and switch itself off."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": False, "file": io.StringIO()})  # type: ignore[no-untyped-call]  # tqdm's

        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            context.progress(wanted.name, int(self.n), int(self.total) if self.total else None)

    # Its warnings of each retry would break into the progress bar; what counts is in the error.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        offer = hf_hub_download(source.repo, source.file, revision=source.revision, dry_run=True)
        wanted.check_offer(offer.file_size or 0)
        path = Path(hf_hub_download(source.repo, source.file, revision=offer.commit_hash, tqdm_class=Report))
    except SourceFailed:
        raise
    except Exception as error:
        # The client lets its own errors, those of the HTTP library under it and the system's through.
        raise SourceFailed(_sentence(error)) from error
    blob = path.resolve()
    # The cache calls large files by the sha256 the hub knows them by: the hub's own word on what they are.
    if re.fullmatch(r"[0-9a-f]{64}", blob.name) and sha256_of(blob) != blob.name:
        raise SourceFailed("delivers other content than the hub vouches for (remove it from the hub's cache)")
    shutil.copyfile(blob, target)
    return source.model_copy(update={"revision": offer.commit_hash})


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
