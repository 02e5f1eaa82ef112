"""Which versions serve, as a configuration file has it."""

from __future__ import annotations

import pytest

from deployments.serving.user_config import UserConfig
from deployments.slots import ModelSet, Plan, Second

STABLE, NEXT = ModelSet("m@v1", ("p@v1",)), ModelSet("m@v2", ("p@v1",))


@pytest.mark.parametrize(
    "plan",
    [
        Plan(STABLE),
        Plan(STABLE, Second(NEXT)),
        Plan(STABLE, Second(NEXT, "canary", 12.5)),
        Plan(STABLE, Second(NEXT, "shadow", 10.0)),
    ],
)
def test_a_plan_survives_being_written_down(plan: Plan) -> None:
    assert UserConfig.model_validate(UserConfig.of(plan).document()).plan == plan


def test_only_what_is_set_is_written() -> None:
    assert UserConfig.of(Plan(ModelSet("m@v1"))).document() == {"stable": {"model": "m@v1", "extras": []}}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"stabel": {"model": "m@v1"}},
        {"stable": {"model": "m@v1"}, "canary": {"model": "m@v2", "percent": 101}},
        {"stable": {"model": "m@v1"}, "canary": {"model": "m@v2"}},
        {"stable": {"model": "m@v1"}, "canary": {"model": "m@v2", "percent": 1}, "staging": {"model": "m@v3"}},
    ],
)
def test_anything_else_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        UserConfig.model_validate(document)
