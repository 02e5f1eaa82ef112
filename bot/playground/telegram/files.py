"""Files on the imitated servers: what was uploaded, under which identifiers, and for how long a path to it is valid."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bot.playground.telegram import pictures
from bot.playground.telegram.errors import bad_request

Kind = Literal["photo", "document", "video", "animation", "audio", "voice", "video_note", "sticker", "thumbnail"]

MAX_UPLOAD = 50 * 2**20
MAX_DOWNLOAD = 20 * 2**20
PATH_LIFETIME = 3600.0
"""Seconds for which the path that getFile gives out can be downloaded."""
_MARK: dict[Kind, str] = {
    "photo": "AgAC",
    "document": "BQAC",
    "video": "BAAC",
    "animation": "CgAC",
    "audio": "CQAC",
    "voice": "AwAC",
    "video_note": "DQAC",
    "sticker": "CAAC",
    "thumbnail": "AAMC",
}
_SHOWN = {"video_note": "VideoNote", "voice": "VoiceNote"}


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes under an identifier. ``width`` and ``height`` in pixels, 0 where it is no picture."""

    file_id: str
    unique_id: str
    path: Path
    size: int
    width: int = 0
    height: int = 0

    def json(self) -> dict[str, Any]:
        known: dict[str, Any] = {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
        }
        if self.width:
            known |= {"width": self.width, "height": self.height}
        return known

    def read(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class _Stored:
    path: Path
    size: int
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """One thing that was sent: a photo in its sizes, smallest first, or a single file."""

    kind: Kind
    blobs: tuple[Blob, ...]
    name: str | None = None
    mime: str | None = None
    duration: int | None = None
    thumbnail: Blob | None = None

    @property
    def main(self) -> Blob:
        """The file itself; of a photo its largest size."""
        return self.blobs[-1]

    def content(self) -> dict[str, Any]:
        """The field of a message that shows it."""
        if self.kind == "photo":
            return {"photo": [blob.json() for blob in self.blobs]}
        shown = self.main.json()
        for field, value in (("file_name", self.name), ("mime_type", self.mime), ("duration", self.duration)):
            if value is not None:
                shown[field] = value
        if self.thumbnail is not None:
            shown["thumbnail"] = self.thumbnail.json()
        match self.kind:
            case "sticker":
                shown |= {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
            case "video" | "animation":
                shown |= {"width": 640, "height": 360}
            case "video_note":
                shown["length"] = 240
            case _:
                pass
        return {self.kind: shown}


class FileStore:
    """Uploads, kept as files in a folder. Methods that encode pictures are slow: call them off the event loop."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._numbers = itertools.count(1)
        self._assets: dict[str, tuple[Asset, Blob]] = {}
        self._paths: dict[str, tuple[Blob, float]] = {}
        self._path_of: dict[str, str] = {}
        # A thousand people may send the same photo: it is encoded once.
        self._photos: dict[bytes, tuple[_Stored, ...]] = {}
        # A bot keeps file identifiers; those of an earlier run must not mean another file in this one.
        self._run = secrets.token_bytes(8)

    def add_photo(self, data: bytes) -> Asset:
        """Take a photo as Telegram would; raises `ApiError`."""
        key = hashlib.sha256(data).digest()
        sizes = self._photos.get(key)
        if sizes is None:
            rendered = pictures.photo_sizes(data)
            sizes = tuple(_Stored(self._store(size.data), len(size.data), size.width, size.height) for size in rendered)
            self._photos[key] = sizes
        return self._remember(Asset("photo", tuple(self._blob("photo", size) for size in sizes)))

    def add_file(
        self, kind: Kind, data: bytes, *, name: str | None = None, mime: str | None = None, duration: int | None = None
    ) -> Asset:
        """Take a file as it is; a picture among documents gets a preview."""
        if not data:
            raise bad_request("file must be non-empty")
        preview = pictures.thumbnail(data) if kind == "document" else None
        small = None
        if preview is not None:
            stored = _Stored(self._store(preview.data), len(preview.data), preview.width, preview.height)
            small = self._blob("thumbnail", stored)
        blob = self._blob(kind, _Stored(self._store(data), len(data)))
        return self._remember(Asset(kind, (blob,), name, mime, duration, small))

    def reuse(self, file_id: str, kind: Kind) -> Asset:
        """What was sent under this identifier, to be sent again as the same kind of thing; raises `ApiError`."""
        asset = self.find(file_id)
        if asset is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if asset.kind != kind:
            raise bad_request(f"can't use file of type {_type_name(asset.kind)} as {_type_name(kind)}")
        return asset

    def find(self, file_id: str) -> Asset | None:
        found = self._assets.get(file_id)
        return found[0] if found else None

    def blob(self, file_id: str) -> Blob | None:
        found = self._assets.get(file_id)
        return found[1] if found else None

    def issue_path(self, file_id: str, now: float) -> dict[str, Any]:
        """The answer to getFile; raises `ApiError` for unknown identifiers and files above 20 MB."""
        found = self._assets.get(file_id)
        if found is None:
            raise bad_request("invalid file_id")
        asset, blob = found
        if blob.size > MAX_DOWNLOAD:
            raise bad_request("file is too big")
        path = self._path_of.get(file_id)
        if path is None:
            suffix = ".jpg" if asset.kind in {"photo", "thumbnail"} else Path(asset.name or "").suffix
            path = self._path_of[file_id] = f"{asset.kind}s/file_{len(self._path_of)}{suffix}"
        self._paths[path] = (blob, now + PATH_LIFETIME)
        return {name: value for name, value in blob.json().items() if name.startswith("file_")} | {"file_path": path}

    def at_path(self, path: str, now: float) -> Blob | None:
        """The file at a path given out within the last hour."""
        blob, expires = self._paths.get(path, (None, 0.0))
        return blob if now < expires else None

    def _store(self, data: bytes) -> Path:
        path = self._root / hashlib.sha256(data).hexdigest()
        if not path.exists():
            part = self._root / f"{next(self._numbers)}.part"
            part.write_bytes(data)
            part.replace(path)
        return path

    def _blob(self, kind: Kind, stored: _Stored) -> Blob:
        mark = hashlib.sha256(self._run + f"{next(self._numbers)}".encode()).hexdigest()[:48]
        unique = f"AQAD{stored.path.name[:12]}"
        return Blob(f"{_MARK[kind]}{mark}", unique, stored.path, stored.size, stored.width, stored.height)

    def _remember(self, asset: Asset) -> Asset:
        for blob in asset.blobs:
            self._assets[blob.file_id] = (asset, blob)
        if asset.thumbnail is not None:
            preview = Asset("thumbnail", (asset.thumbnail,))
            self._assets[asset.thumbnail.file_id] = (preview, asset.thumbnail)
        return asset


def _type_name(kind: Kind) -> str:
    return _SHOWN.get(kind, kind.capitalize())
