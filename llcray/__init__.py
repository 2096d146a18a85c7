"""llcray: local learning coefficients of neural networks, swept on Ray into a Parquet dataset.

Importing this loads neither JAX nor Ray; the names below do when they are first used.
"""

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llcray import samplers as samplers
    from llcray.api import LLCEstimate as LLCEstimate
    from llcray.api import estimate_llc as estimate_llc
    from llcray.components.structure import Structure as Structure
    from llcray.posterior.spec import PosteriorSpec as PosteriorSpec
    from llcray.sampling.spec import SamplingSpec as SamplingSpec
    from llcray.targets.target import Target as Target
    from llcray.tracking.tracker import LLCTracker as LLCTracker

    __version__: str

_HOME = {
    "LLCEstimate": "llcray.api",
    "LLCTracker": "llcray.tracking.tracker",
    "PosteriorSpec": "llcray.posterior.spec",
    "Structure": "llcray.components.structure",
    "SamplingSpec": "llcray.sampling.spec",
    "Target": "llcray.targets.target",
    "estimate_llc": "llcray.api",
}


def __getattr__(name: str) -> Any:
    """The public names, loaded on first use (PEP 562)."""
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name == "samplers":
        return importlib.import_module("llcray.samplers")
    if name == "__version__":
        return version("llcray")
    raise AttributeError(f"module 'llcray' has no attribute {name!r}; it has {', '.join(__dir__())}.")


def __dir__() -> list[str]:
    return sorted([*_HOME, "samplers", "__version__"])
