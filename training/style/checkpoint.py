"""Checkpoints of a training run: safetensors and JSON, never pickled, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from training.style.network import Architecture, StyleNetwork
from training.tensors import write_tensors


@dataclass(frozen=True, slots=True)
class Weights:
    """A network and the styles it was trained with (none in a network's own file)."""

    network: StyleNetwork
    styles: dict[str, Tensor]


def save_weights(path: Path, weights: Weights) -> None:
    """The network's weights and, where there are any, its styles in one file; equal weights give equal bytes."""
    tensors = {f"network.{key}": value for key, value in weights.network.state_dict().items()}
    if weights.styles:
        tensors["styles"] = torch.stack(list(weights.styles.values()))
    # One entry, because safetensors writes several in no fixed order.
    made_of = {"architecture": asdict(weights.network.architecture), "styles": list(weights.styles)}
    write_tensors(path, tensors, {"made_of": json.dumps(made_of)})


def load_weights(path: Path) -> Weights:
    """Read what :func:`save_weights` wrote. Raises ``ValueError`` for another kind of file."""
    try:
        with safe_open(path, "pt") as file:
            made_of = json.loads(file.metadata()["made_of"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # safe_open is no mapping
        network = StyleNetwork(Architecture(**made_of["architecture"]))
        network.load_state_dict({k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")})
        return Weights(network, dict(zip(made_of["styles"], tensors.get("styles", ()), strict=True)))
    # Of tensors that do not fit PyTorch makes a RuntimeError.
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of a style network") from error
