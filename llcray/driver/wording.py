"""Writes durations and short names of runs for people."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from llcray.spec import RunSpec, columns_of_part

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


def labels(runs: Sequence[RunSpec]) -> dict[str, str]:
    """Names each run, by run id, by what tells it from the others of its sweep.

    A label has the run's sampler, then the value of every column in which the runs differ.

    Args:
        runs: All runs of the sweep.
    """
    # Runs share their parts, so the columns of a part are found once, by the identity of its value.
    columns: dict[tuple[str, int], dict[str, Any]] = {}
    values: dict[str, set[str]] = {}
    for key, value in (part for run in runs for part in _parts(run)):
        if key not in columns:
            columns[key] = columns_of_part(key[0], value)
            for name, cell in columns[key].items():
                if name not in (*UNNAMED, *OF_FOLDERS):
                    values.setdefault(name, set()).add(repr(cell))
    order = {name: place for place, name in enumerate(name for name, cells in values.items() if len(cells) > 1)}
    texts = {
        key: [(order[name], _text(name, cell)) for name, cell in row.items() if name in order and cell is not None]
        for key, row in columns.items()
    }
    return {run.run_id: " ".join([run.sampler.kind, *_in_order(texts[key] for key, _ in _parts(run))]) for run in runs}


def _parts(run: RunSpec) -> Iterator[tuple[tuple[str, int], Any]]:
    """The fields of a run: the value of each, after its name and the identity of the value."""
    for name in RunSpec.model_fields:
        value = getattr(run, name)
        yield (name, id(value)), value


def _in_order(texts: Iterable[Sequence[tuple[int, str]]]) -> list[str]:
    return [text for _, text in sorted(itertools.chain.from_iterable(texts))]


def _text(name: str, value: Any) -> str:
    return _part(name, f"{value:g}" if isinstance(value, float) else str(value))


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
