"""The Grafana dashboards, written down once: ``masquerade render`` turns them into ``deploy/grafana/*.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["reqps", "s", "percentunit", "short", "bytes"]

COLUMNS, WIDTH, HEIGHT = 2, 12, 8


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and what its lines are called (Grafana's ``{{label}}`` form)."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot."""

    title: str
    unit: Unit
    queries: tuple[Query, ...]
    note: str = ""
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of plots; ``uid`` is its file name."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _quantile(share: float, metric: str, by: str, where: str = "") -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{where}[$__rate_interval])))"


_WORKS = 'feature!~"probe|page"'
WORK = f"{{{_WORKS}}}"
# The gateway asks what looks after versions every two seconds.
CAPABILITIES = '{deployment!="the versions"}'

STUDIO = Dashboard(
    "studio",
    "Masquerade · what people get",
    (
        Panel(
            "Requests by feature",
            "reqps",
            (Query(f"sum by (feature) (rate(ray_masquerade_requests_total{WORK}[$__rate_interval]))", "{{feature}}"),),
            "HTTP requests a second, probes and page files left out.",
            stacked=True,
        ),
        Panel(
            "Answers by status",
            "reqps",
            (Query(f"sum by (status) (rate(ray_masquerade_requests_total{WORK}[$__rate_interval]))", "{{status}}"),),
            "4xx are requests we refuse, 429 those we have no room for, 5xx are our fault.",
            stacked=True,
        ),
        Panel(
            "Half of the requests take less than",
            "s",
            (Query(_quantile(0.5, "ray_masquerade_request_seconds", "feature", WORK), "{{feature}}"),),
        ),
        Panel(
            "95 of 100 requests take less than",
            "s",
            (Query(_quantile(0.95, "ray_masquerade_request_seconds", "feature", WORK), "{{feature}}"),),
        ),
        Panel(
            "Failed requests",
            "percentunit",
            (
                Query(
                    f'(sum(rate(ray_masquerade_requests_total{{{_WORKS},status=~"5.."}}[$__rate_interval])) or vector(0)) '
                    f"/ sum(rate(ray_masquerade_requests_total{WORK}[$__rate_interval]))",
                    "5xx",
                ),
                Query(
                    f'(sum(rate(ray_masquerade_requests_total{{{_WORKS},status="429"}}[$__rate_interval])) or vector(0)) '
                    f"/ sum(rate(ray_masquerade_requests_total{WORK}[$__rate_interval]))",
                    "429",
                ),
            ),
        ),
        Panel(
            "Jobs in the ledger",
            "short",
            (Query("max by (channel, state) (ray_masquerade_jobs)", "{{channel}} {{state}}"),),
        ),
        Panel(
            "Age of the job that waits longest",
            "s",
            (Query("max by (channel) (ray_masquerade_oldest_job_seconds)", "{{channel}}"),),
        ),
        Panel(
            "Keys refused",
            "reqps",
            (
                Query(
                    'sum by (status) (rate(ray_masquerade_requests_total{status=~"401|403"}[$__rate_interval]))',
                    "{{status}}",
                ),
            ),
            "401: no key, or one that is not ours. 403: a key outside its scopes.",
        ),
    ),
)

GRAPH = Dashboard(
    "graph",
    "Masquerade · the graph behind it",
    (
        Panel(
            "Calls by deployment",
            "reqps",
            (
                Query(
                    f"sum by (deployment) (rate(ray_masquerade_calls_total{CAPABILITIES}[$__rate_interval]))",
                    "{{deployment}}",
                ),
            ),
            "What people asked for; the studio's own questions how it is are left out.",
        ),
        Panel(
            "95 of 100 calls take less than",
            "s",
            (Query(_quantile(0.95, "ray_masquerade_call_seconds", "deployment", CAPABILITIES), "{{deployment}}"),),
            "As the gateway feels it, with the wait for a replica.",
        ),
        Panel(
            "Waiting for a replica",
            "short",
            (Query("sum by (deployment) (ray_serve_deployment_queued_queries)", "{{deployment}}"),),
        ),
        Panel(
            "In hand",
            "short",
            (Query("sum by (deployment) (ray_serve_replica_processing_queries)", "{{deployment}}"),),
        ),
        Panel(
            "Replicas that are well",
            "short",
            (Query("sum by (deployment) (ray_serve_deployment_replica_healthy)", "{{deployment}}"),),
        ),
        Panel(
            "Replicas wanted",
            "short",
            (Query("max by (deployment) (ray_serve_autoscaling_target_replicas)", "{{deployment}}"),),
        ),
        Panel(
            "Calls that did not end well",
            "reqps",
            (
                Query(
                    'sum by (deployment, outcome) (rate(ray_masquerade_calls_total{outcome!="ok"}[$__rate_interval]))',
                    "{{deployment}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            "Calls made again",
            "reqps",
            (
                Query(
                    "sum by (deployment) (rate(ray_masquerade_call_retries_total[$__rate_interval]))", "{{deployment}}"
                ),
            ),
            "A replica went away in the middle.",
        ),
        Panel(
            "Processors and memory",
            "percentunit",
            (
                Query("avg(ray_node_cpu_utilization) / 100", "processors"),
                Query("sum(ray_node_mem_used) / sum(ray_node_mem_total)", "memory"),
            ),
        ),
        Panel(
            "GPUs",
            "percentunit",
            (
                Query("avg(ray_node_gpus_utilization) / 100", "busy"),
                Query("sum(ray_node_gram_used) / (sum(ray_node_gram_used) + sum(ray_node_gram_available))", "memory"),
            ),
        ),
    ),
)

DASHBOARDS = (STUDIO, GRAPH)


def render_dashboard(dashboard: Dashboard) -> str:
    """The text of the dashboard's file."""
    return json.dumps(_document(dashboard), indent=2, ensure_ascii=False) + "\n"


def _document(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "uid": f"masquerade-{dashboard.uid}",
        "title": dashboard.title,
        "tags": ["masquerade"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(dashboard.panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.note,
        "datasource": source,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": {
                    "lineWidth": 2,
                    "fillOpacity": 25 if panel.stacked else 0,
                    "stacking": {"mode": "normal" if panel.stacked else "none"},
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": source, "expr": query.expr, "legendFormat": query.legend}
            for index, query in enumerate(panel.queries)
        ],
    }
