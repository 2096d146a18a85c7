"""ArviZ's statistics of arrays are loaded without the rest of ArviZ, and leave ArviZ as it is."""

import subprocess
import sys

PROGRAM = """
import sys
import numpy as np
from llcray.array_statistics import array_stats
loaded = [name for name in ("xarray", "pandas", "matplotlib", "arviz_stats") if name in sys.modules]
assert not loaded, loaded
draws = np.random.default_rng(0).normal(size=(4, 500))
ours = array_stats.ess(draws, method="bulk"), array_stats.rhat(draws, method="rank")
import arviz_stats.base.array
theirs = arviz_stats.base.array.array_stats
assert arviz_stats.base.array_stats is theirs and callable(arviz_stats.rhat)
assert ours == (theirs.ess(draws, method="bulk"), theirs.rhat(draws, method="rank"))
"""


def test_statistics_of_arrays_load_nothing_else_and_arviz_is_whole_afterwards():
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
