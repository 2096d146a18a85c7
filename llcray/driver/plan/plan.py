"""Lays out the trials of a sweep and describes them (`llcray plan`). Loads neither JAX nor Ray, writes nothing."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import llcray_storage as ls
import polars as pl
from llcray_storage.errors import ObjectMissingError
from llcray_storage.schema.status import DONE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llcray.driver.machine import usable_cpus
from llcray.driver.options import SweepOptions
from llcray.driver.plan.cost import (
    MOST_TARGETS,
    CostModel,
    fit_cost_model,
    pack_size,
    total_gradients,
    unbounded_samplers,
)
from llcray.driver.plan.remaining import Remaining, find_remaining
from llcray.driver.wording import duration, labels
from llcray.report.numbers import plural
from llcray.spec import Conduct, Resources, RunSpec, Sweep, TrialPlan, load_sweep, trials
from llcray.targets.variant import TargetVariant
from llcray.terminal.console import Terminal
from llcray.variant import canonical_json

MAX_ROWS = 40
SECONDS_TO_START, SECONDS_TO_COMPILE = 10.0, 10.0
"""Of Ray, and of the programs of one network and sampler: medians on two cores, which small networks share."""


def describe_plan(path: str | Path, options: SweepOptions, console: Console | None = None) -> None:
    """Prints the runs of a sweep with their ids, trials and status, and the work that is left.

    Args:
        path: The sweep file.
        options: Options of the sweep.
        console: Where to print; the terminal by default.

    Raises:
        SpecError: The file has mistakes.
        StorageError: The dataset is there and cannot be read.
    """
    out = console or Terminal()
    sweep = load_sweep(path, options.overrides)
    dataset = open_if_there(options.storage)
    todo = find_remaining(sweep, dataset, options)
    model = cost_model(sweep, dataset)
    slots = local_slots(sweep.resources, options)
    plans = ordered_trials(todo, slots, model, sweep.conduct, options.max_pack)
    out.print(Text.assemble((sweep.name, "bold"), f": {sweep.question}"))
    out.print(_runs(sweep, todo, plans))
    if len(sweep.runs) > MAX_ROWS:
        out.print(f"... and {len(sweep.runs) - MAX_ROWS} more runs")
    out.print(_summary(sweep, todo, plans, model, slots), highlight=False, soft_wrap=True)


def open_if_there(storage: str) -> ls.Dataset | None:
    """Opens the dataset; returns None where there is none yet."""
    try:
        return ls.Dataset.open(storage)
    except ObjectMissingError:
        return None


def cost_model(sweep: Sweep, dataset: ls.Dataset | None) -> CostModel:
    """Returns a model of what runs cost, corrected by those of this sweep that are done."""
    if dataset is None:
        return CostModel()
    done = (
        ls.scan_runs(dataset.root, sweep=sweep.name)
        .filter((pl.col("status") == DONE) & (pl.col("num_gradients") > 0))
        .select("run_id", seconds=pl.col("sampling_seconds") / pl.col("num_gradients"))
        .collect()
    )
    return fit_cost_model(sweep.runs, dict(done.iter_rows()))


def local_slots(resources: Resources, options: SweepOptions) -> int:
    """Counts the trials that this machine's processors can run at a time."""
    slots = max(1, int(usable_cpus() / resources.cpus))
    return min(slots, options.max_concurrent or slots)


def ordered_trials(
    todo: Remaining, num_slots: int, model: CostModel, conduct: Conduct | None = None, max_pack: int | None = None
) -> tuple[TrialPlan, ...]:
    """Lays out trials in the order in which they start.

    Those that `conduct` wants first come first, then those that are expected to take longest, so that no long trial is
    left at the end. As many kinds of network as there are slots take turns, so that workers that start together compile
    different programs; each worker then does more of its own kind, and finds the others' programs in the cache. Within
    trials of one kind samplers take turns for the same reason.

    Args:
        todo: The runs to do.
        num_slots: Trials that run at a time.
        model: What runs cost.
        conduct: Which runs to start first; by default none.
        max_pack: Most targets in a trial; None for as many as suits.
    """
    conduct = conduct or Conduct()
    plans = _each_alone(todo.runs) if conduct.halving else _packed(todo.runs, num_slots, model, conduct, max_pack)
    longest_first = sorted(plans, key=lambda plan: -model.trial_seconds(plan.runs))
    of_network: dict[str, list[TrialPlan]] = {}
    for plan in longest_first:
        of_network.setdefault(_network(plan.target), []).append(plan)
    networks = [[_rotate_samplers(plan, number) for number, plan in enumerate(plans)] for plans in of_network.values()]
    lanes = (itertools.chain(*networks[slot::num_slots]) for slot in range(num_slots))
    in_turn = (plan for turn in itertools.zip_longest(*lanes) for plan in turn if plan is not None)
    return tuple(sorted(in_turn, key=lambda plan: min(map(conduct.rank, plan.runs))))


