"""What to simulate: people per hour, what they ask for, how much work that is, and the machines it may use."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from serve_app.fleet import WORKERS, NodeType
from serve_app.topology import CLUSTER, Topology

# Which deployments a call goes through: stages one after the other, within a stage all at the same time.
# The gateway comes first, and every picture that comes in or goes out is moderated (serve_app/pipeline.py).
Stages = tuple[tuple[str, ...], ...]
FEATURES: dict[str, Stages] = {
    "style": (("Gateway",), ("Moderation", "Style"), ("Moderation",)),
    "faces": (("Gateway",), ("Moderation", "Faces")),
    "authenticity": (("Gateway",), ("Moderation", "Authenticity")),
    # One call of the many that a masterpiece takes; it is moderated once.
    "masterpiece": (("Gateway",), ("Masterpiece",)),
    "lookalike": (("Gateway",), ("Moderation", "Faces"), ("Lookalike",)),
    "swap": (("Gateway",), ("Moderation", "Moderation", "Faces", "Faces"), ("Swap",), ("Moderation",)),
    "anonymize": (("Gateway",), ("Moderation", "Faces"), ("Anonymize",), ("Moderation",)),
}

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Work(Strict):
    """Engine seconds of a batch: ``base_s`` once and ``query_s`` for each query in it. ``start_s``: a replica's start.

    ``spread`` is how much batches of one size differ: standard deviation over mean, with a gamma distribution.
    """

    base_s: NotNegative = 0.0
    query_s: Positive
    spread: Annotated[float, Field(ge=0, le=5)] = 0.0
    start_s: NotNegative = 8.0


class MachineChanges(Strict):
    """What a profile may say of a node type of the fleet; what it leaves out is as in ``serve_app/fleet.py``."""

    hourly_usd: NotNegative | None = None
    max_workers: Annotated[int, Field(ge=0)] | None = None
    boot_s: NotNegative | None = None


class ReplicaChanges(Strict):
    """Another range for one deployment than the topology's."""

    min_replicas: Annotated[int, Field(ge=0)] | None = None
    max_replicas: Annotated[int, Field(ge=1)] | None = None


class Range(NamedTuple):
    """A number of replicas."""

    min_replicas: int
    max_replicas: int


class LoadProfile(Strict):
    """A day, or any other number of hours.

    ``users_per_hour`` are the people active in each hour, ``requests_per_user`` what each asks for in it. ``mix`` is
    normalised. ``work`` holds engine times per deployment, ``machines`` and ``replicas`` changes to the fleet and topology.
    """

    name: str = "load"
    users_per_hour: Annotated[tuple[NotNegative, ...], Field(min_length=1)]
    requests_per_user: Positive = 3.0
    mix: dict[str, NotNegative]
    work: dict[str, Work]
    machines: dict[str, MachineChanges] = {}
    replicas: dict[str, ReplicaChanges] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unknown = [*(self.mix.keys() - FEATURES.keys()), *(self.machines.keys() - {kind.name for kind in WORKERS})]
        unknown += [*((self.work.keys() | self.replicas.keys()) - CLUSTER.keys())]
        if unknown:
            raise ValueError(f"nothing is called {min(unknown)}")
        if sum(self.mix.values()) <= 0:
            raise ValueError("mix: nobody asks for anything")
        used = {name for feature, share in self.mix.items() if share for stage in FEATURES[feature] for name in stage}
        if missing := sorted(used - self.work.keys()):
            raise ValueError(f"work: how long does {missing[0]} take?")
        for name in self.replicas:
            if not (limits := self.range_of(name)).min_replicas <= limits.max_replicas:
                raise ValueError(
                    f"replicas: {name} has {limits.min_replicas} at least and {limits.max_replicas} at most"
                )
        for kind in self.fleet():
            if kind.max_workers < kind.min_workers:
                raise ValueError(f"machines: there are always {kind.min_workers} of {kind.name} (serve_app/fleet.py)")
        return self

    def range_of(self, deployment: str, topology: Topology = CLUSTER) -> Range:
        """Between how many replicas the deployment has, with this profile's changes."""
        scaling = topology[deployment].scaling
        usual = Range(scaling.min_replicas, scaling.max_replicas) if scaling else Range(1, 1)
        changes = self.replicas.get(deployment, ReplicaChanges())
        return usual._replace(**changes.model_dump(exclude_none=True))

    def rates(self) -> list[float]:
        """Requests per second in each hour."""
        return [users * self.requests_per_user / 3600 for users in self.users_per_hour]

    def fleet(self) -> list[NodeType]:
        """The worker types with this profile's changes."""
        return [
            replace(kind, **self.machines[kind.name].model_dump(exclude_none=True))
            if kind.name in self.machines
            else kind
            for kind in WORKERS
        ]


def read_profile(path: Path) -> LoadProfile:
    """A YAML file with all fields, or a CSV file of hours beside a YAML file of the same name with the others.

    The CSV has a header with ``users``; one row an hour. Raises ``ValueError`` with a sentence for what is wrong.
    """
    try:
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as lines:
                users = [row["users"] for row in csv.DictReader(lines)]
            document: Any = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8")) | {
                "users_per_hour": users
            }
        else:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except KeyError as error:
        raise ValueError(f"{path} has no column called {error.args[0]}") from error
    except (OSError, UnicodeDecodeError, TypeError, yaml.YAMLError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    match document:
        case dict():
            return LoadProfile.model_validate(document)
        case _:
            raise ValueError(f"{path} is no table of settings; see docs/capacity.md")
