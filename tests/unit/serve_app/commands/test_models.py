"""The models commands say in one sentence what happened, and in their exit status whether it worked."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from registry import catalogue
from registry.errors import StoreUnavailable
from registry.manifest import Licence, Manifest, ModelFile, PackageSource
from registry.promotions import promote
from registry.store import FolderStore
from serve_app.commands.models import app
from serve_app.commands.starter import ensure_starter
from tests import versions

SHA_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MASQUERADE_MODELS_DIR", str(tmp_path / "models"))
    return FolderStore(tmp_path / "models")


@pytest.fixture
def shelf(store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Manifest]:
    """A catalogue of two small models, one of which wants its licence accepted."""
    package = tmp_path / "site" / "weights_for_tests"
    package.mkdir(parents=True)
    (package / "net.dat").write_bytes(b"abc")
    monkeypatch.syspath_prepend(str(package.parent))
    source = PackageSource(package="weights_for_tests", file="net.dat")
    file = ModelFile(name="net.dat", sha256=SHA_ABC, size=3, sources=(source,))
    told: dict[str, Any] = {"version": "v1", "task": "moderation", "format": "data", "files": (file,)}
    strict = Licence(name="Research-Only", commercial_use=False, url="https://example.org/terms", accept=True)
    made = {
        "free": Manifest(model="free", licence=Licence(name="MIT", commercial_use=True), **told),
        "strict": Manifest(model="strict", licence=strict, **told),
    }
    monkeypatch.setattr(catalogue, "starter", lambda: (made["free"],))
    monkeypatch.setattr(catalogue, "known", lambda: tuple(made.values()))
    return made


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answer)


def test_an_empty_store_says_how_to_fill_it(store: FolderStore) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert "masquerade models pull --starter" in result.output
    assert f"in {store.root}" in result.output


def test_a_damaged_model_does_not_keep_the_starter_set_away(store: FolderStore, shelf: dict[str, Manifest]) -> None:
    versions.publish(store, model="odd", task="authenticity")
    path = store.root / "odd" / "v1" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text("[")
    result = run("pull", "--starter")
    assert result.exit_code == 0, result.output
    assert "pulled   free@v1" in result.output


def test_pulled_models_are_listed_with_their_terms(store: FolderStore, shelf: dict[str, Manifest]) -> None:
    assert "pulled   free@v1" in run("pull", "--starter").output
    promote(store, "free", "v1", by="ada", why="first")
    (line,) = [line for line in run("list").output.splitlines() if "free@v1" in line]
    assert all(word in line for word in ("moderation", "MIT", "yes", "stable"))


def test_a_second_pull_finds_them_there(store: FolderStore, shelf: dict[str, Manifest]) -> None:
    run("pull", "free")
    result = run("pull", "free@v1")
    assert (result.exit_code, "present" in result.output) == (0, True)


def test_the_catalogue_shows_what_is_installed(store: FolderStore, shelf: dict[str, Manifest]) -> None:
    run("pull", "free")
    output = run("list", "--available").output
    (free,) = [line for line in output.splitlines() if "free@v1" in line]
    (strict,) = [line for line in output.splitlines() if "strict@v1" in line]
    assert "installed" in free
    assert "installed" not in strict


def test_a_licence_is_not_accepted_in_silence(store: FolderStore, shelf: dict[str, Manifest]) -> None:
    result = run("pull", "strict")
    assert result.exit_code == 1
    assert "Research-Only (https://example.org/terms)" in result.output
    assert "--accept-licence" in result.output
    assert store.models() == []
    assert run("pull", "strict", "--accept-licence").exit_code == 0


@pytest.mark.parametrize(("answer", "installed"), [("y\n", ["strict"]), ("n\n", [])])
def test_at_a_terminal_the_licence_is_shown_and_asked_for(
    store: FolderStore, shelf: dict[str, Manifest], monkeypatch: pytest.MonkeyPatch, answer: str, installed: list[str]
) -> None:
    monkeypatch.setattr("serve_app.commands.models.at_a_terminal", lambda: True)
    result = run("pull", "strict", answer=answer)
    assert "https://example.org/terms" in result.output
    assert result.exit_code == (0 if installed else 1)
    assert store.models() == installed


@pytest.mark.parametrize("brought_by", ["models pull", "demo"])
def test_a_network_that_takes_styles_away_says_which_and_what_to_do(
    store: FolderStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    brought_by: str,
) -> None:
    def pack(name: str, weights: bytes, *styles: str) -> None:
        listed = json.dumps({"styles": [{"name": style} for style in styles]}).encode()
        pinned = {"style-fine": hashlib.sha256(weights).hexdigest()}
        version = "v1" if weights == b"old" else "v2"
        versions.publish(
            store, {"styles.json": listed}, model=name, version=version, task="style-pack", requires=pinned
        )

    versions.publish(store, {"net": b"old"}, model="style-fine", task="style")
    pack("styles-classic", b"old", "wave", "udnie")
    pack("styles-wreck", b"old", "wreck")
    pack("styles-classic", b"new", "wave", "udnie")
    shelf = tmp_path / "site" / "networks_for_tests"
    shelf.mkdir(parents=True)
    (shelf / "net").write_bytes(b"new")
    monkeypatch.syspath_prepend(str(shelf.parent))
    source = PackageSource(package="networks_for_tests", file="net")
    entry = versions.manifest_of({"net": b"new"}, model="style-fine", version="v2", task="style")
    entry = entry.model_copy(update={"files": (entry.files[0].model_copy(update={"sources": (source,)}),)})
    monkeypatch.setattr(catalogue, "known", lambda: (entry,))
    if brought_by == "demo":
        monkeypatch.setattr(catalogue, "starter", lambda: (entry,))
        ensure_starter(store)
        told = " ".join(capsys.readouterr().out.split())
    else:
        told = " ".join(run("pull", "style-fine").output.split())
    assert "style-fine@v2 paints, and these styles were made for style-fine@v1: wreck." in told
    assert "--network style-fine@v2, or stay with MASQUERADE_MODELS__STYLE=style-fine@v1." in told
    assert "styles" not in run("pull", "style-fine").output


def test_a_face_model_that_takes_the_gallerys_place_away_says_what_to_do(
    store: FolderStore, shelf: dict[str, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.publish(store, model="dlib-faces", task="face-analysis", embedding_space="a")
    versions.publish(store, model="stars", task="face-gallery", embedding_space="a")
    better = shelf["free"].model_copy(update={"model": "buffalo-l", "task": "face-analysis", "embedding_space": "b"})
    monkeypatch.setattr(catalogue, "known", lambda: (shelf["free"], better))
    assert "gallery" not in run("pull", "free").output
    output = run("pull", "buffalo-l").output
    assert "the gallery stars@v1 does not fit it" in output
    assert "masquerade gallery build FOLDER --name NAME --faces buffalo-l" in output
    assert "MASQUERADE_MODELS__FACES=dlib-faces" in output


@pytest.mark.parametrize(
    "arguments", [("pull",), ("pull", "nobody"), ("pull", "../x"), ("show", "nobody"), ("verify", "nobody")]
)
def test_what_cannot_be_done_is_one_sentence_and_exit_status_1(
    store: FolderStore, shelf: dict[str, Manifest], arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_verify_names_the_damaged_and_passes_the_sound(store: FolderStore, shelf: dict[str, Manifest]) -> None:
    run("pull", "free", "strict", "--accept-licence")
    assert run("verify").exit_code == 0
    path = store.get("free").path("net.dat")
    path.chmod(0o644)
    path.write_bytes(b"abd")
    result = run("verify")
    assert result.exit_code == 1
    assert "free@v1 is damaged: net.dat has sha256" in result.output
    assert "ok      strict@v1" in result.output
    assert "damaged" not in run("list").output
    path.write_bytes(b"ab")
    assert "damaged" in run("list").output


@pytest.mark.parametrize(("command", "asked"), [("verify", "verify"), ("list", "get")])
def test_a_store_that_is_away_is_told_once_and_no_version_is_called_broken(
    store: FolderStore, shelf: dict[str, Manifest], monkeypatch: pytest.MonkeyPatch, command: str, asked: str
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("s3://models cannot be reached.")

    run("pull", "free", "strict", "--accept-licence")
    monkeypatch.setattr(FolderStore, asked, away)
    result = run(command)
    assert (result.exit_code, result.output) == (1, "s3://models cannot be reached.\n")


def test_show_tells_what_is_installed_and_else_what_could_be(store: FolderStore, shelf: dict[str, Manifest]) -> None:
    assert run("show", "free").output.startswith("# free@v1, not installed")
    run("pull", "free")
    output = run("show", "free").output
    assert output.startswith(f"# free@v1 in {store.root}")
    assert f"sha256: {SHA_ABC}" in output
    assert "kind: package" in output


# Importing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.dat").write_bytes(b"abc")
    return tmp_path / "mine"


def test_a_folder_of_files_becomes_a_version(store: FolderStore, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "input.yaml").write_text("size: [8, 8]\n")
    result = run(
        *("import", str(folder), "--name", "mine", "--task", "samples", "--format", "data"),
        *("--input", str(tmp_path / "input.yaml"), "--licence", "MIT", "--commercial-use", "--title", "My net"),
    )
    assert result.exit_code == 0, result.output
    manifest = store.verify("mine@v1").manifest
    assert (manifest.input, manifest.title) == ({"size": [8, 8]}, "My net")
    assert manifest.licence == Licence(name="MIT", commercial_use=True)


def test_without_a_word_on_the_licence_commercial_use_is_not_assumed(store: FolderStore, folder: Path) -> None:
    run("import", str(folder), "--name", "mine", "--task", "samples", "--format", "data")
    assert not store.get("mine").manifest.licence.commercial_use


def test_every_import_is_the_next_version(store: FolderStore, folder: Path) -> None:
    for _ in range(3):
        run("import", str(folder), "--name", "mine", "--task", "samples", "--format", "data")
    assert store.versions("mine") == ["v1", "v2", "v3"]


def test_brackets_in_names_of_folders_and_licences_are_no_markup(
    store: FolderStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = FolderStore(tmp_path / "models [bold]")
    monkeypatch.setenv("MASQUERADE_MODELS_DIR", str(opened.root))
    options = ["--name", "mine", "--task", "samples", "--format", "data", "--licence", "Ours [/red] alone"]
    assert f"in {opened.root}" in run("import", str(folder), *options).output
    assert f"to {store.root} [x]" in run("push", "mine", "--to", f"{store.root} [x]").output
    assert "Ours [/red] alone" in run("list").output


def test_an_import_that_changes_nothing_says_what_its_name_stands_for(store: FolderStore, folder: Path) -> None:
    options = ("import", str(folder), "--name", "mine", "--task", "samples", "--format", "data")
    assert "stands for" not in run(*options).output
    told = run(*options, "--version", "2026-05").output
    assert "mine stands for v1 until: masquerade models promote mine@2026-05 --why …" in told
    promote(store, "mine", "v1", by="ada", why="it serves")
    assert "mine stands for v1 until: masquerade models promote mine@v2 --why …" in run(*options).output


@pytest.mark.parametrize(
    ("content", "told"), [(b"a: [", "is not YAML"), (b"\xff", "is not YAML"), (b"- 1", "is no input contract")]
)
def test_an_input_contract_that_is_none_is_named(store: FolderStore, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "net.dat").write_bytes(b"abc")
    (tmp_path / "bad.yaml").write_bytes(content)
    options = ["--name", "net", "--task", "samples", "--format", "data", "--input", str(tmp_path / "bad.yaml")]
    result = run("import", str(tmp_path / "net"), *options)
    assert result.exit_code == 1
    assert f"bad.yaml {told}" in " ".join(result.output.split())
    assert store.models() == []


def test_a_folder_with_a_manifest_is_published_as_that_says(
    store: FolderStore, shelf: dict[str, Manifest], folder: Path
) -> None:
    run("pull", "free")
    text = (store.root / "free" / "v1" / "manifest.yaml").read_text().replace("version: v1", "version: v7")
    text = text.replace("task: moderation", "task: samples")
    (folder / "manifest.yaml").write_text(text)
    assert "published  free@v7" in run("import", str(folder)).output
    for option in (("--name", "other"), ("--commercial-use",), ("--licence", "MIT"), ("--title", "Mine")):
        assert "which says all that itself" in run("import", str(folder), *option).output


@pytest.mark.parametrize("text", ["version: 2\n", "- model\n", "\xff"])
def test_a_manifest_that_describes_no_version_is_named(store: FolderStore, folder: Path, text: str) -> None:
    (folder / "manifest.yaml").write_bytes(text.encode("latin-1"))
    result = run("import", str(folder))
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    assert result.output.startswith(f"{folder / 'manifest.yaml'} describes no version: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give --name, --task and --format"),
        (
            ("--name", "My Net", "--task", "samples", "--format", "data"),
            "'My Net' cannot be the name of a model: use small letters",
        ),
        (
            ("--name", "mine", "--task", "samples", "--format", "data", "--version", "V2"),
            "'V2' cannot be a name: use small letters",
        ),
        (("--name", "mine", "--task", "samples", "--format", "onnx"), "lists no .onnx file"),
        (("--name", "mine", "--task", "samples", "--format", "data", "--version", "stable"), "name of an alias"),
        (("--name", "mine", "--task", "samples", "--format", "data", "--version", "v-1"), "call the version v1"),
        (
            ("--name", "mine", "--task", "style", "--format", "data"),
            "mine@v1 is no style network: it has no network.onnx.",
        ),
        (("--name", "mine", "--task", "style-pack", "--format", "data"), "names no style network that it was made for"),
        (
            ("--name", "mine", "--task", "moderation", "--format", "data"),
            "mine@v1 has no backend; moderation models are read by one of: open-nsfw, transformers",
        ),
        (
            ("--name", "mine", "--task", "authenticity", "--format", "data", "--backend", "vit"),
            "mine@v1 has the backend 'vit', unknown here; authenticity models are read by",
        ),
    ],
)
def test_what_is_no_version_is_refused_in_words(
    store: FolderStore, folder: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    result = run("import", str(folder), *arguments)
    assert result.exit_code == 1
    assert sentence in result.output
    assert store.models() == []


def test_a_disk_that_is_full_is_the_one_that_is_written(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    monkeypatch.setattr("registry.publish.shutil.copyfile", full)
    told = run("import", str(folder), "--name", "mine", "--task", "samples", "--format", "data").output
    assert f"The disk is full ({store.root}" in told


def test_an_unknown_task_is_a_usage_error(store: FolderStore, folder: Path) -> None:
    result = run("import", str(folder), "--name", "mine", "--task", "cooking", "--format", "data")
    assert result.exit_code == 2
