"""Wrong deployment files are refused before anything is touched: with the file, the line and what to do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from registry.store import FolderStore
from serve_app.checking import check
from serve_app.commands.check import app
from serve_app.rendering import rendered
from tests.versions import publish

from .files import DATABASE, KEY, LAUNCHER, SERVE, SERVICE, broken, the_problem


@pytest.mark.parametrize("name", [SERVE, LAUNCHER, SERVICE])
def test_what_is_rendered_is_right(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(rendered()[name])
    assert check(path, KEY) == []


@pytest.mark.parametrize(
    ("old", "new", "text", "remedy"),
    [
        ("min_replicas:", "min_replica:", "min_replica is not a key here", "Did you mean min_replicas?"),
        ("num_gpus:", "num_gpu:", "num_gpu is not a key here", "Did you mean num_gpus?"),
        ("proxy_location:", "proxy_locations:", "proxy_locations is not a key", "Did you mean proxy_location?"),
        ("models_dir:", "model_dir:", "model_dir is not a setting", "Did you mean models_dir?"),
        ("- name: Style", "- name: Styles", "no deployment Styles", "Did you mean Style?"),
        ("min_replicas: 2", "min_replicas: 20", "min_replicas 20 is over max_replicas 16", "Lower min_replicas to 16"),
        ("num_gpus: 0.4", "num_gpus: 2", "Style asks for 2 GPUs", "a fraction"),
        ("gpu_memory_mb: 8847", "gpu_memory_mb: 20000", "20000 MB of a GPU it has 9830 MB of", "Raise num_gpus"),
        ("max_batch: 8", "max_batch: 64", "never fill a batch of 64 with 32", "max_ongoing_requests"),
        ("max_batch: 8", "max_batch: 0", "greater than or equal to 1", "Correct"),
        ("queue_s: 1.0", "queue_s: 0", "'queue_s' has to be above 0", "policy.py"),
        ("hold_s:", "hold:", "'hold'", "policy.py"),
        ("max_ongoing_requests: 128", "max_ongoing_requests: -1", "max_ongoing_requests", "Correct"),
    ],
)
def test_a_wrong_serve_config(tmp_path: Path, old: str, new: str, text: str, remedy: str) -> None:
    path, line = broken(tmp_path, SERVE, old, new)
    problem = next(problem for problem in check(path, KEY) if text in problem.text)
    assert remedy in problem.remedy
    assert problem.file == str(path)
    assert problem.line == line


def test_fractions_that_do_not_fit_on_one_gpu(tmp_path: Path) -> None:
    path, _ = broken(tmp_path, SERVE, "num_gpus: 0.4", "num_gpus: 0.6")
    problem = the_problem(path)
    assert "add up to 1.2" in problem.text
    assert "Style 0.6" in problem.text


def test_production_needs_an_admin_key_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text(rendered()[SERVE])
    problem = the_problem(path, DATABASE)
    assert "without an admin key" in problem.text
    assert "MASQUERADE_ADMIN_KEY" in problem.remedy


@pytest.mark.parametrize("data_dir", ["", "    data_dir: var\n", "    data_dir: ~/studio\n"])
def test_several_nodes_need_one_place_for_photos(tmp_path: Path, data_dir: str) -> None:
    path, _ = broken(tmp_path, SERVE, "    data_dir: /srv/masquerade/data\n", data_dir)
    problem = the_problem(path)
    assert "each node's own" in problem.text
    assert "objects_url: s3://" in problem.remedy
    assert check(path, KEY | {"MASQUERADE_OBJECTS_URL": "s3://photos/studio"}) == []
    path.write_text(path.read_text().replace("    engines:", "    objects_url: s3://photos/studio\n    engines:", 1))
    assert check(path, KEY) == []


def test_several_nodes_need_one_database(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text(rendered()[SERVE])
    problem = the_problem(path, {name: value for name, value in KEY.items() if name not in DATABASE})
    assert "without a database" in problem.text
    assert "MASQUERADE_DATABASE_URL" in problem.remedy


def test_traces_that_nobody_would_make_are_refused(tmp_path: Path) -> None:
    path, line = broken(tmp_path, SERVE, "    engines:", "    traces: otlp\n    engines:")
    problem = the_problem(path)
    assert problem.line == line
    assert "nothing would be traced" in problem.text
    assert "RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH=serve_app.telemetry.tracing:otlp" in problem.remedy
    assert check(path, KEY | {"RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH": "serve_app.telemetry.tracing:otlp"}) == []
    path.write_text(rendered()[SERVE])
    assert "nothing would be traced" in the_problem(path, KEY | {"MASQUERADE_TRACES": "file"}).text


def test_photos_larger_than_the_proxies_know_of_are_refused(tmp_path: Path) -> None:
    larger = "    limits: {max_bytes: 52428800}\n    engines:"
    path, line = broken(tmp_path, SERVE, "    engines:", larger)
    problem = the_problem(path)
    assert problem.line == line
    assert "photos of 52428800 bytes are taken, and the proxies, which see no args, know of 20971520" in problem.text
    assert "MASQUERADE_LIMITS__MAX_BYTES=52428800" in problem.remedy
    assert check(path, KEY | {"MASQUERADE_LIMITS__MAX_BYTES": "52428800"}) == []
    path.write_text(path.read_text().replace("52428800", "1048576"))
    assert check(path, KEY) == []


def test_what_the_proxies_know_of_by_reference_is_not_guessed(tmp_path: Path) -> None:
    larger = "        limits: {max_bytes: 52428800}\n        engines:"
    path, _ = broken(tmp_path, SERVICE, "        engines:", larger)
    assert "which see no args" in the_problem(path, {}).text
    service = yaml.safe_load(path.read_text())
    for group in service["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        source = {"configMapKeyRef": {"name": "limits", "key": "bytes"}}
        known = {"name": "MASQUERADE_LIMITS__MAX_BYTES", "valueFrom": source}
        group["template"]["spec"]["containers"][0]["env"].append(known)
    path.write_text(yaml.safe_dump(service))
    assert check(path, {}) == []


def test_pods_share_a_claim_or_a_bucket(tmp_path: Path) -> None:
    text = rendered()[SERVICE]
    alone = text.replace("mountPath: /srv/masquerade\n", "mountPath: /srv/models\n")
    assert alone != text
    path = tmp_path / "service.yaml"
    path.write_text(alone)
    problems = check(path, {})
    assert len(problems) == text.count("groupName:")
    assert all("/srv/masquerade/data is on no claim" in problem.text for problem in problems)
    service = yaml.safe_load(alone)
    for group in service["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        for variable in group["template"]["spec"]["containers"][0]["env"]:
            if variable["name"] == "MASQUERADE_OBJECTS_URL":
                assert variable["valueFrom"]["secretKeyRef"].pop("optional") is True
    path.write_text(yaml.safe_dump(service))
    assert check(path, {}) == []


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    secret = "a-very-secret-key-of-30-letters"
    path, _ = broken(
        tmp_path, SERVE, "    environment: production", f"    admin_key: {secret}\n    environment: production"
    )
    problem = the_problem(path, DATABASE)
    assert "secret" in problem.text
    assert secret not in str(problem) + problem.remedy


def test_the_kubernetes_pods_bring_the_key_by_reference_or_it_is_missing(tmp_path: Path) -> None:
    text = rendered()[SERVICE].replace("- name: MASQUERADE_ADMIN_KEY", "- name: MASQUERADE_ADMIN_KEE")
    path = tmp_path / "service.yaml"
    path.write_text(text)
    problem = the_problem(path, {})
    assert text.splitlines()[problem.line - 1].strip() == "environment: production"


def test_pods_are_judged_by_their_own_environment_and_not_by_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(rendered()[SERVICE])
    for name, value in (KEY | {"MASQUERADE_PORT": "abc"}).items():
        monkeypatch.setenv(name, value)
    assert check(path, os.environ) == []
    path.write_text(path.read_text().replace("- name: MASQUERADE_", "- name: OTHER_"))
    texts = [problem.text for problem in check(path, os.environ)]
    assert len(texts) == 2
    assert any("without an admin key" in text for text in texts)
    assert any("without a database" in text for text in texts)


def test_a_variable_that_is_wrong_is_named_as_such_and_not_blamed_on_the_file(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text(rendered()[SERVE])
    problem = the_problem(path, KEY | {"MASQUERADE_LIMITS__MAX_SIDE": "-1"})
    assert problem.text.startswith("MASQUERADE_LIMITS__MAX_SIDE: ")
    text = rendered()[SERVICE].replace("- name: MASQUERADE_MODELS_DIR", "- name: MASQUERADE_PORT")
    path.write_text(text)
    assert the_problem(path).text.startswith("MASQUERADE_PORT: ")


def test_secrets_may_come_from_files_that_lie_where_ray_runs(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(rendered()[SERVE])
    assert check(path, {f"{name}_FILE": "/nowhere/here" for name in KEY}) == []
    text = rendered()[SERVICE]
    for name in KEY:
        text = text.replace(f"- name: {name}\n", f"- name: {name}_FILE\n")
    path.write_text(text)
    assert check(path, {}) == []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("idle_timeout_minutes:", "idle_timeout_minute:", "idle_timeout_minute is not a key here"),
        ("    min_workers: 1", "    min_workers: 9", "min_workers 9 is over max_workers 8"),
        ("      GPU: 1", "      GPU: 8", "gpu has 8 GPUs"),
        ("head_node_type: head", "head_node_type: boss", "no node type boss"),
        ("      CPU: 0", "      CPU: 4", "the head would run replicas"),
        ("--dashboard-host=127.0.0.1", "--dashboard-host=0.0.0.0", "dashboard would listen to the network"),
        ("&& RAY_AUTH_MODE=token", "&& RAY_AUTH_MODE=disabled", "without token authentication"),
    ],
)
def test_a_wrong_cluster_file(tmp_path: Path, old: str, new: str, text: str) -> None:
    content = rendered()[LAUNCHER]
    body = content.index("cluster_name")
    at = content.index(old, body)
    path = tmp_path / "cluster.yaml"
    path.write_text(content[:at] + new + content[at + len(old) :])
    problem = next(problem for problem in check(path, {}) if text in problem.text)
    assert problem.remedy
    lines = path.read_text().splitlines()
    pointed = "\n".join(lines[problem.line - 1 : problem.line + 8])
    assert new.strip() in pointed


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("minReplicas: 1", "minReplicas: 99", "minReplicas 99 is over maxReplicas"),
        ("mode: token", "mode: disabled", "without token authentication"),
        ("num_gpus: 0.4", "num_gpu: 0.4", "num_gpu is not a key here"),
    ],
)
def test_a_wrong_ray_service_is_pointed_at_even_inside_its_serve_config(
    tmp_path: Path, old: str, new: str, text: str
) -> None:
    path, line = broken(tmp_path, SERVICE, old, new)
    problem = next(problem for problem in check(path, {}) if text in problem.text)
    assert abs(problem.line - line) <= 1


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, FolderStore]:
    """The rendered config with its models on this machine: an embedder, and a gallery of another space."""
    store = FolderStore(tmp_path / "models")
    publish(store, model="embedder", task="face-analysis", embedding_space="arcface", memory_mb=4000)
    publish(store, model="stars", task="face-gallery", embedding_space="dlib")
    text = rendered()[SERVE].replace("/srv/masquerade/models", str(store.root))
    path = tmp_path / "serve_config.yaml"
    path.write_text(text)
    return path, store


def test_a_gallery_of_another_embedding_space_is_refused(stored: tuple[Path, FolderStore]) -> None:
    path, _ = stored
    text = path.read_text().replace("    engines:", "    models:\n      gallery: stars\n    engines:", 1)
    path.write_text(text)
    problem = the_problem(path)
    assert "vectors of dlib" in problem.text
    assert text.splitlines()[problem.line - 1].strip() == "gallery: stars"


def test_the_setting_that_is_refused_is_pointed_at_however_often_its_model_is_named(
    stored: tuple[Path, FolderStore],
) -> None:
    path, store = stored
    publish(store, model="lean", task="style")
    chosen = "    models:\n      style: lean\n      faces: lean\n    engines:"
    text = path.read_text().replace("    engines:", chosen, 1)
    path.write_text(text)
    problem = the_problem(path)
    assert "a face-analysis model is needed here" in problem.text
    assert text.splitlines()[problem.line - 1].strip() == "faces: lean"


def test_a_deployment_without_a_model_is_named_with_the_command_that_brings_one(
    stored: tuple[Path, FolderStore],
) -> None:
    path, _ = stored
    problems = {problem.text.split()[0]: problem for problem in check(path, KEY)}
    assert problems.keys() == {"Moderation", "Style", "Lookalike", "Swap", "Authenticity"}
    assert "masquerade models pull" in problems["Swap"].remedy


def test_a_model_larger_than_its_share_of_the_gpu_is_refused(stored: tuple[Path, FolderStore]) -> None:
    path, store = stored
    shutil.rmtree(store.root / "embedder")
    publish(store, model="embedder", task="face-analysis", embedding_space="arcface", memory_mb=6000)
    assert any("needs 6000 MB of GPU memory and Faces may take 4423 MB" in problem.text for problem in check(path, KEY))


def test_the_command_says_line_and_remedy_and_fails(tmp_path: Path) -> None:
    path, line = broken(tmp_path, SERVE, "min_replicas:", "min_replica:")
    result = CliRunner().invoke(app, [str(path)], env=KEY)
    assert result.exit_code == 1
    assert f"serve_config.yaml:{line}: min_replica is not a key here" in result.output.replace("\n", "")
    assert "Did you mean min_replicas?" in result.output


def test_the_command_takes_what_is_right(tmp_path: Path) -> None:
    path = tmp_path / "serve_config.yaml"
    path.write_text(rendered()[SERVE])
    assert CliRunner().invoke(app, [str(path)], env=KEY).exit_code == 0


@pytest.mark.parametrize(
    "text",
    [
        "applications: [{import_path: 'serve_app.app:app', deployments: [{name: [1]}, 5], args: [1]}]",
        "applications: [{import_path: 'serve_app.app:app', deployments: 5}]",
        "applications: [{deployments: [{name: A, autoscaling_config: {policy: {policy_function: "
        "'serve_app.scaling.adapter:QueueTimePolicy', policy_kwargs: 1.5}}}]}]",
        "{available_node_types: {}, head_node_type: {a: 1}}",
        "{kind: RayService, spec: {rayClusterConfig: {workerGroupSpecs: 5}}}",
        "a: &itself [*itself]",
    ],
)
def test_what_is_of_the_wrong_kind_is_a_problem_and_no_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    assert check(path, {})
