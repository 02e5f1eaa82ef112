"""What pictures cost and what is for sale."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Plan = Literal["free", "plus"]

MONTH_S = 2_592_000
"""The one subscription period Telegram Stars know: thirty days, in seconds."""

SUBSCRIPTION = "plus"
"""The subscription's name as a product, beside the names of the packs."""

Features = dict[str, Annotated[int, Field(ge=0, le=1000)]]

COSTS = {"style": 1, "swap": 1, "anonymize": 1, "lookalike": 1, "authenticity": 1}
"""What a feature costs whose price is not given."""


class Pack(BaseModel):
    """So many credits for so many Stars."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,16}$")]
    stars: Annotated[int, Field(ge=1, le=100_000)]
    credits: Annotated[int, Field(ge=1, le=1_000_000)]


class Subscription(BaseModel):
    """A higher daily quota and larger albums for ``stars`` every thirty days.

    A quota rather than a heap of credits: nothing piles up, a refund takes nothing back but the days that are left, and
    what a person sees ("50 a day") is what holds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stars: Annotated[int, Field(ge=1, le=10_000)]
    daily: Annotated[int, Field(ge=1, le=10_000)]


class Tariff(BaseModel):
    """The price list. ``costs`` are credits per unit (a picture, or a face where faces are swapped) by feature.

    A feature that ``costs`` does not name keeps its price. Features are the ledger's job kinds. Every day (UTC) begins
    with ``free_daily`` credits for everybody, or with the subscription's ``daily`` for subscribers; they are spent before
    bought credits and do not pile up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    free_daily: Annotated[int, Field(ge=0, le=10_000)] = 5
    free_album: Annotated[int, Field(ge=1, le=10)] = 3
    plus_album: Annotated[int, Field(ge=1, le=10)] = 10
    costs: Features = COSTS
    packs: tuple[Pack, ...] = (
        Pack(name="small", stars=50, credits=25),
        Pack(name="medium", stars=150, credits=100),
        Pack(name="large", stars=500, credits=400),
    )
    subscription: Subscription | None = Subscription(stars=250, daily=50)

    @field_validator("costs")
    @classmethod
    def _everything_has_a_price(cls, given: Features) -> Features:
        if unknown := sorted(given.keys() - COSTS.keys()):
            raise ValueError(f"there is no feature {', '.join(unknown)}; there are {', '.join(COSTS)}")
        return COSTS | given

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [pack.name for pack in self.packs]
        if len(set(names)) < len(names) or SUBSCRIPTION in names:
            raise ValueError(f"packs need names of their own, and {SUBSCRIPTION!r} is the subscription's")
        return self

    def cost(self, feature: str, units: int = 1) -> int:
        """Credits for ``units`` pictures or faces. Raises ``KeyError`` for a feature without a price."""
        return self.costs[feature] * units

    def daily(self, plan: Plan) -> int:
        """Credits a day begins with."""
        return self.subscription.daily if plan == "plus" and self.subscription is not None else self.free_daily

    def album(self, plan: Plan) -> int:
        """How many photos one request may have."""
        return self.plus_album if plan == "plus" else self.free_album

    def own_target(self, plan: Plan) -> bool:
        """Whether faces may be put into photos of one's own, rather than into works of art; without a plan to buy, by all."""
        return plan == "plus" or self.subscription is None

    def sells(self, plan: Plan) -> bool:
        """Whether there is anything to buy for somebody on this plan."""
        return bool(self.packs) or self.upgrades(plan)

    def upgrades(self, plan: Plan) -> bool:
        """Whether there is a subscription to buy for somebody on this plan."""
        return self.subscription is not None and plan == "free"

    @property
    def larger_albums(self) -> bool:
        """Whether subscribers send more photos at once than others."""
        return self.subscription is not None and self.plus_album > self.free_album

    def pack(self, name: str) -> Pack | None:
        """The pack on offer under that name."""
        return next((pack for pack in self.packs if pack.name == name), None)

    @property
    def sold(self) -> frozenset[str]:
        """Features that money is taken for: they cost credits, and something that buys credits is on offer."""
        if not self.sells("free"):
            return frozenset()
        return frozenset(feature for feature, cost in self.costs.items() if cost > 0)
