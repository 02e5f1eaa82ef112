"""What a style network is made of, for who brings one of their own: checked before it is published, not when it is to serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deployments.runtime import Runtime, onnx_session
from registry.formats import check_file
from registry.manifest import ModelVersion

# Of each graph the inputs and the output, in the order of the sentence below.
_GRAPHS: Final[Mapping[str, tuple[tuple[str, str], str]]] = {
    "network.onnx": (("image", "style"), "painting"),
    "statistics.onnx": (("image", "style"), "affine"),
    "frozen.onnx": (("image", "affine"), "painting"),
}
_NUMBERS: Final = ("style_size", "multiple", "receptive_radius")
WANTED: Final = (
    "A style network is three graphs of the same weights, network.onnx (image [N,3,H,W] and style [N,P] give painting "
    "[N,3,H,W]), statistics.onnx (image and style give affine [N,P]) and frozen.onnx (image and affine give painting), with "
    "P as style_size, multiple and receptive_radius in its input contract: what `python -m training.style.export` writes. "
    "A network with styles built in cannot serve; `masquerade style add` learns a style from a painting"
)


def check_network(version: ModelVersion) -> None:
    """Raise ``ValueError`` where ``version`` lacks a graph, or one has other inputs or another output than the painter's.

    A file that is listed and not there is left to who publishes it. Raises ``UnsafeFile`` for what must not be opened.
    """
    if (problem := _problem(version)) is not None:
        raise ValueError(f"{version.ref} is no style network: {problem}. {WANTED}")


def _problem(version: ModelVersion) -> str | None:
    listed = {entry.name for entry in version.manifest.files}
    for name, (inputs, output) in _GRAPHS.items():
        if name not in listed:
            return f"it has no {name}"
        path = version.path(name)
        if not path.is_file():
            continue
        check_file(path)
        try:
            session = onnx_session(path, Runtime())
        except Exception as error:  # ONNX Runtime has no base class for what it finds wrong with a graph.
            return f"{name} cannot be opened ({' '.join(str(error).split())})"
        takes, gives = ([value.name for value in values] for values in (session.get_inputs(), session.get_outputs()))
        if sorted(takes) != sorted(inputs) or gives != [output]:
            return f"{name} takes {', '.join(takes)} and gives {', '.join(gives)}"
    contract = version.manifest.input
    if missing := [name for name in _NUMBERS if not isinstance(contract.get(name), int)]:
        return f"its input contract has no {', '.join(missing)}"
    return None
