"""Dashboards and alerts speak of metrics that exist, in a language Prometheus reads, and every alert has its advice."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from serve_app.proxy.replay import WORK
from serve_app.telemetry.dashboards import DASHBOARDS, render_dashboard
from serve_app.telemetry.metrics import Metrics, metrics

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
EXPRESSIONS = {f"alert {rule['alert']}": rule["expr"] for rule in ALERTS} | {
    f"{dashboard.uid}: {panel.title}: {query.legend}": query.expr
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
    for query in panel.queries
}
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")


def ours() -> set[str]:
    return {f"ray_{getattr(metrics(), name).info['name']}" for name in Metrics.__slots__}


def rays() -> set[str]:
    """Names of the metrics that the installed Ray exports for Serve and for nodes."""
    ray = Path(str(files("ray")))
    sources = [*ray.glob("serve/_private/**/*.py"), ray / "dashboard/modules/reporter/reporter_agent.py"]
    text = "".join(source.read_text() for source in sources)
    return {f"ray_{name}" for name in re.findall(r'"((?:serve|node)_\w+)"', text)}


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_every_metric_that_is_named_is_exported(where: str) -> None:
    named = set(re.findall(r"\bray_\w+", EXPRESSIONS[where]))
    assert named
    for name in named:
        known = ours() if name.startswith("ray_masquerade_") else rays()
        assert name in known or SUFFIX.sub("", name) in known, name


@pytest.mark.parametrize("where", [where for where in EXPRESSIONS if "masquerade" in EXPRESSIONS[where]])
def test_every_label_of_ours_that_is_asked_for_is_given(where: str) -> None:
    given = {"le"}.union(*(getattr(metrics(), name).info["tag_keys"] for name in Metrics.__slots__))
    asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", EXPRESSIONS[where]))
    for by in re.findall(r"by \(([^)]*)\)", EXPRESSIONS[where]):
        asked |= {label.strip() for label in by.split(",")}
    assert asked <= given


def test_every_metric_of_ours_is_looked_at() -> None:
    looked_at = " ".join(EXPRESSIONS.values())
    unseen = {name for name in ours() if name not in looked_at}
    assert unseen == set(), "a metric nobody looks at costs every scrape"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_the_checked_in_dashboards_are_the_rendered_ones(dashboard) -> None:
    text = (ROOT / f"deploy/grafana/{dashboard.uid}.json").read_text()
    assert text == render_dashboard(dashboard), "run `masquerade render`"
    places = [tuple(panel["gridPos"].items()) for panel in json.loads(text)["panels"]]
    assert len(set(places)) == len(places)


def test_every_alert_says_what_to_do() -> None:
    advice = (ROOT / "docs/alerts.md").read_text()
    for rule in ALERTS:
        assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"
        assert f"\n## {rule['alert']}\n" in advice
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_accepts_the_alerts_and_every_expression(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    rules = [
        {"record": f"studio:expression:{number}", "expr": expr.replace("$__rate_interval", "1m")}
        for number, expr in enumerate(EXPRESSIONS.values())
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    for file in (ROOT / "deploy/prometheus/alerts.yaml", tmp_path / "all.yaml"):
        ran = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_an_alert_about_a_node_names_it() -> None:
    """Ray's agent labels what it measures of a node with ``ip``; counts of workers have ``NodeAddress``."""
    agent = (Path(str(files("ray"))) / "dashboard/modules/reporter/reporter_agent.py").read_text()
    assert 'tags={"ip": ip' in agent or '"ip": ip' in agent
    of_nodes = [rule for rule in ALERTS if "ray_node_" in rule["expr"]]
    assert len(of_nodes) == 3
    assert {tuple(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) for rule in of_nodes} == {("ip",)}


def test_probes_and_page_files_count_neither_above_nor_below_the_line() -> None:
    panel = next(panel for dashboard in DASHBOARDS for panel in dashboard.panels if panel.title == "Failed requests")
    for query in panel.queries:
        assert query.expr.count('feature!~"probe|page"') == query.expr.count("ray_masquerade_requests_total") == 2


def test_whatever_people_wait_for_is_watched_for_slowness() -> None:
    (rule,) = [rule for rule in ALERTS if rule["alert"] == "RequestsSlow"]
    (watched,) = re.findall(r'feature=~"([^"]+)"', rule["expr"])
    assert {f"/v1/{feature}" for feature in watched.split("|")} == WORK


BROKEN = {
    "ApplicationFailed": ("ray_serve_application_status", {"application": "graph"}),
    "DeploymentUnhealthy": ("ray_serve_deployment_status", {"deployment": "Swap", "application": "graph"}),
}


@pytest.mark.parametrize("alert", BROKEN)
@pytest.mark.parametrize(("status", "fires"), [(1, True), (2, True), (0, False), (3, False), (6, False)])
def test_what_stays_broken_is_told_of(tmp_path: Path, alert: str, status: int, fires: bool) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    metric, labels = BROKEN[alert]
    told = {"exp_labels": labels | {"severity": "page"}, "exp_annotations": {}} if fires else None
    rule = next(rule for rule in ALERTS if rule["alert"] == alert) | {"annotations": {}}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": [rule]}]}))
    given = ",".join(f'{name}="{value}"' for name, value in labels.items())
    series = {"series": f"{metric}{{{given}}}", "values": f"{status}x20"}
    asked = {"eval_time": "3m", "alertname": alert, "exp_alerts": [told] if told else []}
    case = {"interval": "15s", "input_series": [series], "alert_rule_test": [asked]}
    (tmp_path / "case.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [case]}))
    ran = subprocess.run(
        [promtool, "test", "rules", tmp_path / "case.yaml"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
