"""A manifest says nothing that could lead out of its folder or mean two things, and survives its own YAML."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from registry.manifest import (
    FileName,
    HubSource,
    Manifest,
    PyPISource,
    UrlSource,
    dump_manifest,
    load_manifest,
    parse_manifest,
    parse_ref,
)

FILE_NAME = TypeAdapter(FileName)
SHA = "0" * 64


def document(**changes: object) -> dict[str, object]:
    return {
        "model": "net",
        "version": "v1",
        "task": "style",
        "format": "onnx",
        "files": [{"name": "net.onnx", "sha256": SHA, "size": 3}],
        "licence": {"name": "MIT", "commercial_use": True},
        **changes,
    }


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../x", "a/../../x", "a/./b", "./a", "a//b", "a/", "", ".", "..", "a\\b", "c:x", "a\x00b", "a\nb"],
)
def test_a_file_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        FILE_NAME.validate_python(name)


@pytest.mark.parametrize("name", ["manifest.yaml", "MANIFEST.YAML"])
def test_the_manifest_is_not_one_of_its_own_files(name: str) -> None:
    with pytest.raises(ValidationError, match="cannot be one of them"):
        FILE_NAME.validate_python(name)


@given(st.text(max_size=60) | st.from_regex(r"[./\\a]{1,12}", fullmatch=True))
def test_every_accepted_file_name_stays_inside_and_goes_by_one_spelling(name: str) -> None:
    try:
        FILE_NAME.validate_python(name)
    except ValidationError:
        return
    folder = Path("/store/net/v1")
    assert (folder / name).resolve().is_relative_to(folder)
    assert (folder / name).resolve() != folder
    assert str(PurePosixPath(name)) == name


@pytest.mark.parametrize("name", ["", "Net", ".net", "net.", "-", "a b", "a/b", "ä", "a" * 65, "net\n"])
def test_a_model_name_is_a_plain_lower_case_word(name: str) -> None:
    with pytest.raises(ValidationError):
        Manifest.model_validate(document(model=name))


@pytest.mark.parametrize("version", ["stable", "canary", "previous"])
def test_a_version_is_not_called_like_an_alias(version: str) -> None:
    with pytest.raises(ValidationError, match="name of an alias"):
        Manifest.model_validate(document(version=version))


@pytest.mark.parametrize("names", [["a.onnx", "a.onnx"], ["a.onnx", "A.ONNX"], ["a", "a/b"], ["a/b/c", "a/b"]])
def test_two_files_never_claim_the_same_place(names: list[str]) -> None:
    files = [{"name": name, "sha256": SHA, "size": 0} for name in names]
    with pytest.raises(ValidationError):
        Manifest.model_validate(document(files=files))


def test_a_misspelt_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="embeding_space"):
        Manifest.model_validate(document(embeding_space="x"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/net.onnx",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "ftp://example.org/x",
        "net.onnx",
    ],
)
def test_a_url_source_is_https(url: str) -> None:
    with pytest.raises(ValidationError, match="not an https address"):
        UrlSource(url=url)


@pytest.mark.parametrize(
    "url", ["https://example.org/net.onnx", "http://127.0.0.1:8080/net.onnx", "http://localhost/x"]
)
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    assert UrlSource(url=url).url == url


@pytest.mark.parametrize("requirement", ["pkg", "pkg>=1", "pkg==1; python_version>'3'", "pkg==1 --index-url x", "-r x"])
def test_a_pypi_source_pins_exactly_one_release(requirement: str) -> None:
    with pytest.raises(ValidationError):
        PyPISource(requirement=requirement, archive_sha256=SHA, member="a")


def test_a_manifest_survives_its_own_yaml(tmp_path: Path) -> None:
    sources = [
        {"kind": "hub", "repo": "a/b", "file": "net.onnx"},
        {"kind": "s3", "bucket": "b", "key": "k"},
        {"kind": "package", "package": "registry", "file": "starter/net.onnx"},
        {"kind": "url", "url": "https://example.org/net.zip", "member": "net.onnx"},
        {"kind": "pypi", "requirement": "pkg==1.0", "archive_sha256": SHA, "member": "a"},
    ]
    files = [{"name": "net.onnx", "sha256": SHA, "size": 3, "sources": sources}]
    fields = {
        "input": {"size": [224, 224], "mean": [104.0]},
        "requires": {"style-lean": "f" * 64},
        "metrics": {"a": 0.5},
    }
    manifest = Manifest.model_validate(document(files=files, title="Schön", **fields))
    path = tmp_path / "manifest.yaml"
    path.write_text(dump_manifest(manifest), encoding="utf-8")
    assert load_manifest(path) == manifest


@pytest.mark.parametrize("names", [("A.txt", "a.txt"), ("caf\u00e9.txt", "cafe\u0301.txt")])
def test_two_names_that_some_systems_take_for_one_are_refused_by_name(names: tuple[str, str]) -> None:
    files = [{"name": name, "sha256": SHA, "size": 3} for name in ("net.onnx", *names)]
    with pytest.raises(ValidationError, match=f"the same name on some systems: '{names[1]}'"):
        Manifest.model_validate(document(files=files))


def test_a_source_keeps_its_kind_when_written() -> None:
    assert HubSource(repo="a/b", file="c").model_dump(exclude_defaults=True) == {
        "kind": "hub",
        "repo": "a/b",
        "file": "c",
    }


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "- a", "a: b", "42", "!!python/object:os.system {}", "\x00", "a: &a [*a]", "[" * 5000),
        *("a: !!bool b", "a: !!int +", "a: !!float ''", "a: !!timestamp b"),
    ],
)
def test_a_manifest_that_is_none_is_a_value_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError):
        load_manifest(path)


def test_a_manifest_of_aliases_of_aliases_is_refused_before_it_grows() -> None:
    layers = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))]
    with pytest.raises(ValueError, match="more than 1,000,000 values, its aliases"):
        parse_manifest("\n".join(layers))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_a_value_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.yaml"
    path.write_bytes(data)
    with pytest.raises(ValueError):
        load_manifest(path)


def test_equal_content_may_be_described_in_other_words() -> None:
    manifest = Manifest.model_validate(document(input={"size": (224, 224)}))
    assert manifest.same_content(Manifest.model_validate(document(input={"size": [224, 224]}, title="New title")))
    assert not manifest.same_content(Manifest.model_validate(document(input={"size": [384, 384]})))
    other = [{"name": "net.onnx", "sha256": "1" * 64, "size": 3}]
    assert not manifest.same_content(Manifest.model_validate(document(input={"size": (224, 224)}, files=other)))


def test_a_reference_is_a_name_with_or_without_a_version() -> None:
    assert parse_ref("style-lean") == ("style-lean", None)
    assert parse_ref("style-lean@v12") == ("style-lean", "v12")


@pytest.mark.parametrize("ref", ["", "@v1", "net@", "net@v1@v2", "../net", "net@../v1", "Net", "net v1", "net@v1\n"])
def test_anything_else_is_no_reference(ref: str) -> None:
    with pytest.raises(ValueError, match="not a model reference"):
        parse_ref(ref)
