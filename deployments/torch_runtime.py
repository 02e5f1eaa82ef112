"""torch on the processor an engine was given, and within its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.runtime import DeviceUnavailable, Runtime

if TYPE_CHECKING:
    import torch


def torch_device(runtime: Runtime) -> torch.device:
    """The processor asked for, with this process kept to the threads and memory it was given.

    Raises :class:`DeviceUnavailable` when a GPU was asked for and torch sees none.
    """
    # Heavy, and absent from the embedded profile.
    import torch

    torch.set_num_threads(runtime.threads)
    if runtime.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceUnavailable("a model was to run on a GPU, but torch sees none; check it with `masquerade doctor`")
    if runtime.memory_mb:
        _, total = torch.cuda.mem_get_info()
        torch.cuda.set_per_process_memory_fraction(min(1.0, runtime.memory_mb * 2**20 / total))
    return torch.device("cuda")
