"""ArviZ's statistics of arrays of shape (chain, draw), without the rest of ArviZ.

`import arviz_stats.base.array` runs the `__init__` of ArviZ first, which loads xarray, pandas and matplotlib: half a
second of processor time in every worker and every `llcray diagnose`. Here the module alone is loaded, as a copy that
ArviZ does not know: `import arviz_stats` later gives all of ArviZ.
"""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

ARVIZ, BASE, ARRAY = "arviz_stats", "arviz_stats.base", "arviz_stats.base.array"


def _load_alone() -> ModuleType:
    """Loads ArviZ's module of arrays with empty packages around it, and forgets all three again."""
    if ARVIZ in sys.modules:
        return importlib.import_module(ARRAY)
    spec = find_spec(ARVIZ)
    assert spec is not None and spec.submodule_search_locations is not None
    for name in (ARVIZ, BASE):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [
            str(Path(place, *name.split(".")[1:])) for place in spec.submodule_search_locations
        ]
    try:
        return importlib.import_module(ARRAY)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == ARVIZ]:
            del sys.modules[name]


# ArviZ types these methods as returning anything that an xarray may hold; of arrays they return numbers.
array_stats: Any = _load_alone().array_stats
"""`ess`, `rhat`, `mcse`, `autocorr`, `bfmi` and others, of arrays of shape (chain, draw)."""
