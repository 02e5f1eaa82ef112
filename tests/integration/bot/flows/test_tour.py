"""Some of what the tour of `make drill-bot` tries on a real studio, where it takes no models to find out."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts.tariff import Tariff
from bot.playground.host import Playground
from bot.running import RunningBot
from drills.bot.flows import FLOWS, Guest, Pictures
from tests.integration.bot.flows.stand_ins import ALONE, FINE, TINY

# Those that are quick, and tried nowhere else as they are here: by the words of the locale files.
QUICK = ("greeting", "groups", "leaving")


@pytest.fixture
def tariff() -> Tariff:
    return Tariff(free_daily=50)


async def test_the_tours_quick_flows_go_to_their_ends_in_every_language(
    running: RunningBot, playground: Playground
) -> None:
    shown = Pictures(alone=ALONE, tiny=TINY, many=FINE)
    guests = [
        (flow, Guest(playground.person(flow, language=words.language), words, shown, playground))
        for words in running.services.translations.languages.values()
        for flow in QUICK
    ]
    await asyncio.gather(*(FLOWS[flow](guest) for flow, guest in guests))
