"""What an operator reads: rates from two looks at counters, percentiles as Prometheus has them, one row a deployment."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from starlette.testclient import TestClient
from typer.testing import CliRunner

from deployments.slots import ModelSet, SlotStatus
from serve_app.commands import top
from serve_app.status.board import Served, StatusBoard
from serve_app.status.figures import (
    CALL_SECONDS,
    CALLS,
    REQUEST_SECONDS,
    REQUESTS,
    Look,
    load,
    node_share,
    parse,
    quantile,
)
from serve_app.telemetry.dashboards import DASHBOARDS

PAGE = """\
# HELP ray_masquerade_calls_total calls
# TYPE ray_masquerade_calls_total counter
ray_masquerade_calls_total{{deployment="style",outcome="ok",WorkerId="a"}} {a}
ray_masquerade_calls_total{{deployment="style",outcome="ok",WorkerId="b"}} {b}
ray_masquerade_calls_total{{deployment="style",outcome="busy",WorkerId="a"}} {errors}
ray_serve_deployment_queued_queries{{deployment="Style",handle="x"}} 3.0
ray_serve_replica_processing_queries{{deployment="Style",replica="a"}} 2.0
ray_masquerade_call_seconds_bucket{{deployment="style",WorkerId="a",le="0.1"}} {fast}
ray_masquerade_call_seconds_bucket{{deployment="style",WorkerId="a",le="+Inf"}} {a}
ray_node_cpu_utilization{{ip="n1"}} 50.0
ray_node_cpu_utilization{{ip="n2"}} 100.0
ray_node_mem_used{{ip="n1"}} 3.0
ray_node_mem_total{{ip="n1"}} 12.0
ray_something_else{{x="y"}} 1.0
"""


def look(time: float, **values: float) -> Look:
    return Look(time, parse(PAGE.format(**({"a": 0, "b": 0, "errors": 0, "fast": 0} | values))))


def test_rates_are_increases_over_the_time_between_two_looks() -> None:
    style = load("Style", look(30, a=130, b=20, errors=5, fast=130), look(20, a=100, b=10, fast=100))
    assert (style.rps, style.errors_per_s) == (4.5, 0.5)
    assert (style.ongoing, style.queued) == (2, 3)
    assert style.p50_ms == 50.0


def test_without_an_earlier_look_there_are_percentiles_and_no_rates() -> None:
    style = load("Style", look(30, a=10, fast=10), None)
    assert style.rps is None
    assert style.p95_ms == pytest.approx(95.0)


def test_a_replica_that_began_anew_counts_from_nothing() -> None:
    assert load("Style", look(30, a=5, b=10), look(20, a=100, b=10)).rps == 0.5


def test_counts_of_a_node_that_was_not_seen_before_are_no_increase() -> None:
    now = parse('ray_masquerade_calls_total{deployment="style",outcome="ok",NodeAddress="new"} 900')
    before = parse('ray_masquerade_calls_total{deployment="style",outcome="ok",NodeAddress="old"} 1')
    assert load("Style", Look(30, now), Look(20, before)).rps == 0.0


def test_a_deployment_that_did_nothing_has_nothing_to_say() -> None:
    idle = load("Swap", look(30), look(20))
    assert (idle.rps, idle.p50_ms, idle.queued) == (0.0, None, 0)


@pytest.mark.parametrize(("outcome", "fault"), [("busy", 1), ("unavailable", 1), ("internal", 1), ("no-face", 0)])
def test_what_the_sender_got_wrong_is_no_error_of_the_studio(outcome: str, fault: int) -> None:
    page = f'ray_masquerade_calls_total{{deployment="swap",outcome="{outcome}"}} '
    swap = load("Swap", Look(30, parse(f"{page} 20")), Look(20, parse(f"{page} 10")))
    assert (swap.rps, swap.errors_per_s) == (1.0, fault)


OVER_HTTP = """\
ray_masquerade_requests_total{{feature="style",status="200"}} {painted}
ray_masquerade_requests_total{{feature="style",status="422"}} {painted}
ray_masquerade_requests_total{{feature="style",status="503"}} {failed}
ray_masquerade_requests_total{{feature="status",status="200"}} {looked}
ray_masquerade_requests_total{{feature="probe",status="503"}} {looked}
ray_masquerade_request_seconds_bucket{{feature="style",le="0.1"}} 0
ray_masquerade_request_seconds_bucket{{feature="style",le="+Inf"}} {painted}
ray_masquerade_request_seconds_bucket{{feature="probe",le="0.1"}} {looked}
ray_masquerade_request_seconds_bucket{{feature="probe",le="+Inf"}} {looked}
"""


def test_who_looks_how_the_gateway_is_counts_as_no_request() -> None:
    before, now = (
        parse(OVER_HTTP.format(painted=painted, failed=failed, looked=looked))
        for painted, failed, looked in ((0, 0, 0), (20, 10, 1000))
    )
    gateway = load("Gateway", Look(30, now), Look(20, before))
    assert (gateway.rps, gateway.errors_per_s) == (5.0, 1.0)
    assert gateway.p50_ms == 100.0, "probes are quick"


def test_shares_of_nodes() -> None:
    now = look(1)
    assert node_share("ray_node_cpu_utilization", now) == 0.75
    assert node_share("ray_node_mem_used", now, "ray_node_mem_total") == 0.25
    assert node_share("ray_node_gpus_utilization", now) is None


@given(
    values=st.lists(st.floats(0.01, 500), min_size=1, max_size=60),
    share=st.sampled_from([0.5, 0.95]),
)
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    bounds = [1.0, 10.0, 100.0, 1000.0, math.inf]
    buckets = {bound: sum(value <= bound for value in values) for bound in bounds}
    true = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    index = next(number for number, bound in enumerate(bounds) if true <= bound)
    lower = 0.0 if index == 0 else bounds[index - 1]
    assert lower <= quantile(buckets, share) <= bounds[index]


class Cluster:
    def __init__(self) -> None:
        self.asked = 0

    async def deployments(self) -> list[Served]:
        return [Served("Style", "healthy", 1, 2, ""), Served("Gateway", "healthy", 1, 1, "")]

    async def samples(self) -> dict:
        self.asked += 1
        return dict(look(0, a=100.0 * self.asked, fast=100.0 * self.asked).samples)


async def states() -> dict:
    return {"style": SlotStatus(ModelSet("painter@v1"), None, None)}


async def test_the_board_remembers_looks_and_does_not_ask_too_often() -> None:
    now, cluster = [100.0], Cluster()
    board = StatusBoard(cluster, states, clock=lambda: now[0])
    first = await board.read()
    assert first.window_s is None
    assert first.deployments[0].model == "painter@v1"
    await asyncio.gather(*(board.read() for _ in range(5)))
    assert cluster.asked == 1
    now[0] = 120.0
    second = await board.read()
    assert second.window_s == 20.0
    assert second.deployments[0].rps == 5.0
    now[0] = 1000.0
    assert (await board.read()).window_s is None, "a rate over a quarter of an hour is no news"


async def test_the_terminal_shows_every_deployment_and_what_is_amiss() -> None:
    console = Console(record=True, width=120)
    console.print(top.picture("http://studio", await StatusBoard(Cluster(), states).read()))
    text = console.export_text()
    assert "Style" in text
    assert "1/2" in text
    assert "painter@v1" in text


def test_top_says_in_words_why_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    nothing = run(top.app, ["--once", "--url", "http://127.0.0.1:9"])
    assert nothing.exit_code == 1
    assert "Nothing answers" in nothing.stderr
    assert "no address" in run(top.app, ["--once", "--url", "file:///etc/passwd"]).stderr


def test_the_status_page_is_made_of_files_and_nothing_inline(client: TestClient) -> None:
    page = client.get("/status")
    assert page.status_code == 200
    assert "style=" not in page.text
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("metric", [REQUESTS, REQUEST_SECONDS, CALLS, CALL_SECONDS])
def test_the_metrics_are_those_the_dashboards_use(metric: str) -> None:
    assert any(
        metric in query.expr for dashboard in DASHBOARDS for panel in dashboard.panels for query in panel.queries
    )
