"""``deploy/compose.yaml``: the whole studio on one machine."""

from __future__ import annotations

from typing import Any

from serve_app.rendering.flags import METRICS_PORT, PORT
from serve_app.rendering.image import HOME, PROBE

HEADER = """\
Masquerade on one machine: put MASQUERADE_ADMIN_KEY, POSTGRES_PASSWORD, REDIS_PASSWORD, S3_ACCESS_KEY and S3_SECRET_KEY
into deploy/.env (mode 600; `openssl rand -hex 24` for each), then
  docker compose -f deploy/compose.yaml run --rm studio masquerade models pull --starter
  docker compose -f deploy/compose.yaml up -d
  docker compose -f deploy/compose.yaml exec studio masquerade keys create gallery-app
Only the studio is published, on this machine's loopback: put your TLS proxy in front. Any other setting (MASQUERADE_*) may
stand in deploy/.env too. With MASQUERADE_COMMAND=bot and MASQUERADE_BOT_TOKEN there the same container is the Telegram bot
as well, by polling; what the starter models make may not be sold, so give it away with MASQUERADE_BOT_TARIFF__PACKS=[] and
MASQUERADE_BOT_TARIFF__SUBSCRIPTION=null. Photos and results lie in the bucket. Nobody outside reaches http://objects:8333,
so clients send pictures inside requests, not past them (/v1/uploads). Metrics are at http://studio:8080/metrics for a
Prometheus in this network.
Written by `masquerade render`."""

BUCKET = "studio"
_MAKE_BUCKET = (
    "import boto3; store = boto3.client('s3'); "
    f"'{BUCKET}' in [one['Name'] for one in store.list_buckets()['Buckets']] or store.create_bucket(Bucket='{BUCKET}')"
)
# Not by AWS_ACCESS_KEY_ID: releases differ in whether they read it.
_START_STORE = """\
printf '{"identities":[{"name":"studio","credentials":[{"accessKey":"%s","secretKey":"%s"}],\
"actions":["Admin","Read","Write","List","Tagging"]}]}' "$$S3_ACCESS_KEY" "$$S3_SECRET_KEY" > /tmp/s3.json
exec weed server -dir=/data -s3 -s3.port=8333 -s3.config=/tmp/s3.json -ip.bind=0.0.0.0"""


def compose() -> dict[str, Any]:
    """The document ``docker compose`` takes. Nothing starts with a secret missing: ``:?`` refuses an empty one."""
    database = "postgresql+asyncpg://studio:${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in deploy/.env}@postgres/studio"
    healthy = {"condition": "service_healthy"}
    image = {"build": {"context": "..", "dockerfile": "deploy/Dockerfile", "target": "cpu"}, "image": "masquerade:cpu"}
    # boto3 reads these.
    store = {
        "AWS_ENDPOINT_URL_S3": "http://objects:8333",
        "AWS_ACCESS_KEY_ID": "${S3_ACCESS_KEY:?set S3_ACCESS_KEY in deploy/.env}",
        "AWS_SECRET_ACCESS_KEY": "${S3_SECRET_KEY:?set S3_SECRET_KEY in deploy/.env}",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return {
        "name": "masquerade",
        "services": {
            "studio": {
                **image,
                "command": ["masquerade", "${MASQUERADE_COMMAND:-serve}"],
                # Every setting an operator writes there counts; what stands below wins.
                "env_file": ".env",
                "environment": {
                    "MASQUERADE_ENVIRONMENT": "production",
                    "MASQUERADE_HOST": "0.0.0.0",  # noqa: S104 - of the container
                    "MASQUERADE_METRICS_PORT": str(METRICS_PORT),
                    "MASQUERADE_MODELS_DIR": f"{HOME}/models",
                    "MASQUERADE_DATA_DIR": f"{HOME}/data",
                    "MASQUERADE_ADMIN_KEY": "${MASQUERADE_ADMIN_KEY:?set MASQUERADE_ADMIN_KEY in deploy/.env}",
                    "MASQUERADE_DATABASE_URL": database,
                    "MASQUERADE_OBJECTS_URL": f"s3://{BUCKET}/photos",
                    "MASQUERADE_BOT_REDIS_URL": "redis://:${REDIS_PASSWORD:?set REDIS_PASSWORD in deploy/.env}@redis:6379/0",
                    **store,
                },
                "ports": [f"127.0.0.1:{PORT}:{PORT}"],
                "volumes": [f"models:{HOME}/models", f"data:{HOME}/data"],
                "depends_on": {
                    "postgres": healthy,
                    "redis": healthy,
                    "bucket": {"condition": "service_completed_successfully"},
                },
                "healthcheck": _health(["CMD", "python3", "-c", PROBE], start="180s"),
                # Ray's object store lives in shared memory; with Docker's 64 MB it would fall back to files.
                "shm_size": "512mb",
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
                "entrypoint": ["/bin/sh", "-ec", _START_STORE],
                "environment": {
                    "S3_ACCESS_KEY": store["AWS_ACCESS_KEY_ID"],
                    "S3_SECRET_KEY": store["AWS_SECRET_ACCESS_KEY"],
                },
                "volumes": ["objects:/data"],
                "healthcheck": _health(["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:8333/healthz"]),
                "restart": "unless-stopped",
            },
            # Once, and again at every start without harm.
            "bucket": {
                **image,
                "command": ["python3", "-c", _MAKE_BUCKET],
                "environment": store,
                "depends_on": {"objects": healthy},
                # The image's would ask for a studio.
                "healthcheck": {"disable": True},
                "restart": "on-failure",
                "cap_drop": ["ALL"],
                "security_opt": ["no-new-privileges:true"],
            },
        },
        "volumes": {"models": {}, "data": {}, "postgres": {}, "redis": {}, "objects": {}},
    }


def _health(test: list[str], start: str = "30s") -> dict[str, Any]:
    return {"test": test, "interval": "10s", "timeout": "5s", "retries": 3, "start_period": start}
