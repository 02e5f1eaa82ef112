"""Gradient descent as every training here takes it: Adam, clipped gradients, a moving average, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from training.tensors import write_tensors

ADAM_STATE: Final = ("step", "exp_avg", "exp_avg_sq")
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Descent:
    """Moves ``parameters`` down a loss and keeps their exponential moving average, which is calmer than the last step.

    ``clip`` bounds the gradient's norm; ``decay``, 0 to 1, is what the average keeps of itself at each step.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], clip: float, decay: float) -> None:
        self.parameters, self.step = list(parameters), 0
        self.average = [parameter.detach().clone() for parameter in self.parameters]
        self._clip, self._decay = clip, decay
        self._optimiser = torch.optim.Adam(self.parameters)

    def begin_average(self) -> None:
        """Let the average begin with the parameters as they are now."""
        with torch.no_grad():
            for average, parameter in zip(self.average, self.parameters, strict=True):
                average.copy_(parameter)

    def take(self, loss: Tensor, learning_rate: float, gather: Callable[[], None] = lambda: None) -> None:
        """One step. ``gather`` is called with the gradients in place, before they are clipped."""
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        gather()
        nn.utils.clip_grad_norm_(self.parameters, self._clip)
        self._optimiser.step()
        self.step += 1
        # The average warms up too: early on it would otherwise remember the random start.
        decay = min(self._decay, self.step / (self.step + 10))
        with torch.no_grad():
            for average, parameter in zip(self.average, self.parameters, strict=True):
                average.lerp_(parameter, 1 - decay)

    def save(self, path: Path, metadata: Mapping[str, str] = NOTHING) -> None:
        """Write everything that the next step depends on, as safetensors with ``metadata`` in their header."""
        tensors: dict[str, Tensor] = {f"parameter.{index}": tensor for index, tensor in enumerate(self.parameters)}
        tensors |= {f"average.{index}": tensor for index, tensor in enumerate(self.average)}
        state = self._optimiser.state_dict()["state"]
        tensors |= {f"adam.{index}.{key}": moments[key] for index, moments in state.items() for key in ADAM_STATE}
        write_tensors(path, tensors | {"position": torch.tensor(self.step)}, dict(metadata))

    def restore(self, path: Path) -> None:
        """Go on from what :meth:`save` wrote.

        Raises ``FileNotFoundError`` where it did not, and ``ValueError`` for a file that is damaged or another's.
        """
        try:
            tensors = load_file(path)
            with torch.no_grad():
                for index, (parameter, average) in enumerate(zip(self.parameters, self.average, strict=True)):
                    parameter.copy_(tensors[f"parameter.{index}"])
                    average.copy_(tensors[f"average.{index}"])
            document = self._optimiser.state_dict()
            indices = range(len(self.parameters))
            document["state"] = {i: {key: tensors[f"adam.{i}.{key}"] for key in ADAM_STATE} for i in indices}
            self._optimiser.load_state_dict(document)
            self.step = int(tensors["position"])
        # Of tensors that do not fit PyTorch makes a RuntimeError.
        except (SafetensorError, KeyError, RuntimeError) as error:
            raise ValueError(f"{path} is no checkpoint that this run could go on from") from error
