"""``serve_config.yaml``: the applications, and every deployment's share of the cluster."""

from __future__ import annotations

from typing import Any

from serve_app.rendering.flags import DATA_DIR, MODELS_DIR, PORT, RELEASE
from serve_app.settings import variable
from serve_app.topology import BOT, BOT_ROUTE, CLUSTER, GRAPH, IMPORT_PATH, TO_ORDER

HEADER = """\
Masquerade on a GPU cluster: `masquerade check serve_config.yaml && serve deploy serve_config.yaml`. Written by
`masquerade render`; a test holds it to the code. Sharing a GPU: the fractions of the deployments on it add up to one.
gpu_memory_mb is the most that each network of an engine may take of the card, not all of them together: models have to
fit by the memory_mb of their manifests, and a replica that takes more than its share all the same says so in its log.
Changing user_config, autoscaling_config, max_ongoing_requests or max_queued_requests is light; changing
ray_actor_options or args restarts replicas, new ones beside the old (max_surge_percent). Serve does not see that the code
behind import_path, or a secret, is another one: write another release (any text in quotes; the commit, say), in both
applications. ray_actor_options replaces the whole table: repeat num_cpus when you change num_gpus.
Replicas follow queue time and engine work (serve_app/scaling/policy.py): queue_s is what nobody should wait longer than.
A deployment whose model is not installed must be taken out; `check` says which. Masterpiece, whose model no studio comes
with, is not listed: where it is installed the deployment runs with what serve_app/topology.py says. The application "bot" needs
MASQUERADE_BOT_TOKEN, MASQUERADE_BOT_WEBHOOK_URL and MASQUERADE_BOT_WEBHOOK_SECRET in the nodes' environment, and
MASQUERADE_DATABASE_URL; without a bot, leave it out. Photos and results lie in data_dir, which all nodes have to share, or
in the bucket that objects_url (MASQUERADE_OBJECTS_URL in the nodes' environment, which the bot reads too) names:
s3://bucket/prefix."""

STUDIO = {
    "environment": "production",
    "profile": "cluster",
    "release": RELEASE,
    "models_dir": MODELS_DIR,
    "data_dir": DATA_DIR,
}


def serve_config() -> dict[str, Any]:
    """The document ``serve deploy`` takes, for the cluster profile."""
    return {
        "proxy_location": "EveryNode",
        # Behind a load balancer, in a network of its own.
        "http_options": {"host": "0.0.0.0", "port": PORT, "request_timeout_s": 120, "keep_alive_timeout_s": 75},  # noqa: S104
        "logging_config": {"encoding": "JSON", "log_level": "INFO"},
        "applications": [_graph(), _bot()],
    }


def _graph() -> dict[str, Any]:
    engines = {
        name: {"max_batch": shape.max_batch, "gpu_memory_mb": shape.memory_mb}
        for name, shape in CLUSTER.items()
        if shape.gpu or shape.max_batch > 1
    }
    return {
        "name": GRAPH,
        "route_prefix": "/",
        "import_path": IMPORT_PATH,
        "args": {**STUDIO, "engines": engines},
        "deployments": [{"name": name, **shape.options()} for name, shape in CLUSTER.items() if name not in TO_ORDER],
    }


def _bot() -> dict[str, Any]:
    """The Telegram bot by webhook. It takes no arguments: all its settings are variables, like its secrets."""
    studio = {variable(name): value for name, value in STUDIO.items()}
    return {
        "name": "bot",
        "route_prefix": BOT_ROUTE,
        "import_path": "bot.app:app",
        "runtime_env": {"env_vars": {**studio, "MASQUERADE_BOT_MODE": "webhook"}},
        "deployments": [{"name": "TelegramWebhook", **BOT["cluster"].options()}],
    }
