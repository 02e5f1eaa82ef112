"""``serve_config.yaml`` from the topology, so that the file operators edit and the code can be held against each other."""

from __future__ import annotations

from typing import Any

import yaml

from serve_app.topology import BOT, BOT_ROUTE, CLUSTER

HEADER = """\
# Masquerade on a GPU cluster: `serve deploy serve_config.yaml`. Written by `masquerade render`; a test holds it to the
# code. Sharing a GPU: the fractions of Moderation, Style, Faces and Swap add up to one, and each engine may take that
# share of the card's memory and no more. Changing user_config, autoscaling_config, max_ongoing_requests or
# max_queued_requests is light; changing ray_actor_options restarts that deployment's replicas.
# ray_actor_options replaces the whole table: repeat num_cpus when you change num_gpus.
# The application "bot" needs MASQUERADE_BOT_TOKEN, MASQUERADE_BOT_WEBHOOK_URL and MASQUERADE_BOT_WEBHOOK_SECRET in the
# nodes' environment (secrets do not belong in a file), and MASQUERADE_DATABASE_URL; without a bot, leave it out.
"""

STUDIO = {"environment": "production", "profile": "cluster", "models_dir": "/srv/masquerade/models"}


def serve_config() -> dict[str, Any]:
    """The document ``serve deploy`` takes, for the cluster profile."""
    deployments = [{"name": name, **shape.options()} for name, shape in CLUSTER.shapes.items()]
    return {
        "proxy_location": "EveryNode",
        # Behind a load balancer, in a network of its own.
        "http_options": {"host": "0.0.0.0", "port": 8000, "request_timeout_s": 120, "keep_alive_timeout_s": 75},  # noqa: S104
        "logging_config": {"encoding": "JSON", "log_level": "INFO"},
        "applications": [
            {
                "name": "graph",
                "route_prefix": "/",
                "import_path": "serve_app.app:from_config",
                "args": dict(STUDIO),
                "deployments": deployments,
            },
            _bot(),
        ],
    }


def _bot() -> dict[str, Any]:
    """The Telegram bot by webhook. It takes no arguments: all its settings are variables, like its secrets."""
    studio = {f"MASQUERADE_{name.upper()}": value for name, value in STUDIO.items()}
    return {
        "name": "bot",
        "route_prefix": BOT_ROUTE,
        "import_path": "bot.app:app",
        "runtime_env": {"env_vars": {**studio, "MASQUERADE_BOT_MODE": "webhook"}},
        "deployments": [{"name": "TelegramWebhook", **BOT["cluster"].options()}],
    }


def render_serve_config() -> str:
    """The text of ``serve_config.yaml``."""
    return HEADER + yaml.safe_dump(serve_config(), sort_keys=False, width=120)
