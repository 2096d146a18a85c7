"""Writes durations, counts and short names of runs for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from llcray.spec import RunSpec, spec_columns

UNNAMED = ("run_id", "target_id", "series_id", "trajectory_id", "pretraining", "spec", "sampler_kind")
OF_FOLDERS = ("target_path", "target_sha256", "target_trajectory")
PARTS = ("architecture_", "teacher_", "data_", "noise_", "training_", "sampler_", "target_")
WORDS = ("label", "kind", "activation", "component", "preconditioner")
LONGEST_VALUE = 24


def duration(seconds: float) -> str:
    """Writes a duration as `12 s`, `3 min 20 s` or `2 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def plural(count: int, noun: str) -> str:
    """Writes a count with its noun, as `1 run` or `2 runs`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def labels(runs: Sequence[RunSpec]) -> dict[str, str]:
    """Names each run, by run id, by what tells it from the others of its sweep.

    A label has the run's sampler, then the value of every column in which the runs differ.

    Args:
        runs: All runs of the sweep.
    """
    columns = {run.run_id: spec_columns(run) for run in runs}
    values: dict[str, set[str]] = {}
    for row in columns.values():
        for name, value in row.items():
            if name not in (*UNNAMED, *OF_FOLDERS):
                values.setdefault(name, set()).add(repr(value))
    differing = [name for name, distinct in values.items() if len(distinct) > 1]
    return {run_id: _label(row, differing) for run_id, row in columns.items()}


def _label(row: Mapping[str, Any], names: Sequence[str]) -> str:
    parts = [str(row["sampler_kind"])]
    for name in names:
        value = row.get(name)
        if value is not None:
            parts.append(_part(name, f"{value:g}" if isinstance(value, float) else str(value)))
    return " ".join(parts)


def _part(name: str, text: str) -> str:
    """Writes one column of a label.

    A word that names itself, such as `relu`, stands alone. A number follows its column's name, without the part of the
    target that the column belongs to: `rate 0.2` for `noise_rate`.
    """
    shown = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
    if name.endswith(WORDS):
        return shown
    bare = next((name.removeprefix(part) for part in PARTS if name.startswith(part)), name)
    return f"{bare} {shown}"
