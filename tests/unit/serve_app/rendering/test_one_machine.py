"""Dockerfile and compose file: by the compose specification's own schema, and nothing that runs as root or leaks."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from serve_app.rendering.compose import HEADER

ROOT = Path(__file__).parents[4]
SCHEMA = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())


@pytest.fixture
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    return document


@pytest.fixture
def dockerfile() -> str:
    return (ROOT / "deploy/Dockerfile").read_text()


def test_the_compose_file_passes_the_specification(compose: dict[str, Any]) -> None:
    jsonschema.validate(compose, SCHEMA)
    compose["services"]["studio"]["depend_on"] = ["redis"]
    with pytest.raises(jsonschema.ValidationError, match="depend_on"):
        jsonschema.validate(compose, SCHEMA)


def test_every_setting_of_the_operator_s_reaches_the_studio_and_nobody_else(compose: dict[str, Any]) -> None:
    assert {name for name, service in compose["services"].items() if "env_file" in service} == {"studio"}
    assert compose["services"]["studio"]["env_file"] == ".env"


def test_only_the_studio_is_published_and_only_on_loopback(compose: dict[str, Any]) -> None:
    published = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert published.pop("studio") == ["127.0.0.1:8000:8000"]
    assert not any(published.values())


def test_prometheus_finds_the_metrics_at_a_port_that_is_told(compose: dict[str, Any]) -> None:
    port = compose["services"]["studio"]["environment"]["MASQUERADE_METRICS_PORT"]
    assert f"http://studio:{port}/metrics" in HEADER


def test_every_service_is_probed_and_the_studio_waits_for_the_others(compose: dict[str, Any]) -> None:
    assert all("healthcheck" in service for service in compose["services"].values())
    waits = {name: service.get("depends_on", {}) for name, service in compose["services"].items()}
    assert waits["studio"].keys() | waits["bucket"].keys() == compose["services"].keys() - {"studio"}


def test_a_missing_secret_stops_compose_instead_of_becoming_empty(compose: dict[str, Any]) -> None:
    references = set(re.findall(r"\$\{[^}]*\}", json.dumps(compose))) - {"${MASQUERADE_COMMAND:-serve}"}
    assert references
    for reference in references:
        assert ":?" in reference, reference


def test_everything_that_is_started_is_used(compose: dict[str, Any]) -> None:
    variables = compose["services"]["studio"]["environment"]
    assert "@postgres/" in variables["MASQUERADE_DATABASE_URL"]
    assert "@redis:" in variables["MASQUERADE_BOT_REDIS_URL"]
    assert variables["AWS_ENDPOINT_URL_S3"].startswith("http://objects:")


def test_the_bucket_that_photos_go_to_is_made_before_the_studio_starts(compose: dict[str, Any]) -> None:
    bucket = compose["services"]["studio"]["environment"]["MASQUERADE_OBJECTS_URL"].split("/")[2]
    assert f"create_bucket(Bucket='{bucket}')" in compose["services"]["bucket"]["command"][-1]
    assert compose["services"]["studio"]["depends_on"]["bucket"]["condition"] == "service_completed_successfully"


def test_the_store_is_told_its_keys_in_the_file_every_release_reads(compose: dict[str, Any], tmp_path: Path) -> None:
    store = compose["services"]["objects"]
    script = store["entrypoint"][-1].replace("$$", "$").replace("/tmp/s3.json", str(tmp_path / "s3.json"))
    written = script.partition("exec ")[0]
    subprocess.run(["/bin/sh", "-ec", written], env={"S3_ACCESS_KEY": "id", "S3_SECRET_KEY": "key"}, check=True)
    (identity,) = json.loads((tmp_path / "s3.json").read_text())["identities"]
    assert identity["credentials"] == [{"accessKey": "id", "secretKey": "key"}]


def test_every_named_volume_is_declared(compose: dict[str, Any]) -> None:
    used = {
        volume.partition(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])
    }
    assert used == compose["volumes"].keys()


def test_everything_the_image_copies_is_there_and_let_through_to_the_builder(dockerfile: str) -> None:
    ignored = (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    copied = [
        name
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in ignored


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_an_image_runs_as_an_ordinary_user_from_a_lock_and_says_whether_it_is_well(
    dockerfile: str, target: str
) -> None:
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)
    (build,) = [stage for stage in stages if stage.splitlines()[0].endswith(f"AS {target}-build")]
    (final,) = [stage for stage in stages if stage.splitlines()[0].endswith(f"AS {target}")]
    assert f"--require-hashes -r requirements/{target}.txt" in build
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final, flags=re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert "pip install" not in final
