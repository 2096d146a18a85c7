"""Numbers of layers and heads of a target, from its spec alone: sweeps are laid out without JAX."""

from collections.abc import Callable
from typing import Any

from llcray.components.structure import Structure


def structure_of(spec: Any) -> Structure | None:
    """What a spec says of layers and heads; None where it says nothing."""
    found: Callable[[], Structure | None] | None = getattr(spec, "structure", None)
    if found is not None:
        return found()
    architecture = getattr(spec, "architecture", None)
    if architecture is None:
        return None
    num_layers = getattr(architecture, "num_layers", None) or getattr(architecture, "depth", None)
    widths = getattr(architecture, "widths", None)
    if num_layers is None and widths is not None:
        num_layers = len(widths)
    return Structure(num_layers, getattr(architecture, "num_heads", None), getattr(architecture, "num_kv_heads", None))
