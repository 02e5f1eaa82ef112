from __future__ import annotations

import pytest
import yaml
from pydantic import ValidationError

from training.style.network import SIZES
from training.style.stages import CARDS, Plan, read_plan


@pytest.fixture
def plan() -> Plan:
    return read_plan()


@pytest.mark.parametrize("product", ["style-fine", "style-lean"])
def test_the_last_run_trains_the_size_that_is_shipped(plan, product) -> None:
    stages = plan.leading_to(product)
    assert list(stages.values())[-1].settings.architecture == SIZES[product.removeprefix("style-")]


@pytest.mark.parametrize("product", ["style-fine", "style-lean"])
def test_every_run_begins_with_the_one_before_it(plan, product) -> None:
    names = list(plan.leading_to(product))
    assert [plan.stages[name].after for name in names] == [None, *names[:-1]]


def test_the_products_have_cards(plan) -> None:
    for name, product in plan.products.items():
        assert yaml.safe_load((CARDS / product.network_card).read_text())["model"] == name
        assert (CARDS / product.pack_card).is_file()


def test_the_paintings_are_those_of_the_pack(plan) -> None:
    listed = yaml.safe_load((CARDS / "paintings.yaml").read_text())
    assert list(plan.paintings) == [painting["name"] for painting in listed]


def test_an_unknown_product_is_told_with_those_there_are(plan) -> None:
    with pytest.raises(ValueError, match="there are style-fine, style-lean"):
        plan.leading_to("style-huge")


@pytest.mark.parametrize("after", ["itself", "later", "nothing"])
def test_a_run_builds_on_one_declared_before_it(after) -> None:
    stage = {"widths": [8, 16, 64], "steps": 1, "learning_rate": 0.1}
    stages = {"itself": {**stage, "after": after}, "later": stage}
    with pytest.raises(ValidationError, match="no stage before it"):
        Plan.model_validate({"paintings": {}, "stages": stages, "products": {}})
