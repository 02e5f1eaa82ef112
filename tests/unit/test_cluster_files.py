"""The files operators deploy from: what they say is what the code means, and every key is one Ray knows."""

from __future__ import annotations

import copy
import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.serve.schema import ServeDeploySchema

from serve_app.rendering import render_serve_config, serve_config
from serve_app.settings import Settings
from serve_app.topology import CLUSTER, EMBEDDED

ROOT = Path(__file__).parents[2]


def unknown_keys(document: Any, annotation: Any, path: str = "") -> list[str]:
    """Keys of ``document`` that the pydantic model behind ``annotation`` does not have, at any depth.

    Serve's own schema drops a misspelt key in silence, so this looks for what parsing would lose.
    """
    if isinstance(document, list):
        return [key for item in document for key in unknown_keys(item, annotation, f"{path}[]")]
    if not isinstance(document, dict):
        return []
    models = [model for model in _models(annotation) if issubclass(model, BaseModel)]
    if not models:
        return []
    fields: dict[str, Any] = {}
    for model in models:
        for name, field in model.model_fields.items():
            fields[field.alias or name] = field.annotation
    unknown = [f"{path}.{key}".lstrip(".") for key in document if key not in fields]
    for key, value in document.items():
        if key in fields:
            unknown += unknown_keys(value, fields[key], f"{path}.{key}")
    return unknown


def _models(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def test_the_checked_in_serve_config_is_the_rendered_one() -> None:
    assert (ROOT / "serve_config.yaml").read_text() == render_serve_config(), "run `masquerade render`"


def test_serve_accepts_the_config_and_knows_every_key() -> None:
    document = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    ServeDeploySchema.model_validate(document)
    assert unknown_keys(document, ServeDeploySchema) == []


@pytest.mark.parametrize(
    ("place", "key"),
    [((), "proxy_locations"), (("applications", 0), "import_paths"), (("applications", 0, "deployments", 1), "num_replica"),
     (("applications", 0, "deployments", 1, "autoscaling_config"), "min_replica"),
     (("applications", 0, "deployments", 1, "ray_actor_options"), "num_gpu"), (("http_options",), "ports")],
)  # fmt: skip
def test_a_misspelt_key_at_any_depth_is_found(place: tuple[str | int, ...], key: str) -> None:
    document = copy.deepcopy(serve_config())
    node: Any = document
    for step in place:
        node = node[step]
    node[key] = 1
    assert [path.rsplit(".", 1)[-1] for path in unknown_keys(document, ServeDeploySchema)] == [key]


def test_the_arguments_of_the_application_are_settings() -> None:
    application = serve_config()["applications"][0]
    settings = Settings(**application["args"])
    assert settings.profile == "cluster"
    assert settings.environment == "production"


def test_the_deployments_that_share_a_gpu_fill_it_exactly() -> None:
    shares = [shape.gpu for shape in CLUSTER.shapes.values() if shape.gpu]
    assert sum(shares) == pytest.approx(1.0)
    assert sum(shape.memory_mb for shape in CLUSTER.shapes.values()) < 24 * 1024


def test_both_profiles_shape_the_same_deployments() -> None:
    assert CLUSTER.shapes.keys() == EMBEDDED.shapes.keys()


def test_the_laptop_profile_asks_for_no_gpu() -> None:
    assert all(shape.gpu == 0 and shape.scaling is None for shape in EMBEDDED.shapes.values())


def test_ray_accepts_the_cluster_file() -> None:
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    validate_config(prepare_config(config))


def test_gpu_nodes_have_one_gpu_and_the_head_takes_no_work() -> None:
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    types = config["available_node_types"]
    assert {kind["resources"].get("GPU", 0) for kind in types.values()} == {0, 1}
    assert types[config["head_node_type"]]["resources"] == {"CPU": 0}
