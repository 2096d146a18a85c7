"""Validation: runs the suite in this process, one run at a time, into a dataset, and prints the comparison."""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from llcray_storage import Dataset, StorageError, scan_runs
from llcray_storage.schema.status import DONE
from rich.console import Console

from llcray.report.numbers import rounded
from llcray.spec import TrialPlan
from llcray.terminal.console import Terminal
from llcray.validation.routes import print_routes
from llcray.validation.suite import Size, SuiteRun, suite_runs
from llcray.validation.summary import compared, scores, with_long_runs
from llcray.validation.tables import print_traps, print_validation
from llcray.validation.traps import Trap, traps_of

SWEEP = "validation"
ALL_OK, SOME_FAILED = 0, 1


@dataclass(frozen=True)
class ValidationOptions:
    """Options of the command `llcray validate`.

    Attributes:
        storage: Root of the dataset.
        size: Size of the suite.
        kinds: Kinds of samplers in place of the suite's own.
        force: Whether runs that the dataset has are computed again.
    """

    storage: str
    size: Size = "default"
    kinds: tuple[str, ...] = ()
    force: bool = False


def validate(options: ValidationOptions, console: Console | None = None) -> int:
    """Estimates what the dataset does not have yet and prints the comparison.

    Returns:
        Exit code: 0, or 1 if a run has no estimate.

    Raises:
        StorageError: The dataset cannot be used.
    """
    sprung = [trap for trap in traps_of(options.size) if not options.kinds or trap.kind in options.kinds]
    suite, console = suite_runs(options.size, options.kinds), console or Terminal()
    exit_code = validate_runs(suite, options.storage, options.force, console, sprung)
    if options.size == "routes":
        print_routes(_rows(suite, options.storage), console)
    return exit_code


def validate_runs(
    suite: Sequence[SuiteRun], storage: str, force: bool, console: Console, traps: Sequence[Trap] = ()
) -> int:
    """Estimates runs and traps that the dataset does not have yet and prints the comparison; returns the exit code."""
    dataset = Dataset.create_or_open(storage)
    everything = (*suite, *(SuiteRun(trap.name, trap.kind, trap.spec) for trap in traps))
    todo = everything if force else _unfinished(everything, dataset)
    started, cpu_started = time.monotonic(), time.process_time()
    _estimate(todo, everything, dataset, console)
    rows = _rows(suite, storage)
    runs = compared(rows)
    print_validation(runs, scores(rows, list(dict.fromkeys(run.kind for run in suite))), console)
    unnoticed = print_traps(traps, storage_verdicts(storage), console) if traps else 0
    spent = f"{rounded(time.monotonic() - started, 0)} s, {rounded(time.process_time() - cpu_started, 0)} s of CPU"
    console.print(_closing_line(len(todo), len(everything), spent), highlight=False, soft_wrap=True)
    command = shlex.join(["llcray", "report", storage, "--sweep", SWEEP])
    console.print(command, markup=False, highlight=False, soft_wrap=True)
    return ALL_OK if runs["has_estimate"].all() and not unnoticed else SOME_FAILED


def storage_verdicts(storage: str) -> dict[str, str]:
    """Verdict of each run by id; `failed` where an exception ended the run."""
    columns = scan_runs(storage, SWEEP).select("run_id", "verdict", "status").collect()
    return {run_id: verdict or status for run_id, verdict, status in columns.rows()}


def _closing_line(num_done: int, num_runs: int, spent: str) -> str:
    done = f"{num_done} runs in {spent}, compilation included" if num_done else ""
    there = f"{num_runs - num_done} of {num_runs} were there already (--force: again)"
    return "; ".join(part for part in (done, there if num_done < num_runs else "") if part) + "."


def _unfinished(suite: Sequence[SuiteRun], dataset: Dataset) -> tuple[SuiteRun, ...]:
    """The runs that have no estimate; those that failed are among them, to be tried again."""
    statuses = dataset.finished(SWEEP)
    return tuple(run for run in suite if statuses.get(run.spec.run_id) != DONE)


def _estimate(todo: Sequence[SuiteRun], suite: Sequence[SuiteRun], dataset: Dataset, console: Console) -> None:
    """Estimates the runs in turn; a run that has a row already gets a row of the next generation."""
    generations = {run_id: generation + 1 for run_id, generation in dataset.generations(SWEEP).items()}
    started = time.monotonic()
    with console.status("loading JAX") as status:
        for position, run in enumerate(todo, len(suite) - len(todo) + 1):
            where = f"{position} of {len(suite)}: {run.case}, {run.kind}"
            status.update(f"{where}; {rounded(time.monotonic() - started, 0)} s so far")
            if not console.is_terminal:
                console.print(where, markup=False, highlight=False)
            _estimate_one(run, dataset, generations)


def _estimate_one(run: SuiteRun, dataset: Dataset, generations: Mapping[str, int]) -> None:
    """Estimates and commits a run; an exception becomes a row with status `failed`."""
    from llcray.estimation.trial import failed_row, run_trial

    plan = TrialPlan((run.spec,))
    try:
        for _ in run_trial(plan, SWEEP, dataset, generations=generations):
            pass
    except StorageError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        row = failed_row(run.spec, plan, SWEEP, reason)
        if run.spec.run_id in generations:
            row["generation"] = generations[run.spec.run_id]
        dataset.write_run(row)


def _rows(suite: Sequence[SuiteRun], storage: str) -> pl.DataFrame:
    """The rows of the suite in its order, with column `case`."""
    names = pl.DataFrame({"run_id": [run.spec.run_id for run in suite], "case": [run.case for run in suite]})
    rows = names.join(scan_runs(storage, SWEEP).collect(), on="run_id", how="inner", maintain_order="left")
    return with_long_runs(rows)
