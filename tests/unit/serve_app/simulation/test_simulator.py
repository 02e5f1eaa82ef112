"""A simulated load behaves as queueing theory and the policy say, and costs what its machines cost."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from deployments.quantiles import quantile
from serve_app.commands.simulate import app
from serve_app.fleet import HEAD, NodeType
from serve_app.simulation.machines import Fleet
from serve_app.simulation.profile import FEATURES, LoadProfile, Work, read_profile
from serve_app.simulation.report import plot
from serve_app.simulation.simulator import Outcome, Simulator
from serve_app.topology import CLUSTER, EMBEDDED

ROOT = Path(__file__).parents[4]
WORK: dict[str, Any] = {name: {"query_s": 0.02} for name in CLUSTER}


def profile(rates: list[float], mix: dict[str, float] | None = None, **more: Any) -> LoadProfile:
    """A profile by requests per second in each hour."""
    users = tuple(rate * 3600 for rate in rates)
    fields = {"users_per_hour": users, "requests_per_user": 1, "mix": mix or {"style": 1}, "work": WORK} | more
    return LoadProfile.model_validate(fields)


def simulate(load: LoadProfile, hour_s: float = 300, **more: Any) -> Outcome:
    return Simulator(load, hour_s=hour_s, **more).run()


def test_alone_a_request_takes_the_sum_of_its_stages() -> None:
    outcome = simulate(profile([0.02]), hour_s=3600)
    # Gateway, then style beside moderation, then moderation once more.
    assert quantile(outcome.latencies["style"], 0.5) == pytest.approx(0.06)


@pytest.mark.parametrize(("spread", "mean"), [(0.0, 0.15), (1.0, 0.2)])
def test_one_replica_under_random_arrivals_waits_as_pollaczek_and_khinchine_say(spread: float, mean: float) -> None:
    quick = {"query_s": 1e-6}
    work = WORK | {"Faces": {"query_s": 0.1, "spread": spread}, "Moderation": quick, "Gateway": quick}
    alone = {**EMBEDDED, "Faces": replace(EMBEDDED["Faces"], max_batch=1, max_ongoing=1000)}
    outcome = simulate(profile([5.0], {"faces": 1}, work=work), hour_s=4000, topology=alone)
    times = outcome.latencies["faces"]
    # At half its capacity the mean wait is (1 + spread^2) / 2 service times.
    assert sum(times) / len(times) == pytest.approx(mean, rel=0.08)
    assert outcome.utilisation["Faces"] == pytest.approx(0.5, rel=0.05)


def test_batches_form_under_load_and_carry_more_than_one_by_one_could() -> None:
    work = WORK | {"Style": {"base_s": 0.2, "query_s": 0.01}}
    outcome = simulate(profile([10.0], work=work, replicas={"Style": {"max_replicas": 1}}))
    assert outcome.mean_batch["Style"] > 1.5
    assert outcome.refused == 0


def test_replicas_and_machines_follow_the_load_and_go_when_it_is_over() -> None:
    work = WORK | {"Style": {"query_s": 0.2, "start_s": 10}}
    outcome = simulate(profile([1, 30, 30, 1, 1, 1], work=work), hour_s=300)
    styles = [look.replicas["Style"] for look in outcome.looks]
    machines = [sum(look.machines.values()) for look in outcome.looks]
    assert styles[60] == 1
    assert max(styles) >= 9
    assert styles[-1] <= 2
    assert max(machines) > machines[60]
    assert machines[-1] < max(machines)


def test_scaling_does_not_flap_on_a_steady_load() -> None:
    outcome = simulate(profile([20.0], work=WORK | {"Style": {"query_s": 0.1}}), hour_s=1200)
    styles = [look.replicas["Style"] for look in outcome.looks[300:]]
    assert sum(a != b for a, b in pairwise(styles)) <= 4


def test_a_heavy_deployment_at_zero_makes_the_first_one_wait_for_its_start() -> None:
    outcome = simulate(profile([0.01], {"swap": 1}, work=WORK | {"Swap": {"query_s": 0.1, "start_s": 12}}), hour_s=3600)
    assert quantile(outcome.latencies["swap"], 1.0) > 12


def test_more_than_the_machines_can_do_is_refused_and_not_queued_for_ever() -> None:
    load = profile([60.0], work=WORK | {"Style": {"query_s": 1.0}}, replicas={"Style": {"max_replicas": 1}})
    outcome = simulate(load)
    assert outcome.refused > 0.8 * outcome.requests
    # A batch of eight that runs, one that waits, and one's own: nobody waits longer than that takes.
    assert quantile(outcome.latencies["style"], 1.0) < 26


def test_the_cost_is_the_machines_times_their_price() -> None:
    load = profile([0.1], machines={"cpu": {"hourly_usd": 1.0, "max_workers": 1}, "gpu": {"hourly_usd": 2.0, "max_workers": 1},
                                    "gpu-spot": {"max_workers": 0}})  # fmt: skip
    for hour_s in (90.5, 3600.0):
        assert simulate(load, hour_s=hour_s).usd_per_hour == pytest.approx(HEAD.hourly_usd + 3.0)


def test_the_same_seed_gives_the_same_run_and_another_another() -> None:
    runs = [simulate(profile([5.0]), hour_s=60, seed=seed).latencies for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_hardly_anybody_is_nobody() -> None:
    assert simulate(profile([5e-324]), hour_s=20).requests == 0


def test_every_feature_passes_only_through_deployments_there_are() -> None:
    assert {name for stages in FEATURES.values() for stage in stages for name in stage} == CLUSTER.keys() - {"Versions"}


@given(st.lists(st.floats(0, 30), min_size=1, max_size=3), st.integers(0, 3))
@settings(max_examples=15)
def test_nobody_is_lost_and_nothing_is_busier_than_always(rates: list[float], seed: int) -> None:
    outcome = simulate(profile(rates, dict.fromkeys(FEATURES, 1.0)), hour_s=20, seed=seed)
    assert all(time >= 0 for times in outcome.latencies.values() for time in times)
    assert sum(len(times) for times in outcome.by_hour) == outcome.requests - outcome.refused
    assert all(0 <= busy <= 1.001 for busy in outcome.utilisation.values())


def test_gpus_are_kept_for_those_that_need_one_and_the_cheapest_machine_is_ordered() -> None:
    dear = NodeType("gpu", "x", 4, 16, gpus=1, min_workers=0, max_workers=2, hourly_usd=2.0, boot_s=100)
    cheap = NodeType("gpu-spot", "x", 4, 16, gpus=1, market="spot", max_workers=1, hourly_usd=1.0, boot_s=100)
    fleet = Fleet([dear, cheap])
    first, second, third = (fleet.place(1, 0.6, 0.0) for _ in range(3))
    assert [machine.kind.name for machine in (first, second, third) if machine] == ["gpu-spot", "gpu", "gpu"]
    assert fleet.place(1, 0.6, 0.0) is None, "every type is at its maximum"
    assert fleet.place(1, 0, 0.0) is None, "there is no machine without a GPU"
    assert fleet.place(1, 0.4, 0.0) is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [({"mix": {"styles": 1}}, "nothing is called styles"), ({"mix": {"style": 0}}, "nobody asks"),
     ({"work": {"Style": {"query_s": 0.1}}}, "how long does Gateway take"), ({"users_per_hour": []}, "at least 1"),
     ({"work": WORK | {"Style": {"query_s": 0}}}, "greater than 0"), ({"prices": {}}, "Extra inputs"),
     ({"machines": {"tpu": {}}}, "nothing is called tpu"), ({"machines": {"gpu": {"max_workers": 0}}}, "always 1 of gpu"),
     ({"replicas": {"Style": {"min_replicas": 99}}}, "Style has 99 at least and 16 at most"),
     ({"mix": {"style": float("inf")}}, "finite"), ({"requests_per_user": float("inf")}, "finite")],
)  # fmt: skip
def test_a_profile_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        profile([1.0], **change) if "users_per_hour" not in change else LoadProfile.model_validate(
            {"mix": {"style": 1}, "work": WORK} | change
        )


def test_the_shipped_plan_is_one_of_ten_million_people() -> None:
    load = read_profile(ROOT / "docs/profiles/ten-million.yaml")
    assert sum(load.users_per_hour) == 1_000_000, "a tenth of them on a given day"
    assert load.requests_per_user == 3


def test_hours_may_come_from_a_csv_beside_the_rest(tmp_path: Path) -> None:
    # As spreadsheets write it, with a mark in front.
    (tmp_path / "day.csv").write_text("users,hour\n100,0\n250.5,1\n", encoding="utf-8-sig")
    (tmp_path / "day.yaml").write_text("mix: {faces: 1}\nwork: {Gateway: {query_s: 0.01}, Moderation: {query_s: 0.01}, Faces: {query_s: 0.01}}\n")  # fmt: skip
    load = read_profile(tmp_path / "day.csv")
    assert load.users_per_hour == (100, 250.5)
    assert load.work["Faces"] == Work(query_s=0.01)


@pytest.mark.parametrize(
    ("name", "text"), [("none.yaml", None), ("broken.yaml", "a: ["), ("list.yaml", "- 1"), ("people.csv", "hour\n1\n")]
)
def test_a_file_that_is_no_profile_is_named_without_a_traceback(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
        (tmp_path / "people.yaml").write_text("mix: {}")
    result = CliRunner().invoke(app, [str(tmp_path / name)])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert name in result.output.replace("\n", "") or "users_per_hour" in result.output


def test_the_command_prints_tables_and_draws_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text("users_per_hour: [600, 1200]\nmix: {faces: 1}\nwork: {Gateway: {query_s: 0.01}, Moderation: {query_s: 0.01}, Faces: {query_s: 0.01}}\n")  # fmt: skip
    result = CliRunner().invoke(app, [str(path), "--minutes", "1", "--plot", str(tmp_path / "plot.png")])
    assert result.exit_code == 0, result.output
    assert "USD a month" in result.output
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_an_hour_in_which_nobody_came_leaves_a_gap_in_the_plot(tmp_path: Path) -> None:
    outcome = simulate(profile([0.0, 5.0]), hour_s=60)
    plot(outcome, "quiet", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


NOBODY = "users_per_hour: [0]\nmix: {faces: 1}\nwork: {Gateway: {query_s: 1}, Moderation: {query_s: 1}, Faces: {query_s: 1}}\n"


def test_a_load_of_nobody_costs_nothing_a_thousand(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(NOBODY)
    result = CliRunner().invoke(app, [str(path), "--minutes", "1"])
    assert result.exit_code == 0
    assert "Nobody came." in result.output
    assert "nan" not in result.output


@pytest.mark.parametrize(
    ("place", "told"),
    [("no/plot.png", "No such file"), (".", "Is a directory"), ("none.yaml/plot.png", "Not a directory")],
)
def test_a_plot_without_a_place_is_told_before_anything_is_simulated(tmp_path: Path, place: str, told: str) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(NOBODY)
    result = CliRunner().invoke(app, [str(path), "--plot", str(tmp_path / place)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.strip().startswith(f"{tmp_path / place}: {told}")


def test_drawing_without_matplotlib_is_told_before_anything_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.simulation.report.find_spec", lambda _: None)
    path = tmp_path / "none.yaml"
    path.write_text(NOBODY)
    result = CliRunner().invoke(app, [str(path), "--plot", str(tmp_path / "plot.png")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "pip install matplotlib" in result.stderr
