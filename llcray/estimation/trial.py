"""One trial end to end, without Ray: build or load the targets, estimate their runs, commit each as it finishes."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from llcray_storage import Dataset, StorageError
from llcray_storage.schema.status import DONE, FAILED, Status

from llcray.array_types import PyTree, Row
from llcray.components.masks import mask_of
from llcray.estimation.handovers import Handovers, with_runs_before
from llcray.estimation.in_turn import estimate_in_turn
from llcray.estimation.keeper import DatasetKeeper
from llcray.estimation.pack import RunEstimate
from llcray.estimation.probes import observed
from llcray.estimation.provenance import device, environment
from llcray.estimation.request import EstimateRequest
from llcray.estimation.rows import draw_rows, record_of, update_of, with_depths
from llcray.estimation.targets import TrialTargets
from llcray.llc.draws import Draws
from llcray.posterior.density import num_data_of, resolve_n_beta
from llcray.samplers import SamplerVariant
from llcray.sampling.engine import ProgressFn
from llcray.sampling.schedules.requests import Phase
from llcray.spec import RunSpec, TrialPlan, spec_columns
from llcray.targets.target import Target

FailureFn = Callable[[RunSpec, Exception], None]


@dataclass(frozen=True)
class TrialEvent:
    """The activity of a trial, for people who watch.

    Attributes:
        phase: `training` or `building` the target, `calibrating` a run (tuning in its own warmup, pilots of `auto`) or
            `sampling` it; compilation included.
        run_id: The run; empty while building.
        llc: Mean of the newest draws' n beta (L - L*), nats; NaN before the first.
        num_gradients: Work of the newest draws, full-data equivalents.
    """

    phase: Literal["training", "building", "calibrating", "sampling"]
    run_id: str = ""
    llc: float = math.nan
    num_gradients: float = 0.0


@dataclass(frozen=True)
class RunOutcome:
    """A run that was committed to the dataset."""

    run_id: str
    status: Status
    row: Row


def _raise(run: RunSpec, error: Exception) -> None:
    del run
    raise error


def run_trial(
    plan: TrialPlan,
    sweep: str,
    dataset: Dataset,
    observe: Callable[[TrialEvent], None] = lambda event: None,
    generations: Mapping[str, int] | None = None,
    on_failure: FailureFn = _raise,
    max_width: int | None = None,
    before: Mapping[str, RunSpec] | None = None,
) -> Iterator[RunOutcome]:
    """Does a trial, yielding each run once it is in the dataset.

    Args:
        plan: The targets and the runs wanted.
        sweep: Name of the sweep that asks.
        dataset: Where the targets and the runs go.
        observe: Called as the trial proceeds.
        generations: Generation to write of runs that are deliberately redone; the others are written once.
        on_failure: Called with a run that cannot be done, and why: its target cannot be built, or its settings do not
            suit it. Raises by default; the others are done if it does not.
        max_width: Most runs side by side; see `llcray.estimation.pack.estimate_pack`.
        before: Runs outside of the plan that runs of the plan go on from, by id. Where their ends are not kept, they
            are done once more, and not committed.

    Raises:
        Exception: Whatever building or sampling raises; runs yielded before are kept.
    """
    started_at = datetime.now(UTC)
    observe(TrialEvent(plan.target.phase))
    handovers, planned = Handovers(dataset), {run.run_id for run in plan.runs}
    needed, given = with_runs_before(plan.runs, before or {}, handovers)

    def fail(run: RunSpec, error: Exception) -> None:
        if run.run_id in planned:
            on_failure(run, error)

    wanted = _requests(TrialPlan(tuple(needed)), dataset, fail)
    if not wanted:
        return
    runs = [run for run, _, _ in wanted]
    keepers = [DatasetKeeper(dataset, run.run_id) for run in runs]
    pack = [
        (target, replace(request, keeper=keeper, handover=given.get(run.follows or "")))
        for (run, target, request), keeper in zip(wanted, keepers, strict=True)
    ]
    observe(TrialEvent("calibrating", runs[0].run_id))
    results = estimate_in_turn(
        pack, _followed(runs), _progress(runs, pack, observe), lambda index, error: fail(runs[index], error), max_width
    )
    for index, result in results:
        run = runs[index]
        target, request = pack[index]
        if run.sampling.start == "previous":
            handovers.keep(run.run_id, result.sampled.handover)
        if run.run_id not in planned:
            keepers[index].drop()
            continue
        row = _row(run, plan, sweep, target, result) | update_of(target, request.mask)
        row |= observed(run.observables, result) if run.observables else {}
        row |= {"started_at": started_at, "finished_at": datetime.now(UTC)}
        if generations and run.run_id in generations:
            row["generation"] = generations[run.run_id]
        dataset.write_run(row, draw_rows(result))
        keepers[index].drop()
        if run.follows is not None:
            handovers.drop(run.follows)
        yield RunOutcome(run.run_id, DONE, row)


def _followed(runs: Sequence[RunSpec]) -> dict[int, int]:
    """The index of the run that each run follows, by the index of the latter, where both are there."""
    places = {run.run_id: index for index, run in enumerate(runs)}
    return {index: places[run.follows] for index, run in enumerate(runs) if run.follows in places}


def _requests(
    plan: TrialPlan, dataset: Dataset, on_failure: FailureFn
) -> list[tuple[RunSpec, Target, EstimateRequest]]:
    """The requests of a trial, each with its run and its target; a target that cannot be built fails its own runs."""
    targets = TrialTargets(dataset)
    targets.prepare(list(plan.targets.values()))
    requests = []
    for run in plan.runs:
        try:
            target = targets.target_of(run)
            requests.append((run, target, _request(run, target, targets.probe_of(run))))
        except StorageError:
            raise
        except Exception as error:
            on_failure(run, error)
    return requests


def _progress(
    runs: list[RunSpec], pack: list[tuple[Target, EstimateRequest]], observe: Callable[[TrialEvent], None]
) -> ProgressFn:
    n_betas: dict[int, float] = {}

    def on_progress(index: int, phase: Phase, draws: Draws | None) -> None:
        run = runs[index]
        llc, spent = math.nan, 0.0
        if draws is not None:
            if index not in n_betas:
                n_betas[index] = _n_beta(run, pack[index][0])
            llc = n_betas[index] * draws.mean_loss
            spent = float(np.nansum(draws.num_gradients))
        observe(TrialEvent(phase, run.run_id, llc, spent))

    return on_progress


def failed_row(run: RunSpec, plan: TrialPlan, sweep: str, reason: str) -> Row:
    """The row of a run that has no estimate, with the reason."""
    return {**_identity(run, plan, sweep), "status": FAILED, "reason": reason, **environment()}


def _request(run: RunSpec, target: Target, probe: PyTree) -> EstimateRequest:
    return EstimateRequest(
        sampler=_suited(run, target),
        posterior=run.posterior,
        sampling=run.sampling,
        seed=int(run.run_id, 16),
        mask=mask_of(run.component, target.params, target.structure or run.target.structure(), run.mask_files),
        component=run.component,
        probe=probe,
    )


def _suited(run: RunSpec, target: Target) -> SamplerVariant:
    """The sampler, with a batch of all examples in a phase of training that has fewer than were asked for."""
    batch_size, num_data = getattr(run.sampler, "batch_size", None), num_data_of(target)
    if run.target.num_phases == 1 or batch_size is None or batch_size <= num_data:
        return run.sampler
    return run.sampler.model_copy(update={"batch_size": num_data})


def _n_beta(run: RunSpec, target: Target) -> float:
    return resolve_n_beta(run.posterior, num_data_of(target))


def _identity(run: RunSpec, plan: TrialPlan, sweep: str) -> Row:
    return {**with_depths(spec_columns(run)), "sweep": sweep, "trial_id": plan.trial_id}


def _row(run: RunSpec, plan: TrialPlan, sweep: str, target: Target, result: RunEstimate) -> Row:
    return {
        **_identity(run, plan, sweep),
        **record_of(result, target),
        "status": DONE,
        "precision": result.precision,
        **environment(),
        **device(),
    }
