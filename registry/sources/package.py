"""Files inside installed Python packages, such as the weights that ship with ours."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from registry.errors import SourceFailed
from registry.manifest import PackageSource
from registry.sources.context import Context, Wanted


def fetch(source: PackageSource, target: Path, wanted: Wanted, context: Context) -> PackageSource:
    """Copy the file to ``target``. Raises :class:`SourceFailed`."""
    path = _find(source)
    size = path.stat().st_size
    wanted.check_offer(size)
    shutil.copyfile(path, target)
    context.progress(wanted.name, size, size)
    return source


def _find(source: PackageSource) -> Path:
    # The finder tells where the top package lies without running any of its code; sub-packages are mere folders.
    top, *inner = source.package.split(".")
    spec = find_spec(top) if top.isidentifier() else None
    if spec is None:
        raise SourceFailed("is not installed")
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *inner, source.file)
        if path.is_file():
            return path
    raise SourceFailed(f"holds no file {source.file}")
