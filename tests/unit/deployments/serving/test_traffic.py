"""How versions fared within a window of time."""

from __future__ import annotations

from deployments.serving.traffic import Traffic, TrafficWindow, total


def test_a_version_is_counted_with_its_failures_and_quantiles() -> None:
    window = TrafficWindow(60, clock=lambda: 0.0)
    for number in range(100):
        window.add("m@v1", (number + 1) / 100, failed=number % 10 == 0)
    assert window.summary() == {"m@v1": Traffic(100, 10, 0.5, 0.95)}


def test_one_slow_request_of_twenty_does_not_make_a_version_slow() -> None:
    window = TrafficWindow(60, clock=lambda: 0.0)
    for latency_s in [0.1] * 19 + [9.0]:
        window.add("m@v1", latency_s, failed=False)
    assert window.summary()["m@v1"].p95_s == 0.1


def test_what_is_older_than_the_window_is_forgotten() -> None:
    now = 0.0
    window = TrafficWindow(60, clock=lambda: now)
    window.add("m@v1", 1, failed=True)
    now = 59
    window.add("m@v2", 1, failed=False)
    assert set(window.summary()) == {"m@v1", "m@v2"}
    now = 61
    assert set(window.summary()) == {"m@v2"}


def test_replicas_are_added_up() -> None:
    one, other = {"m@v1": Traffic(10, 1, 0.1, 0.2)}, {"m@v1": Traffic(30, 0, 0.3, 0.4), "m@v2": Traffic(1, 0, 1, 1)}
    summed = total([one, other])
    assert summed["m@v2"] == Traffic(1, 0, 1, 1)
    assert (summed["m@v1"].requests, summed["m@v1"].failed) == (40, 1)
    assert round(summed["m@v1"].p95_s, 3) == 0.35
