"""The crash drill's own books: what people received, and what the bot's database says it did and charged."""

from __future__ import annotations

import bisect
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.figures import Figure, never

# A request that had left when its process was killed may still arrive.
IN_FLIGHT_S = 5.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A painted photo that came to somebody. ``owner`` is the chat it came to, ``number`` is what it carries."""

    number: int
    owner: int
    when: float


@dataclass(frozen=True, slots=True)
class Promise:
    """A job as the bot's database knows it. ``charges`` are credits spent for good, ``repeats`` its :class:`Delivery`'s.

    ``bookings`` counts the entries about the job by kind.
    """

    number: int
    owner: int
    delivered: bool
    repeats: int
    charges: int
    bookings: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything the drill counts; lists hold photos' numbers."""

    ordered: int
    received: int
    lost: list[int]
    astray: list[int]
    doubled: list[int]
    unexplained: list[int]
    jobs: int
    undelivered: list[int]
    charged: int
    wrongly_charged: list[int]
    wrong_balances: list[int]

    def figures(self) -> list[Figure]:
        """With their bars: nothing lost, nothing doubled that a kill does not explain, every charge exactly once."""
        return [
            Figure("photos ordered", self.ordered),
            Figure("results received", self.received, bar=self.ordered),
            never("results lost", len(self.lost)),
            never("results to the wrong person", len(self.astray)),
            Figure("results that came twice", len(self.doubled)),
            never("... without a kill between sending and recording", len(self.unexplained)),
            never("jobs beyond those ordered", self.jobs - self.ordered),
            never("jobs not delivered", len(self.undelivered)),
            Figure("results charged", self.charged, bar=self.ordered),
            never("jobs not charged exactly once", len(self.wrongly_charged)),
            never("balances that are not exact", len(self.wrong_balances)),
        ]


@dataclass(slots=True)
class Evidence:
    """What is known when the bot has come to rest.

    ``owners`` says whose photo each number is, ``endowment`` what everybody had before; ``balances`` are the bot's own,
    by person. ``kills`` are the moments at which a process of the bot's was killed.
    """

    owners: Mapping[int, int]
    endowment: int
    arrivals: Sequence[Arrival] = ()
    promises: Sequence[Promise] = ()
    balances: Mapping[int, int] = field(default_factory=dict)
    kills: Sequence[float] = ()

    def verdict(self) -> Verdict:
        copies: dict[int, list[float]] = defaultdict(list)
        for arrival in self.arrivals:
            copies[arrival.number].append(arrival.when)
        repeats = Counter[int]()
        for promise in self.promises:
            repeats[promise.number] += promise.repeats
        doubled = sorted(number for number, times in copies.items() if len(times) > 1)
        right = {promise.number for promise in self.promises if _charged_once(promise)}
        spent = Counter(self.owners.values())
        return Verdict(
            ordered=len(self.owners),
            received=len(copies.keys() & self.owners.keys()),
            lost=sorted(self.owners.keys() - copies.keys()),
            astray=sorted({a.number for a in self.arrivals if self.owners.get(a.number) != a.owner}),
            doubled=doubled,
            unexplained=[n for n in doubled if not self._explained(sorted(copies[n]), repeats[n])],
            jobs=len(self.promises),
            undelivered=sorted(promise.number for promise in self.promises if not promise.delivered),
            charged=sum(promise.charges for promise in self.promises),
            wrongly_charged=sorted({promise.number for promise in self.promises} - right),
            wrong_balances=sorted(
                person for person, count in spent.items() if self.balances.get(person) != self.endowment - count
            ),
        )

    def _explained(self, times: Sequence[float], repeats: int) -> bool:
        """Whether the bot knew that it might repeat itself so often, and was killed before each repetition."""
        kills = sorted(self.kills)
        killed = all(
            bisect.bisect_left(kills, first - IN_FLIGHT_S) < bisect.bisect_right(kills, second)
            for first, second in itertools.pairwise(times)
        )
        return killed and len(times) - 1 <= repeats


def _charged_once(promise: Promise) -> bool:
    return promise.charges == 1 and promise.bookings == {"reserve": 1, "settle": 1}
