"""What the people of the crash drill send."""

from __future__ import annotations

import random

from drills.bot.orders import plan


def test_every_photo_is_sent_once_and_in_time() -> None:
    orders = plan(200, 60, 35.0, random.Random(3))
    assert sorted(number for order in orders for number in order.numbers) == list(range(1, 201))
    assert [order.at for order in orders] == sorted(order.at for order in orders)
    assert all(0 <= order.at <= 35 and 0 <= order.person < 60 for order in orders)
    assert {order.way for order in orders} == {"caption", "album", "tap"}
    assert all((len(order.numbers) > 1) == (order.way == "album") for order in orders)


def test_the_same_dice_make_the_same_plan() -> None:
    assert plan(50, 9, 10.0, random.Random(1)) == plan(50, 9, 10.0, random.Random(1))
