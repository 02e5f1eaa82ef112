"""What the tour makes of what its guests report."""

from __future__ import annotations

from typing import Any

from benchmarks.figures import Figure
from bot.presentation.translations import Translations
from drills.bot.flows import FLOWS
from drills.bot.tour import conclusion
from drills.bot.visit import MODES


def report(**errors: str) -> list[dict[str, Any]]:
    """Everything was tried, and these flows failed everywhere."""
    facts: list[dict[str, Any]] = [
        {"mode": mode, "language": language, "flow": flow, "seconds": 1.0, "error": errors.get(flow, "")}
        for mode in MODES
        for language in Translations.load().languages
        for flow in FLOWS
    ]
    return [*facts, {"refusals": []}]


def missed(facts: list[dict[str, Any]]) -> list[Figure]:
    return [figure for figure in conclusion(facts) if not figure.passed]


def test_a_tour_on_which_everything_works_passes() -> None:
    assert missed(report()) == []


def test_a_flow_that_fails_is_named_with_its_reason() -> None:
    names = [figure.name for figure in missed(report(art="nothing came"))]
    assert "polling, en, art: nothing came" in names
    assert "flows that went well, webhook, ru" in names


def test_flows_that_were_never_tried_are_missed() -> None:
    assert len(missed([])) == len(MODES) * len(Translations.load().languages)


def test_what_telegram_would_refuse_is_missed() -> None:
    facts = [*report()[:-1], {"refusals": ["sendmessage: Bad Request"]}]
    assert [figure.name for figure in missed(facts)] == ["calls refused by the Bot API"]
