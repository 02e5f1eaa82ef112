"""A download over a bad line ends whole, or with a reason; never with something else under the right name."""

from __future__ import annotations

import io
import socket
import zipfile
from pathlib import Path
from typing import Any

import pytest

from registry.errors import FetchFailed, RegistryError
from registry.manifest import UrlSource
from registry.sources import Context, Wanted, fetch, partial


def wanted(server: Any, *, pinned: bool = True, name: str = "net.dat", limit: int = 10_000_000) -> Wanted:
    source = UrlSource(url=server.url(name))
    if pinned:
        return Wanted(name, (source,), len(server.content), server.sha256, len(server.content))
    return Wanted(name, (source,), limit)


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_arrives(server: Any, context: Context, tmp_path: Path, pinned: bool) -> None:
    delivered = fetch(wanted(server, pinned=pinned), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content
    assert (delivered.sha256, delivered.size) == (server.sha256, len(server.content))
    assert list(context.downloads.iterdir()) == []


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize(
    "faults",
    [["cut"], ["cut", "cut", "cut"], ["stall"], ["drip", 503, "drip", "stall"], [500], [429], ["cut", "no-range"]],
)
def test_a_bad_line_is_outlasted(
    server: Any, context: Context, tmp_path: Path, faults: list[Any], pinned: bool
) -> None:
    server.faults = list(faults)
    fetch(wanted(server, pinned=pinned), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content
    assert server.faults == []


def test_what_is_here_is_not_asked_for_again(server: Any, context: Context, tmp_path: Path) -> None:
    server.faults = ["cut"]
    fetch(wanted(server), tmp_path / "out", context)
    assert server.requests == [None, f"bytes={len(server.content) // 2}-"]


def test_a_later_run_goes_on_where_an_earlier_one_was_interrupted(
    server: Any, context: Context, tmp_path: Path
) -> None:
    def press_ctrl_c(label: str, done: int, total: int | None) -> None:
        if done >= len(server.content) // 2:
            raise KeyboardInterrupt

    context.progress = press_ctrl_c
    with pytest.raises(KeyboardInterrupt):
        fetch(wanted(server), tmp_path / "out", context)
    assert not (tmp_path / "out").exists()
    (part,) = context.downloads.iterdir()
    there = part.stat().st_size
    assert there >= len(server.content) // 2 - 256 * 1024

    context.progress = lambda label, done, total: None
    fetch(wanted(server), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content
    assert server.requests[-1] == f"bytes={there}-"
    assert list(context.downloads.iterdir()) == []


def test_a_damaged_half_from_an_earlier_run_is_thrown_away(server: Any, context: Context, tmp_path: Path) -> None:
    part = partial.PartialFile(context, f"{server.url()} {server.sha256}", label="net.dat", limit=10**9)
    part.write(b"something else altogether")
    part.close()
    fetch(wanted(server), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content


def test_a_half_longer_than_the_file_is_thrown_away(server: Any, context: Context, tmp_path: Path) -> None:
    part = partial.PartialFile(context, f"{server.url()} {server.sha256}", label="net.dat", limit=10**9)
    part.write(bytes(len(server.content) + 1))
    part.close()
    fetch(wanted(server), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content


def test_without_a_hash_bytes_of_two_files_are_never_mixed(server: Any, context: Context, tmp_path: Path) -> None:
    server.faults = ["cut", "changed"]
    fetch(wanted(server, pinned=False), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content


def test_a_tampered_file_is_discarded(server: Any, context: Context, tmp_path: Path) -> None:
    asked = wanted(server)
    server.content = server.content[::-1]
    with pytest.raises(FetchFailed, match="other content than the manifest vouches for"):
        fetch(asked, tmp_path / "out", context)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ([404], "answers 404"),
        ([503] * 5, "answers 503"),
        (["stall"] * 6, "sent nothing for 0.5 s"),
        (["lie"], "offers 2,097,153 bytes instead of 2,097,152"),
        (["endless"], "sends more than the 2,097,152 bytes allowed"),
        (["drip"] + ["other-range", "drip"] * 5, "another part of the file than asked for|broke off after 100,000"),
        (["-> http://example.org/net.dat"], "redirects to an address that is not https"),
        (["-> file:///etc/passwd"], "not allowed"),
    ],
)
def test_a_hopeless_source_is_given_up_with_a_reason(
    server: Any, context: Context, tmp_path: Path, faults: list[Any], reason: str
) -> None:
    server.faults = faults
    with pytest.raises(FetchFailed, match=reason):
        fetch(wanted(server), tmp_path / "out", context)
    assert not (tmp_path / "out").exists()


def test_a_redirect_on_this_machine_is_followed(server: Any, context: Context, tmp_path: Path) -> None:
    server.faults = [f"-> {server.url('elsewhere')}"]
    fetch(wanted(server), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content


def test_an_offer_beyond_the_limit_is_refused_before_a_byte_is_written(
    server: Any, context: Context, tmp_path: Path
) -> None:
    with pytest.raises(FetchFailed, match="more than the 1,000 allowed"):
        fetch(wanted(server, pinned=False, limit=1000), tmp_path / "out", context)
    assert all(path.stat().st_size == 0 for path in context.downloads.iterdir())


def test_nobody_listening_is_a_reason(context: Context, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/net.dat"
    with pytest.raises(FetchFailed, match="cannot be reached"):
        fetch(Wanted("net.dat", (UrlSource(url=address),), 10), tmp_path / "out", context)


def test_the_next_source_steps_in_and_all_reasons_are_told(server: Any, context: Context, tmp_path: Path) -> None:
    gone, good = UrlSource(url=server.url("gone")), UrlSource(url=server.url("good"))
    asked = Wanted("net.dat", (gone, good), len(server.content), server.sha256, len(server.content))
    server.faults = [404]
    fetch(asked, tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content

    server.faults = [404, 403]
    with pytest.raises(FetchFailed) as caught:
        fetch(asked, tmp_path / "out", context)
    assert [source for source, _ in caught.value.reasons] == [
        "http://127.0.0.1/gone",
        "http://127.0.0.1/good",
    ]
    assert "gone: answers 404 Not Found; http" in str(caught.value)


def test_credentials_in_an_address_are_not_repeated(server: Any, context: Context, tmp_path: Path) -> None:
    server.faults = [404]
    source = UrlSource(url=f"{server.url()}?token=secret")
    with pytest.raises(FetchFailed) as caught:
        fetch(Wanted("net.dat", (source,), 10), tmp_path / "out", context)
    assert "secret" not in str(caught.value)


def test_progress_ends_with_all_there_is(server: Any, context: Context, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    context.progress = lambda label, done, total: seen.append((label, done, total))
    fetch(wanted(server), tmp_path / "out", context)
    assert seen[-1] == ("net.dat", len(server.content), len(server.content))


def test_several_files_of_one_archive_are_one_download(server: Any, context: Context, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("pack/a.dat", b"a")
        archive.writestr("pack/b.dat", b"b")
    server.content = buffer.getvalue()
    for name in ("a.dat", "b.dat"):
        source = UrlSource(url=server.url("pack.zip"), member=name)
        fetch(Wanted(name, (source,), 10), tmp_path / name, context)
        assert (tmp_path / name).read_bytes() == name[:1].encode()
    assert len(server.requests) == 1
    context.cleanup.close()
    assert list(context.downloads.iterdir()) == []


def test_two_pulls_of_one_file_do_not_write_into_each_other(server: Any, context: Context, tmp_path: Path) -> None:
    key = f"{server.url()} {server.sha256}"
    other = partial.PartialFile(context, key, label="net.dat", limit=10**9)
    other.write(b"half of another process")
    other.flush()
    fetch(wanted(server), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == server.content
    assert other.path.read_bytes() == b"half of another process"
    other.close()


def test_a_full_disk_is_not_the_fault_of_the_source(
    server: Any, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(partial, "_open_locked", lambda path: (path, Full()))
    with pytest.raises(RegistryError, match="cannot be written to: No space left on device") as caught:
        fetch(wanted(server), tmp_path / "out", context)
    assert not isinstance(caught.value, FetchFailed)
