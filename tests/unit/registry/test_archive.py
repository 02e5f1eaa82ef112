"""One file comes out of an archive, whatever the archive would like to write elsewhere."""

from __future__ import annotations

import errno
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import SourceFailed
from registry.sources.archive import extract


def a_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def a_tar(members: dict[str, bytes], compression: str = "gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


MEMBERS = {"pkg-1.0/readme": b"hello", "pkg-1.0/net.onnx": b"weights" * 100}
ARCHIVES = {"zip": a_zip(MEMBERS), "tar.gz": a_tar(MEMBERS), "tar.xz": a_tar(MEMBERS, "xz"), "tar": a_tar(MEMBERS, "")}


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("member", ["pkg-1.0/net.onnx", "net.onnx"])
def test_a_member_is_found_by_its_path_or_its_unique_end(tmp_path: Path, kind: str, member: str) -> None:
    (tmp_path / "archive").write_bytes(ARCHIVES[kind])
    extract(tmp_path / "archive", member, tmp_path / "out", 1000)
    assert (tmp_path / "out").read_bytes() == MEMBERS["pkg-1.0/net.onnx"]


@pytest.mark.parametrize("make", [a_zip, a_tar])
def test_a_member_that_is_ambiguous_or_missing_is_an_error(tmp_path: Path, make: object) -> None:
    (tmp_path / "archive").write_bytes(make({"a/net.onnx": b"1", "b/net.onnx": b"2"}))
    with pytest.raises(SourceFailed, match="2 files called net.onnx"):
        extract(tmp_path / "archive", "net.onnx", tmp_path / "out", 10)
    with pytest.raises(SourceFailed, match="no files called other"):
        extract(tmp_path / "archive", "other", tmp_path / "out", 10)
    # Part of a name is not the end of a path.
    with pytest.raises(SourceFailed, match="no files called et.onnx"):
        extract(tmp_path / "archive", "et.onnx", tmp_path / "out", 10)


@pytest.mark.parametrize("make", [a_zip, a_tar])
def test_where_an_archive_wants_its_file_does_not_matter(tmp_path: Path, make: object) -> None:
    (tmp_path / "archive").write_bytes(make({"../../../tmp/net.onnx": b"1"}))
    before = set(tmp_path.iterdir())
    extract(tmp_path / "archive", "net.onnx", tmp_path / "out", 10)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "out"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_link_out_of_the_archive_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "archive", "w") as archive:
        info = tarfile.TarInfo("net.onnx")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(SourceFailed):
        extract(tmp_path / "archive", "net.onnx", tmp_path / "out", 10**6)


@pytest.mark.parametrize("make", [a_zip, a_tar])
def test_a_bomb_stops_at_the_limit(tmp_path: Path, make: object) -> None:
    (tmp_path / "archive").write_bytes(make({"net.onnx": bytes(20_000_000)}))
    with pytest.raises(SourceFailed, match="larger than the 1,000 bytes allowed"):
        extract(tmp_path / "archive", "net.onnx", tmp_path / "out", 1000)
    assert (tmp_path / "out").stat().st_size <= 1000


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        (b"PK\x05\x06", 16, b"\xff\xff"),  # The list of its files begins behind itself.
        (b"PK\x01\x02", 10, b"\x0c"),  # What is deflated is said to be bzip2.
        (b"PK\x01\x02", 46, b"\x00"),  # A file without a name.
    ],
)
def test_a_zip_that_says_impossible_things_of_itself_is_broken(
    tmp_path: Path, record: bytes, field: int, value: bytes
) -> None:
    damaged = bytearray(ARCHIVES["zip"])
    place = damaged.rindex(record) + field
    damaged[place : place + len(value)] = value
    (tmp_path / "archive").write_bytes(damaged)
    # From Python 3.14 on a file may be without a name.
    with pytest.raises(SourceFailed, match="its archive (is broken|holds no files)"):
        extract(tmp_path / "archive", "net.onnx", tmp_path / "out", 10_000)


def test_a_full_disk_is_not_blamed_on_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "archive").write_bytes(ARCHIVES["zip"])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("registry.sources.archive._copy", full)
    with pytest.raises(OSError, match="No space left"):
        extract(tmp_path / "archive", "net.onnx", tmp_path / "out", 10_000)


@given(kind=st.sampled_from(sorted(ARCHIVES)), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_gives_the_file_or_a_reason(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    whole = ARCHIVES[kind]
    cut = data.draw(st.integers(0, len(whole)))
    position = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[position] ^= data.draw(st.integers(1, 255))
    for archive in (whole[:cut], bytes(damaged)):
        (tmp_path / "archive").write_bytes(archive)
        try:
            extract(tmp_path / "archive", "net.onnx", tmp_path / "out", 10_000)
        except SourceFailed:
            continue
