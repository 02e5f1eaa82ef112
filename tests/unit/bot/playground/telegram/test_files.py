"""Files: identifiers that can be sent again, paths that expire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.files import MAX_DOWNLOAD, PATH_LIFETIME, FileStore


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def test_a_document_is_kept_as_it_is_with_a_preview(files: FileStore, make_picture: Callable[..., bytes]) -> None:
    data = make_picture(800, 400, "PNG")
    asset = files.add_file("document", data, name="a.png", mime="image/png")
    assert asset.main.read() == data
    shown = asset.content()["document"]
    assert (shown["file_name"], shown["mime_type"], shown["file_size"]) == ("a.png", "image/png", len(data))
    assert (shown["thumbnail"]["width"], shown["thumbnail"]["height"]) == (320, 160)


def test_any_size_of_a_photo_stands_for_the_whole_photo(files: FileStore, make_picture: Callable[..., bytes]) -> None:
    photo = files.add_photo(make_picture(1000, 500))
    assert [files.reuse(blob.file_id, "photo") for blob in photo.blobs] == [photo, photo, photo, photo]


def test_the_same_bytes_have_the_same_unique_identifier(files: FileStore) -> None:
    first, second = (files.add_file("document", b"same") for _ in range(2))
    assert first.main.unique_id == second.main.unique_id
    assert first.main.file_id != second.main.file_id


def test_identifiers_of_another_run_mean_nothing(tmp_path: Path) -> None:
    earlier = FileStore(tmp_path).add_file("document", b"data").main.file_id
    with pytest.raises(ApiError, match="wrong file identifier/HTTP URL specified"):
        FileStore(tmp_path).reuse(earlier, "document")


def test_a_file_is_not_sent_as_another_kind(files: FileStore, make_picture: Callable[..., bytes]) -> None:
    document = files.add_file("document", make_picture())
    with pytest.raises(ApiError, match="can't use file of type Document as Photo"):
        files.reuse(document.main.file_id, "photo")
    assert document.thumbnail is not None
    with pytest.raises(ApiError, match="can't use file of type Thumbnail as Photo"):
        files.reuse(document.thumbnail.file_id, "photo")


def test_a_path_is_valid_for_an_hour_and_can_be_had_again(files: FileStore, make_picture: Callable[..., bytes]) -> None:
    photo = files.add_photo(make_picture())
    answer = files.issue_path(photo.main.file_id, now=0)
    path = answer["file_path"]
    assert path.startswith("photos/")
    assert answer["file_size"] == photo.main.size
    assert files.at_path(path, now=PATH_LIFETIME - 1) == photo.main
    assert files.at_path(path, now=PATH_LIFETIME) is None
    assert files.issue_path(photo.main.file_id, now=PATH_LIFETIME)["file_path"] == path
    assert files.at_path(path, now=PATH_LIFETIME + 1) == photo.main


def test_files_above_20_mb_cannot_be_downloaded(files: FileStore) -> None:
    assert files.issue_path(files.add_file("document", b"0" * MAX_DOWNLOAD).main.file_id, now=0)
    large = files.add_file("document", b"0" * (MAX_DOWNLOAD + 1))
    with pytest.raises(ApiError, match="^Bad Request: file is too big$"):
        files.issue_path(large.main.file_id, now=0)
    with pytest.raises(ApiError, match="^Bad Request: invalid file_id$"):
        files.issue_path("AgACnonsense", now=0)


def test_empty_files_are_refused(files: FileStore) -> None:
    with pytest.raises(ApiError, match="file must be non-empty"):
        files.add_file("document", b"")
