"""A small crash drill of the real processes."""

from __future__ import annotations

from drills.bot import crash
from drills.bot.troupe import warm_up
from drills.telling import silently


async def test_killed_twice_the_bot_delivers_and_charges_everything_once() -> None:
    warm_up()
    scale = crash.Scale(
        photos=12,
        people=6,
        send_s=1.5,
        kill_s=2.5,
        pause_s=(0.8, 1.2),
        aimed=0,
        processes=2,
        takeover_s=5,
        patience_s=200,
    )
    figures = await crash.run("sqlite", "webhook", scale, 3, silently)
    assert [figure for figure in figures if not figure.passed] == []
    assert {figure.name: figure.value for figure in figures}["results received"] == 12
