"""Event files of TensorBoard: a folder a run, for a sweep under way and for what a dataset holds.

The scalars of an estimate are `estimate/llc`, `estimate/llc_sampling_se`, ...; its verdict is a text.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONGEST_NAME = 120


def folder_of(root: Path, sweep: str, name: str, run_id: str) -> Path:
    """The folder of a run's event files, named so that dashboards list runs by what tells them apart."""
    legible = re.sub(r"[^\w.=+-]+", "_", name).strip("_")[:LONGEST_NAME]
    return root / sweep / f"{legible}-{run_id[:8]}"


def write_estimate(
    writer: Any, numbers: Mapping[str, float], verdict: str, step: int, seconds: float | None = None
) -> None:
    """Writes an estimate to a writer of event files.

    Args:
        writer: A `SummaryWriter`.
        numbers: Numbers by the names of their columns; those that are not finite are left out.
        verdict: Verdict, or why there is no estimate.
        step: Place along the axis of the charts.
        seconds: Time of the estimate, seconds since 1970; None for now.
    """
    for name, value in numbers.items():
        if math.isfinite(value):
            writer.add_scalar(f"estimate/{name}", value, step, walltime=seconds)
    writer.add_text("verdict", verdict, step, walltime=seconds)
