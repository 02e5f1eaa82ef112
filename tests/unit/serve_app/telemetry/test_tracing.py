"""Traces are off until asked for, go where OpenTelemetry's own variables say, and are made by Serve."""

from __future__ import annotations

import importlib

import pytest
from pydantic import ValidationError

from serve_app.settings import Settings
from serve_app.telemetry import tracing

VARIABLE = "RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH"


def test_traces_are_off_until_asked_for() -> None:
    assert tracing.environment(Settings()) == {}
    with pytest.raises(ValidationError):
        Settings(traces="everywhere")
    with pytest.raises(ValidationError):
        Settings(traces="otlp", traces_share=1.5)


@pytest.mark.parametrize("kind", ["file", "otlp"])
def test_what_serve_is_told_to_load_is_there(kind: str) -> None:
    told = tracing.environment(Settings(traces=kind, traces_share=0.25))
    module, _, name = told[VARIABLE].partition(":")
    assert callable(getattr(importlib.import_module(module), name))
    assert told["RAY_SERVE_TRACING_SAMPLING_RATIO"] == "0.25"
    assert told["OTEL_SERVICE_NAME"] == "masquerade"


def test_serve_reads_the_variables_we_set() -> None:
    from ray.serve._private import constants

    assert hasattr(constants, VARIABLE)
    assert hasattr(constants, "RAY_SERVE_TRACING_SAMPLING_RATIO")


def test_spans_go_to_the_collector_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    (processor,) = tracing.otlp("unused.json")
    try:
        assert processor.span_exporter._endpoint == "http://collector:4318/v1/traces"
    finally:
        processor.shutdown()
