"""``deploy/compose.yaml``: the whole studio on one machine."""

from __future__ import annotations

from typing import Any

from serve_app.rendering.flags import PORT
from serve_app.rendering.image import HOME, PROBE

HEADER = """\
Masquerade on one machine: put MASQUERADE_ADMIN_KEY, POSTGRES_PASSWORD, REDIS_PASSWORD, S3_ACCESS_KEY and S3_SECRET_KEY
into deploy/.env (mode 600; `openssl rand -hex 24` for each), then
  docker compose -f deploy/compose.yaml run --rm studio masquerade models pull --starter
  docker compose -f deploy/compose.yaml up -d
Only the studio is published, on this machine's loopback: put your TLS proxy in front. Written by `masquerade render`."""


def compose() -> dict[str, Any]:
    """The document ``docker compose`` takes. Nothing starts with a secret missing: ``:?`` refuses an empty one."""
    database = "postgresql+asyncpg://studio:${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in deploy/.env}@postgres/studio"
    healthy = {"condition": "service_healthy"}
    return {
        "name": "masquerade",
        "services": {
            "studio": {
                "build": {"context": "..", "dockerfile": "deploy/Dockerfile", "target": "cpu"},
                "image": "masquerade:cpu",
                "environment": {
                    "MASQUERADE_ENVIRONMENT": "production",
                    "MASQUERADE_MODELS_DIR": f"{HOME}/models",
                    "MASQUERADE_DATA_DIR": f"{HOME}/data",
                    "MASQUERADE_ADMIN_KEY": "${MASQUERADE_ADMIN_KEY:?set MASQUERADE_ADMIN_KEY in deploy/.env}",
                    "MASQUERADE_DATABASE_URL": database,
                    # boto3 reads these: models whose manifest names an S3 source come from the store below.
                    "AWS_ENDPOINT_URL_S3": "http://objects:8333",
                    "AWS_ACCESS_KEY_ID": "${S3_ACCESS_KEY:?set S3_ACCESS_KEY in deploy/.env}",
                    "AWS_SECRET_ACCESS_KEY": "${S3_SECRET_KEY:?set S3_SECRET_KEY in deploy/.env}",
                    "AWS_DEFAULT_REGION": "us-east-1",
                },
                "ports": [f"127.0.0.1:{PORT}:{PORT}"],
                "volumes": [f"models:{HOME}/models", f"data:{HOME}/data"],
                "depends_on": {"postgres": healthy, "redis": healthy, "objects": healthy},
                "healthcheck": _health(["CMD", "python3", "-c", PROBE], start="180s"),
                # Ray's object store lives in shared memory; with Docker's 64 MB it would fall back to files.
                "shm_size": "2gb",
                "init": True,
                "stop_grace_period": "40s",
                "restart": "unless-stopped",
                "cap_drop": ["ALL"],
                "security_opt": ["no-new-privileges:true"],
            },
            "postgres": {
                "image": "postgres:17-alpine",
                "environment": {
                    "POSTGRES_DB": "studio",
                    "POSTGRES_USER": "studio",
                    "POSTGRES_PASSWORD": "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in deploy/.env}",
                },
                "volumes": ["postgres:/var/lib/postgresql/data"],
                "healthcheck": _health(["CMD", "pg_isready", "-U", "studio", "-d", "studio"]),
                "restart": "unless-stopped",
            },
            "redis": {
                "image": "redis:8-alpine",
                # Through the shell, so that the password stands in no process list of the host's compose command.
                "command": ["sh", "-c", 'exec redis-server --appendonly yes --requirepass "$$REDIS_PASSWORD"'],
                "environment": {"REDIS_PASSWORD": "${REDIS_PASSWORD:?set REDIS_PASSWORD in deploy/.env}"},
                "volumes": ["redis:/data"],
                "healthcheck": _health(["CMD-SHELL", 'REDISCLI_AUTH="$$REDIS_PASSWORD" redis-cli ping | grep -q PONG']),
                "restart": "unless-stopped",
            },
            "objects": {
                "image": "chrislusf/seaweedfs:3.97",
                "command": ["server", "-dir=/data", "-s3", "-s3.port=8333", "-ip.bind=0.0.0.0"],
                "environment": {
                    "AWS_ACCESS_KEY_ID": "${S3_ACCESS_KEY:?set S3_ACCESS_KEY in deploy/.env}",
                    "AWS_SECRET_ACCESS_KEY": "${S3_SECRET_KEY:?set S3_SECRET_KEY in deploy/.env}",
                },
                "volumes": ["objects:/data"],
                "healthcheck": _health(["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:8333/healthz"]),
                "restart": "unless-stopped",
            },
        },
        "volumes": {"models": {}, "data": {}, "postgres": {}, "redis": {}, "objects": {}},
    }


def _health(test: list[str], start: str = "30s") -> dict[str, Any]:
    return {"test": test, "interval": "10s", "timeout": "5s", "retries": 3, "start_period": start}
