"""Short names of runs for people: what tells a run from the others of its sweep."""

from collections.abc import Mapping, Sequence
from typing import Any

from llcray.spec import RunSpec, spec_columns

UNNAMED = ("run_id", "target_id", "spec")
WORDS_THAT_NAME_THEMSELVES = ("kind", "activation", "component", "preconditioner")


def labels(runs: Sequence[RunSpec]) -> dict[str, str]:
    """A label for each run id: its sampler, then every column in which the runs differ.

    Args:
        runs: All runs of the sweep.
    """
    columns = {run.run_id: spec_columns(run) for run in runs}
    values: dict[str, set[str]] = {}
    for row in columns.values():
        for name, value in row.items():
            values.setdefault(name, set()).add(repr(value))
    differing = [name for name, seen in values.items() if name not in UNNAMED and _differs(name, seen, columns)]
    return {run_id: _label(row, differing) for run_id, row in columns.items()}


def _differs(name: str, seen: set[str], columns: Mapping[str, Mapping[str, Any]]) -> bool:
    if name == "sampler_kind":
        return False
    return len(seen) > 1 or (len(columns) > 1 and not all(name in row for row in columns.values()))


def _label(row: Mapping[str, Any], names: Sequence[str]) -> str:
    parts = [str(row["sampler_kind"])]
    for name in names:
        value = row.get(name)
        if value is None:
            continue
        last = name.rsplit("_", 1)[-1]
        text = f"{value:g}" if isinstance(value, float) else str(value)
        parts.append(text if last in WORDS_THAT_NAME_THEMSELVES else f"{last} {text}")
    return " ".join(parts)