def _packed(
    runs: Sequence[RunSpec], num_slots: int, model: CostModel, conduct: Conduct, max_pack: int | None
) -> list[TrialPlan]:
    """Packs runs into trials, none of which mixes runs that are to start first with others."""
    of_rank: dict[int, list[RunSpec]] = {}
    for run in runs:
        of_rank.setdefault(conduct.rank(run), []).append(run)
    most = max_pack or MOST_TARGETS
    groups = (trials(group, num_slots, lambda some: min(most, pack_size(some, model))) for group in of_rank.values())
    return [plan for group in groups for plan in group]


def _each_alone(runs: Sequence[RunSpec]) -> tuple[TrialPlan, ...]:
    """Makes a trial of each run, so that a run can be given up by itself."""
    return tuple(TrialPlan((run,)) for run in runs)


def _network(target: TargetVariant) -> str:
    return canonical_json([target.kind, getattr(target, "architecture", None)])


def _rotate_samplers(plan: TrialPlan, number: int) -> TrialPlan:
    """Lets the trial that has this number among those of its network begin with the sampler of this number."""
    kinds = list(dict.fromkeys(run.sampler.kind for run in plan.runs))
    order = {target_id: place for place, target_id in enumerate(plan.targets)}

    def turn(run: RunSpec) -> tuple[int, int]:
        return order[run.target_id], (kinds.index(run.sampler.kind) - number) % len(kinds)

    return TrialPlan(tuple(sorted(plan.runs, key=turn)))


def _runs(sweep: Sweep, todo: Remaining, plans: tuple[TrialPlan, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("run", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("what", ratio=1, overflow="fold")
    table.add_column("status", no_wrap=True)
    table.add_column("gradients", justify="right", no_wrap=True)
    numbers = {run.run_id: number for number, plan in enumerate(plans, 1) for run in plan.runs}
    names = labels(sweep.runs)
    for run in sweep.runs[:MAX_ROWS]:
        number = numbers.get(run.run_id)
        status = todo.statuses.get(run.run_id, "") + (f" trial {number}" if number else "")
        table.add_row(run.run_id, run.target_id, names[run.run_id], status.strip(), f"{total_gradients(run):,.0f}")
    return table


def _summary(sweep: Sweep, todo: Remaining, plans: tuple[TrialPlan, ...], model: CostModel, num_slots: int) -> str:
    counts = f"{plural(len(sweep.runs), 'run')}: {todo.num_done} done, {todo.num_failed} failed, {len(todo.runs)} to do"
    if not todo.runs:
        return f"{counts}."
    gradients = sum(total_gradients(run) for run in todo.runs)
    unbounded = unbounded_samplers(todo.runs)
    bound = f"About {gradients:,.0f} full-data gradients ({' and '.join(unbounded)} can take more)"
    if not unbounded:
        bound = f"At most {gradients:,.0f} full-data gradients"
    seconds = sum(model.trial_seconds(plan.runs) for plan in plans) / min(num_slots, len(plans))
    seconds += SECONDS_TO_START + SECONDS_TO_COMPILE * _num_programs(todo.runs) / num_slots
    basis = "by runs that are done" if model.slowness else "a guess; the first runs will tell"
    num_targets = len({run.target_id for run in todo.runs})
    return (
        f"{counts}, in {plural(len(plans), 'trial')} of {plural(num_targets, 'target')}, {num_slots} at a time.\n"
        f"{bound}; about {duration(seconds)} here, "
        f"start and compilation included ({basis})."
    )


def _num_programs(runs: Sequence[RunSpec]) -> int:
    """Counts the pairs of network and sampler, for each of which programs are compiled."""
    pairs = {(_network(run.target), run.sampler.static_key(), run.sampling.num_chains) for run in runs}
    return len(pairs)
