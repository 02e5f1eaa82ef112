"""Environment variables of every Ray process in a cluster. Ray reads them once, when the process starts."""

from __future__ import annotations

from serve_app.serve_flags import SERVE_FLAGS
from serve_app.settings import SECRETS, variable
from serve_app.telemetry.tracing import EXPORTER, SERVICE, SHARE

PORT = 8000
# KubeRay's own choice, and the same in compose.
METRICS_PORT = 8080
# Where Kubernetes' nodes pull from, without the tag: ``registry.example/masquerade``.
IMAGE = "masquerade"
# Another one (any text; the commit, say) has all replicas replaced: Serve does not see that code or secrets are other ones.
RELEASE = "1"
MODELS_DIR = "/srv/masquerade/models"
DATA_DIR = "/srv/masquerade/data"
GCS_NAMESPACE = "masquerade"

# A burst is to be seen within seconds: loads are noted every 0.6 s (0.05 of the look-back), and told every second
# (``metrics_interval_s`` of each deployment).
SCALING_FLAGS = {"RAY_SERVE_AUTOSCALING_METRIC_RECORD_INTERVAL_FACTOR": "0.05"}
# Nodes come from two images, built on different days: one with CUDA has its distribution's Python, one without the newest
# of its series. Ray would turn away whoever differs in the last number, which changes neither bytecode nor pickles.
JOINING_FLAGS = {"RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL": "minor"}
CLUSTER_FLAGS = {**SERVE_FLAGS, **SCALING_FLAGS, **JOINING_FLAGS}

# Names only: values come from a secret store or a file, never from what is checked in.
SECRET_VARIABLES = tuple(map(variable, SECRETS))
# Set where photos and results are to lie in a bucket rather than on the shared file system; the last four are boto3's.
OBJECTS = (
    "MASQUERADE_OBJECTS_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
)
# Set where the graph is to be traced; the last two are OpenTelemetry's.
TRACES = (EXPORTER, SERVICE, SHARE, "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS")
BOT_VARIABLES = (
    "MASQUERADE_BOT_TOKEN",
    "MASQUERADE_BOT_WEBHOOK_URL",
    "MASQUERADE_BOT_WEBHOOK_SECRET",
    "MASQUERADE_BOT_REDIS_URL",
)
