"""The training runs behind each shipped network, declared: ``cards/stages.yaml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import Field, model_validator

from registry.manifest import Strict
from training.style.network import Architecture
from training.style.recipes import RECIPES
from training.style.trainer import Settings

CARDS: Final = Path(__file__).parent / "cards"
STAGES: Final = CARDS / "stages.yaml"


class Stage(Strict):
    """One run. ``after`` is the stage whose weights it begins with; the rest is what ``training.style.train`` takes."""

    after: str | None = None
    encoder: Literal["vgg19", "distilled"] = "vgg19"
    recipe: Literal["reference", "johnson", "distilled", "deep", "even", "copy"] = "deep"
    widths: tuple[int, int, int]
    steps: int = Field(ge=1)
    until: int | None = Field(default=None, ge=1)
    batch: int = 1
    crop: int = 256
    painting_side: int = 512
    learning_rate: float
    seed: int = 1
    emphasis: dict[str, float] = Field(default_factory=dict)
    turns: dict[str, int] = Field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """What the trainer is told."""
        fine, middle, coarse = self.widths
        return Settings(
            steps=self.steps,
            batch=self.batch,
            crop=self.crop,
            painting_side=self.painting_side,
            learning_rate=self.learning_rate,
            seed=self.seed,
            emphasis=self.emphasis,
            turns=self.turns,
            recipe=RECIPES[self.recipe],
            architecture=Architecture(fine=fine, middle=middle, coarse=coarse),
        )


class Product(Strict):
    """What is shipped: the stage whose weights it is, and the cards of its network and of its style pack."""

    stage: str
    network_card: str
    pack_card: str


class Plan(Strict):
    """Every stage and every product. Raises ``ValueError`` for a stage or product that builds on none there is."""

    paintings: dict[str, str]
    stages: dict[str, Stage]
    products: dict[str, Product]

    @model_validator(mode="after")
    def _whole(self) -> Plan:
        named: Mapping[str, str | None] = {
            **{name: stage.after for name, stage in self.stages.items()},
            **{name: product.stage for name, product in self.products.items()},
        }
        known: Sequence[str] = list(self.stages)
        for name, after in named.items():
            if after is not None and (
                after not in known or (name in known and known.index(after) >= known.index(name))
            ):
                raise ValueError(f"{name} builds on {after}, which is no stage before it")
        return self

    def leading_to(self, product: str) -> dict[str, Stage]:
        """The stages behind a product, in the order they are run. Raises ``ValueError`` for an unknown one."""
        if product not in self.products:
            raise ValueError(f"there is no product {product}; there are {', '.join(self.products)}")
        path: list[str] = []
        name: str | None = self.products[product].stage
        while name is not None:
            path.append(name)
            name = self.stages[name].after
        return {name: self.stages[name] for name in reversed(path)}


def read_plan(path: Path = STAGES) -> Plan:
    """Raises ``OSError`` or ``ValueError``."""
    return Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
