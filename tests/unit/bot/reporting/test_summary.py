"""The operator's report as text."""

from __future__ import annotations

from datetime import date

from bot.reporting.stats import Active, Cohort, Feature, Report, Revenue, Timing
from bot.reporting.summary import summary

DAY = date(2025, 6, 16)
NOTHING = Timing(0, 0.0, 0.0)


def test_people_features_money_and_waiting_are_told() -> None:
    report = Report(
        active=(Active(DAY, 3, 6, 9),),
        cohorts=(Cohort(DAY, 4, (1.0, 0.5), (0.0, 0.25)),),
        features=(Feature("style", 7, 5, 2, 0, {"refused": 2}),),
        revenue=(Revenue(DAY, 150, 50, 3),),
        subscribers=2,
        queue=Timing(5, 0.5, 1.25), work=NOTHING, delivery=NOTHING, total=NOTHING,
        refusals={"too-large": 4},
    )  # fmt: skip
    text = summary(report)
    for words in ("3 active, 6 in 7 days, 9 in 30", "DAU/WAU 50%", "2 subscribers", "150 Stars in 3 payments, 50 refunded",
                  "style: refused", "too-large", "100%  50%", "1.25"):  # fmt: skip
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_an_empty_studio_has_a_report_too() -> None:
    report = Report((Active(DAY, 0, 0, 0),), (), (), (), 0, NOTHING, NOTHING, NOTHING, NOTHING, {})
    assert "0 active" in summary(report)
