"""The files operators deploy from: what they say is what the code means, and every key is one Ray knows."""

from __future__ import annotations

import copy
import re
import subprocess
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.serve.schema import ServeDeploySchema

from serve_app.app import MODEL_DEPLOYMENTS
from serve_app.checking.keys import unknown_keys
from serve_app.rendering import rendered
from serve_app.rendering.flags import CLUSTER_FLAGS
from serve_app.rendering.serving import STUDIO, serve_config
from serve_app.settings import EngineLimits, Settings
from serve_app.topology import CLUSTER, EMBEDDED, Topology, limited

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", rendered())
def test_the_checked_in_file_is_the_rendered_one(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == rendered()[path], "run `masquerade render`"


def test_serve_accepts_the_config_and_knows_every_key() -> None:
    document = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    ServeDeploySchema.model_validate(document)
    assert list(unknown_keys(document, ServeDeploySchema)) == []


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
    assert [found for found, _ in unknown_keys(document, ServeDeploySchema)] == [(*place, key)]


def test_the_arguments_of_the_application_are_settings() -> None:
    graph = serve_config()["applications"][0]
    settings = Settings(**graph["args"])
    assert settings.profile == "cluster"
    assert settings.environment == "production"
    assert limited(CLUSTER, settings.engines) == {
         name: replace(shape, gpu_memory_mb=shape.memory_mb) if name in settings.engines else shape
         for name, shape in CLUSTER.items()
    }  # fmt: skip


def test_limits_stand_only_where_an_engine_reads_them() -> None:
    """Anonymize has no model and takes pictures one by one."""
    readers = {kind.__name__ for kind in MODEL_DEPLOYMENTS.values()}
    assert serve_config()["applications"][0]["args"]["engines"].keys() <= readers


def test_limits_for_a_deployment_there_is_none_of_are_refused() -> None:
    with pytest.raises(ValueError, match="no deployment called Styles"):
        limited(CLUSTER, {"Styles": EngineLimits(max_batch=2)})


@pytest.mark.parametrize("topology", [CLUSTER, EMBEDDED])
def test_a_number_of_replicas_that_was_set_does_not_follow_the_load(topology: Topology) -> None:
    options = limited(topology, {"Style": EngineLimits(replicas=3)})["Style"].options()
    assert options["num_replicas"] == 3
    assert "autoscaling_config" not in options


def test_there_is_one_to_look_after_versions() -> None:
    with pytest.raises(ValueError, match="there is one Versions"):
        limited(EMBEDDED, {"Versions": EngineLimits(replicas=2)})


def test_both_applications_are_importable_where_the_file_says() -> None:
    for application in serve_config()["applications"]:
        module, _, name = application["import_path"].partition(":")
        assert find_spec(module) is not None
        assert name == "app"


def test_the_deployments_that_share_a_gpu_fill_it_exactly() -> None:
    shares = [shape.gpu for shape in CLUSTER.values() if shape.gpu]
    assert sum(shares) == pytest.approx(1.0)
    assert sum(shape.memory_mb for shape in CLUSTER.values()) < 24 * 1024


def test_another_release_is_one_for_both_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    for release in ("1", "2"):
        monkeypatch.setitem(STUDIO, "release", release)
        graph, bot = ServeDeploySchema.model_validate(serve_config()).applications
        assert graph.args["release"] == Settings(**graph.args).release == release
        assert bot.runtime_env["env_vars"]["MASQUERADE_RELEASE"] == release
        for name, value in bot.runtime_env["env_vars"].items():
            monkeypatch.setenv(name, value)
        assert Settings().release == release


def test_both_profiles_shape_the_same_deployments() -> None:
    assert CLUSTER.keys() == EMBEDDED.keys()


def test_the_laptop_profile_asks_for_no_gpu_and_scales_only_what_may_rest_at_none() -> None:
    assert all(shape.gpu == 0 for shape in EMBEDDED.values())
    assert {name for name, shape in EMBEDDED.items() if shape.scaling is not None} == {"Masterpiece"}


@pytest.fixture
def launcher() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return document


def test_ray_accepts_the_cluster_file(launcher: dict[str, Any]) -> None:
    validate_config(prepare_config(launcher))


def test_a_misspelt_key_of_the_cluster_file_is_refused(launcher: dict[str, Any]) -> None:
    launcher["idle_timeout_minute"] = 5
    with pytest.raises(jsonschema.ValidationError, match="idle_timeout_minute"):
        validate_config(prepare_config(launcher))


def test_gpu_nodes_have_one_gpu_and_the_head_takes_no_work(launcher: dict[str, Any]) -> None:
    types = launcher["available_node_types"]
    assert {kind["resources"].get("GPU", 0) for kind in types.values()} == {0, 1}
    assert types[launcher["head_node_type"]]["resources"] == {"CPU": 0}


def test_there_are_gpus_on_demand_and_spot_and_every_type_has_a_range(launcher: dict[str, Any]) -> None:
    types = launcher["available_node_types"]
    assert {kind["labels"].get("market") for kind in types.values() if kind["resources"].get("GPU")} == {
        "on-demand",
        "spot",
    }
    assert all(0 <= kind["min_workers"] <= kind["max_workers"] for name, kind in types.items() if name != "head")


def test_every_node_starts_ray_with_tokens_on_and_the_message_limit_raised(launcher: dict[str, Any]) -> None:
    for commands in (launcher["head_start_ray_commands"], launcher["worker_start_ray_commands"]):
        start = commands[-1]
        assert all(f"{name}={value}" in start for name, value in CLUSTER_FLAGS.items())
        assert "RAY_AUTH_MODE=token" in start
    assert "--dashboard-host=127.0.0.1" in launcher["head_start_ray_commands"][-1]


def test_the_head_forgets_nothing_because_redis_remembers(launcher: dict[str, Any]) -> None:
    assert "RAY_external_storage_namespace=masquerade" in launcher["head_start_ray_commands"][-1]


@pytest.mark.parametrize("path", rendered())
def test_secrets_are_named_and_never_written(path: str) -> None:
    for name, value in re.findall(
        r"^[ -]*([A-Z0-9_]*(?:PASSWORD|TOKEN|KEY|SECRET)): *(.+)$", rendered()[path], re.MULTILINE
    ):
        assert value == "null" or value.startswith("${"), f"{name} has a value"


def test_the_machines_are_new_enough_for_what_is_installed_on_them(launcher: dict[str, Any]) -> None:
    # Ray takes `latest_dlami` for Ubuntu 18.04: no Python 3.11, an old C library, a driver before CUDA 13.
    images = {kind["node_config"]["ImageId"] for kind in launcher["available_node_types"].values()}
    assert len(images) == 1
    assert "ubuntu-24.04" in images.pop()


def test_redis_is_asked_with_its_password(launcher: dict[str, Any]) -> None:
    # Ray reads the address from the environment, and the password from the command line only.
    assert '--redis-password="$RAY_REDIS_PASSWORD"' in launcher["head_start_ray_commands"][-1]


def test_whoever_logs_in_finds_the_commands_and_they_show_the_token(launcher: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("# as the machine comes\n")
    (command,) = [one for one in launcher["setup_commands"] if ".bashrc" in one]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    for _ in range(2):
        subprocess.run(["bash", "-c", command], env=environment, check=True)
    told = subprocess.run(
        ["bash", "-c", "source ~/.bashrc; echo $RAY_AUTH_MODE $PATH"], env=environment, capture_output=True, text=True
    ).stdout
    assert told == f"token /usr/bin:/bin:{tmp_path}/masquerade/.venv/bin\n"


def test_the_shared_file_system_can_be_mounted_and_written_to(launcher: dict[str, Any]) -> None:
    commands = launcher["setup_commands"]
    (tools,) = [number for number, one in enumerate(commands) if "nfs-common" in one]
    (mount,) = [number for number, one in enumerate(commands) if "mount -t nfs4" in one]
    (owner,) = [number for number, one in enumerate(commands) if "install -d -o" in one]
    assert tools < mount < owner
    for folder in ("models_dir", "data_dir"):
        assert serve_config()["applications"][0]["args"][folder] in commands[owner]
