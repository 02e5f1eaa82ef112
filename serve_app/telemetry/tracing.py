"""OpenTelemetry traces of the whole graph: one span in the proxy, the gateway and every deployment a request meets.

Serve makes the spans and carries the trace from process to process; what is decided here is where they go. It loads
:func:`otlp` in each of its processes when ``RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH`` names it. The collector's address
and headers are OpenTelemetry's own variables (``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_EXPORTER_OTLP_HEADERS``). A studio on
one machine sets these from its settings; on a cluster they have to be there when Ray starts.
"""

from __future__ import annotations

from typing import Any

from serve_app.settings import Settings

EXPORTER, SERVICE, SHARE = (
    "RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH",
    "OTEL_SERVICE_NAME",
    "RAY_SERVE_TRACING_SAMPLING_RATIO",
)
IMPORT_PATHS = {
    "file": "ray.serve._private.tracing_utils:default_tracing_exporter",
    "otlp": "serve_app.telemetry.tracing:otlp",
}


def environment(settings: Settings) -> dict[str, str]:
    """What Serve has to be started with for the traces that ``settings`` ask for."""
    if settings.traces == "off":
        return {}
    return {
        EXPORTER: IMPORT_PATHS[settings.traces],
        SERVICE: "masquerade",
        SHARE: str(settings.traces_share),
    }


def otlp(_file_name: str) -> list[Any]:
    """Span processors that send to an OpenTelemetry collector. Serve offers a file name, which is not needed."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return [BatchSpanProcessor(OTLPSpanExporter())]
