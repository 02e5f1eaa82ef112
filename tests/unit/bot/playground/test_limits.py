"""Flood limits: what Telegram lets pass, and how long it asks one to wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.playground.limits import FloodControl, Limits

START = 1000.0


def control(**limits: float) -> FloodControl:
    return FloodControl(Limits(**limits), START)  # type: ignore[arg-type]


def test_a_chat_gets_a_short_burst_and_then_one_a_second() -> None:
    flood = control(chat_burst=3)
    assert [flood.admit(1, START, group=False) for _ in range(4)] == [None, None, None, 1]
    assert flood.admit(1, START + 1, group=False) is None
    assert flood.admit(1, START + 1, group=False) == 1


def test_another_chat_is_not_held_up() -> None:
    flood = control(chat_burst=1)
    assert flood.admit(1, START, group=False) is None
    assert flood.admit(1, START, group=False) == 1
    assert flood.admit(2, START, group=False) is None


def test_a_group_gets_twenty_within_any_minute() -> None:
    flood = control()
    times = [START + 2 * number for number in range(20)]
    assert [flood.admit(-1, now, group=True) for now in times] == [None] * 20
    assert flood.admit(-1, START + 40, group=True) == 20
    assert flood.admit(-1, START + 60, group=True) is None
    assert flood.admit(-1, START + 61, group=True) == 1


def test_all_chats_together_get_thirty_a_second() -> None:
    flood = control()
    assert [flood.admit(chat, START, group=False) for chat in range(31)] == [None] * 30 + [1]
    assert flood.admit(99, START + 1, group=False) is None


def test_an_album_is_one_message_to_a_person_and_ten_to_a_group() -> None:
    flood = control(chat_burst=2)
    assert flood.admit(1, START, group=False, messages=10) is None
    assert flood.admit(1, START, group=False) is None
    assert flood.admit(-1, START, group=True, messages=10) is None
    assert flood.admit(-1, START + 1, group=True, messages=10) is None
    assert flood.admit(-1, START + 2, group=True) == 58


def test_what_was_sent_and_refused_is_counted() -> None:
    flood = control(chat_burst=2)
    for _ in range(3):
        flood.admit(1, START, group=False)
    flood.admit(1, START + 0.5, group=False)
    flood.admit(-1, START, group=True, messages=3)
    traffic = flood.traffic()
    assert (traffic.messages, traffic.refused, traffic.impatient) == (5, 2, 1)
    assert (traffic.overall_peak_per_second, traffic.chat_peak_per_second, traffic.group_peak_per_minute) == (5, 2, 3)


def test_limits_that_are_not_enforced_still_count() -> None:
    flood = control(enforced=False)
    assert [flood.admit(1, START, group=False) for _ in range(40)] == [None] * 40
    assert flood.traffic().overall_peak_per_second == 40


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_who_waits_as_long_as_told_is_admitted_next(pauses: list[float]) -> None:
    flood, now = control(), START
    for pause in pauses:
        now += pause
        wait = flood.admit(1, now, group=False)
        if wait is not None:
            now += wait
            assert flood.admit(1, now, group=False) is None
    assert flood.traffic().impatient == 0
