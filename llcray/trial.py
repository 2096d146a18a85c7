"""One trial end to end, without Ray: build or load the targets, estimate their runs, commit each as it finishes."""

import math
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from llcray_storage import Dataset, StorageError

from llcray.estimation import EstimateRequest, RunEstimate, estimate_pack
from llcray.llc.draws import Draws
from llcray.spec import RunSpec, TrialPlan, spec_columns
from llcray.targets.artifact import load_or_build
from llcray.targets.target import Target

Row = dict[str, Any]


@dataclass(frozen=True)
class TrialEvent:
    """What a trial is doing, for people who watch.

    Attributes:
        phase: `building` the targets, or `sampling` a run (compilation included).
        run_id: The run; empty while building.
        llc: Mean of the newest draws' n beta (L - L*), nats; NaN before the first.
        num_gradients: Work of the newest draws, full-data equivalents.
    """

    phase: Literal["building", "sampling"]
    run_id: str = ""
    llc: float = math.nan
    num_gradients: float = 0.0


@dataclass(frozen=True)
class RunOutcome:
    """A run that was committed to the dataset."""

    run_id: str
    status: Literal["ok", "failed"]
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
    on_failure: Callable[[RunSpec, Exception], None] = _raise,
    max_width: int | None = None,
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
        max_width: Most runs side by side; see `estimate_pack`.

    Raises:
        Exception: Whatever building or sampling raises; runs yielded before are kept.
    """
    started_at = datetime.now(UTC)
    observe(TrialEvent("building"))
    built = _build_all(plan, dataset, on_failure)
    runs = [run for run in plan.runs if run.target_id in built]
    if not runs:
        return
    n_betas: dict[int, float] = {}

    def on_progress(index: int, draws: Draws) -> None:
        run = runs[index]
        if index not in n_betas:
            n_betas[index] = _n_beta(run, built[run.target_id])
        llc = n_betas[index] * float(np.nanmean(draws.centered_loss)) if draws.healthy.any() else math.nan
        observe(TrialEvent("sampling", run.run_id, llc, float(np.nansum(draws.num_gradients))))

    observe(TrialEvent("sampling", runs[0].run_id))
    wanted = [(built[run.target_id], _request(run)) for run in runs]
    results = estimate_pack(wanted, on_progress, lambda index, error: on_failure(runs[index], error), max_width)
    for index, result in results:
        run = runs[index]
        row = _row(run, plan, sweep, built[run.target_id], result)
        row |= {"started_at": started_at, "finished_at": datetime.now(UTC)}
        if generations and run.run_id in generations:
            row["generation"] = generations[run.run_id]
        dataset.write_run(row, _draw_rows(result))
        yield RunOutcome(run.run_id, "ok", row)


def _build_all(
    plan: TrialPlan, dataset: Dataset, on_failure: Callable[[RunSpec, Exception], None]
) -> dict[str, Target]:
    """Targets by id; one that cannot be built fails its own runs alone."""
    built = {}
    for target_id, spec in plan.targets.items():
        try:
            built[target_id] = load_or_build(spec, dataset)
        except StorageError:
            raise
        except Exception as error:
            for run in plan.runs:
                if run.target_id == target_id:
                    on_failure(run, error)
    return built


def failed_row(run: RunSpec, plan: TrialPlan, sweep: str, reason: str) -> Row:
    """The row of a run that has no estimate, with the reason."""
    return {**_identity(run, plan, sweep), "status": "failed", "reason": reason, **_environment()}


def _request(run: RunSpec) -> EstimateRequest:
    return EstimateRequest(
        sampler=run.sampler,
        posterior=run.posterior,
        sampling=run.sampling,
        seed=int(run.run_id, 16),
        component=run.component,
    )


def _n_beta(run: RunSpec, target: Target) -> float:
    from llcray.posterior import num_data_of, resolve_n_beta

    return resolve_n_beta(run.posterior, num_data_of(target))


def _identity(run: RunSpec, plan: TrialPlan, sweep: str) -> Row:
    return {**spec_columns(run), "sweep": sweep, "trial_id": plan.trial_id}


def _row(run: RunSpec, plan: TrialPlan, sweep: str, target: Target, result: RunEstimate) -> Row:
    estimate = asdict(result.estimate)
    facts = asdict(target.facts)
    return {
        **_identity(run, plan, sweep),
        **facts,
        **estimate,
        **_truth(result),
        "status": "ok",
        "n_beta": result.n_beta,
        "inverse_temperature": result.inverse_temperature,
        "localization": result.sampled.localization,
        "step_size": result.sampled.step_size,
        "steps_per_draw": result.sampled.steps_per_draw,
        "calibration": _json(result.sampled.decisions),
        "is_likelihood": target.is_likelihood,
        "warnings": warnings_of(result),
        "pack_size": result.pack_size,
        "num_data": result.num_data,
        "num_params": result.num_params,
        "num_sampled_params": result.num_sampled_params,
        "loss_at_center": result.loss_at_center,
        "precision": run.sampler.precision,
        **_environment(),
        **_device(),
    }


def warnings_of(result: RunEstimate) -> list[str]:
    """What a reader should know beside the verdict."""
    warnings = []
    dispersion = result.estimate.dispersion
    if math.isfinite(dispersion) and not 0.5 <= dispersion <= 2.0:
        warnings.append(
            f"dispersion {dispersion:.2f}: n beta (L - L*) is not Gamma distributed (1 expected); "
            "the posterior is not scale-free at this temperature"
        )
    if result.num_pack_splits:
        warnings.append(
            f"out of memory: the runs done side by side were halved {result.num_pack_splits} times, to "
            f"{result.pack_size} at most"
        )
    return warnings


def _truth(result: RunEstimate) -> Row:
    true, asymptotic = result.true_llc, result.asymptotic_llc
    row: Row = {}
    if true is not None:
        row |= {"true_llc": true.value, "true_llc_kind": true.kind, "true_llc_source": true.source}
    if asymptotic is not None:
        row |= {"true_llc_asymptotic": asymptotic.value, "true_multiplicity": asymptotic.multiplicity}
    return row


def _draw_rows(result: RunEstimate) -> list[Row]:
    draws, rows = result.sampled.draws, []
    for chain in range(draws.num_chains):
        finite = np.isfinite(draws.centered_loss[chain])
        failed_at = None if finite.all() else int(np.argmin(finite))
        rows.append(
            {
                "chain": chain,
                "status": "ok" if failed_at is None else "failed",
                "failed_at": failed_at,
                "n_beta": result.n_beta,
                "step_size": result.sampled.step_size,
                "num_warmup_draws": result.sampled.num_warmup_draws,
                "centered_loss": draws.centered_loss[chain],
                "squared_distance": draws.squared_distance[chain],
                "acceptance_rate": draws.acceptance_rate[chain],
                "heat": draws.heat[chain],
                "energy": draws.energy[chain],
                "energy_change": draws.energy_change[chain],
                **_projection(draws, chain),
            }
        )
    return rows


def _projection(draws: Draws, chain: int) -> Row:
    dimension = draws.projection.shape[2]
    return {"projection": draws.projection[chain], "projection_dimension": dimension} if dimension else {}


@cache
def _environment() -> Row:
    return {
        "llcray_version": version("llcray"),
        "jax_version": version("jax"),
        "blackjax_version": version("blackjax"),
        "python_version": platform.python_version(),
        "host": platform.node(),
    }


@cache
def _device() -> Row:
    import jax

    device = jax.devices()[0]
    return {"device_kind": device.device_kind, "device_platform": device.platform}


def _json(value: Any) -> str | None:
    import json

    return json.dumps(value) if value else None
