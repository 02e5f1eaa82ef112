"""What is deployed again under another release is new: its code, and the secrets that come from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from serve_app.settings import variable

NAME = "telling"
KEYS = ("the-first-key-of-24-letters", "the-second-key-of-24-letters")


def deploy(file: Path, **arguments: str) -> None:
    application: dict[str, Any] = {
        "name": NAME,
        "route_prefix": None,
        "import_path": "tests.integration.serving.telling:app",
        "args": arguments,
        "runtime_env": {"env_vars": {f"{variable('admin_key')}_FILE": str(file)}},
    }
    client = _get_global_client()
    client.deploy_apps(ServeDeploySchema.model_validate({"applications": [application]}), _blocking=True)


async def test_another_release_takes_new_secrets_from_their_files_and_the_same_again_does_not(
    local_serve: None, tmp_path: Path
) -> None:
    file = tmp_path / "admin_key"
    file.write_text(KEYS[0])
    deploy(file, release="1")
    telling = serve.get_app_handle(NAME)
    assert await telling.remote() == ("1", KEYS[0])
    file.write_text(KEYS[1])
    deploy(file, release="1")
    assert await telling.remote() == ("1", KEYS[0])
    deploy(file, release="2")
    assert await telling.remote() == ("2", KEYS[1])
    serve.delete(NAME)
