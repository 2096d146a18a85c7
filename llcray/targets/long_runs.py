"""Finite-temperature answers that no formula gives: means of long exact chains, kept in a table.

`benchmarks/long_runs.py` makes the table. A row holds for one target and component at one n beta and gamma, and for no
other: all move the answer, and an answer that is nearly the right one hides errors of its own size.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from llcray.components.grammar import ALL
from llcray.targets.target import TrueLLC

TABLE = Path(__file__).with_name("long_runs.csv")
# n beta and gamma are the same if they differ by less than this share: rounding of curvature on other machines.
SAME = 1e-4


class LongRun(NamedTuple):
    """A row of the table.

    Attributes:
        target_id: Content id of the target's spec.
        name: The target for people.
        n_beta: n times the inverse temperature.
        localization: gamma.
        value: t E[L - L*], nats.
        mcse: Its Monte Carlo standard error.
        rhat: Split R-hat.
        num_gradients: Work, full gradients.
        sampler: What drew.
        component: Subset of parameters that was sampled.
    """

    target_id: str
    name: str
    n_beta: float
    localization: float
    value: float
    mcse: float
    rhat: float
    num_gradients: float
    sampler: str
    component: str = ALL


class LongRunsAlone:
    """The oracle of targets whose answer no formula gives: at most the table of long runs has it."""

    def asymptotic(self) -> None:
        """Nothing is known as n goes to infinity."""

    def at_temperature(self, n_beta: float, localization: float) -> None:
        """No formula."""
        del n_beta, localization


def long_run_answer(target_id: str, n_beta: float, localization: float, component: str = ALL) -> TrueLLC | None:
    """t E[L - L*] of a target's component at n beta and gamma; None where no row has all of them."""
    for run in table().get(target_id, ()):
        if run.component != component:
            continue
        if abs(run.n_beta / n_beta - 1) < SAME and abs(run.localization - localization) < SAME * localization:
            source = f"long run of {run.sampler}: {run.num_gradients:.0f} gradients, R-hat {run.rhat:.3f}"
            return TrueLLC(run.value, "finite_temperature", source, mcse=run.mcse)
    return None


@cache
def table() -> dict[str, tuple[LongRun, ...]]:
    """All rows, by target."""
    rows: dict[str, tuple[LongRun, ...]] = {}
    for run in read_table(TABLE):
        rows[run.target_id] = (*rows.get(run.target_id, ()), run)
    return rows


def read_table(path: Path) -> list[LongRun]:
    """The rows of a file; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [_parsed(row) for row in csv.DictReader(file)]


def write_table(path: Path, runs: list[LongRun]) -> None:
    """Writes rows, ordered by name, at the precision their errors leave."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(LongRun._fields)
        for run in sorted(runs, key=lambda run: (run.name, run.localization)):
            numbers = run._replace(value=_short(run.value), mcse=_short(run.mcse, 3), rhat=round(run.rhat, 4))
            writer.writerow(numbers)


def _short(value: float, digits: int = 6) -> float:
    return float(f"{value:.{digits}g}")


def _parsed(row: dict[str, str]) -> LongRun:
    texts = {"target_id", "name", "sampler", "component"}
    return LongRun(**{key: value if key in texts else float(value) for key, value in row.items()})  # pyright: ignore
