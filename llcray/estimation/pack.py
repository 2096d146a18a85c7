"""Estimates LLCs: what the Python API and a sweep's trial have in common.

Requests of one compile signature, of one target or of many, run as one vmapped program. No Ray, no storage.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from llcray.estimation.prepare import FailureFn, PreparedRun, prepare_all
from llcray.estimation.request import EstimateRequest
from llcray.jax_settings import each_in_own_settings
from llcray.llc.advice import Spent
from llcray.llc.estimate import Estimate, estimate
from llcray.llc.ladder import Rung
from llcray.sampling.block import paired_batch_size
from llcray.sampling.device import widths_of
from llcray.sampling.engine import Finished, ProgressFn, execute
from llcray.sampling.job import Job
from llcray.sampling.program import make_room
from llcray.sampling.schedules.requests import Sampled
from llcray.sampling.spec import Budget
from llcray.targets.long_runs import long_run_answer
from llcray.targets.target import Target, TrueLLC


@dataclass(frozen=True)
class RunEstimate:
    """An estimate and what it was made from.

    Attributes:
        estimate: The numbers.
        sampled: Draws, burn-in and decisions.
        n_beta: n times the inverse temperature.
        num_data: n.
        num_params: Parameters of the target.
        num_sampled_params: d, those that moved.
        loss_at_center: L_n(w*), nats, float64.
        true_llc: The known answer for this very posterior where it is computable, else the asymptotic one, else None.
        asymptotic_llc: The known learning coefficient as n goes to infinity.
        pack_size: Most runs that one call of the compiled program advanced, this one included.
        loss_estimator: `full`: losses of draws are over all of the data; `paired_batch`: over batches, each at w* too.
        num_pack_splits: How often the pack was halved because the device's memory was too small.
        precision: Floating-point type that the chains lived in.
        unresolved: What float32 cannot resolve of the posterior; None where float32 resolves all of it.
        ladder: Estimates at all gammas, largest first; none where there is one gamma.
        spectrum_gradients: Work of the spectrum at w*, full-data equivalents; None where it was not taken.
    """

    estimate: Estimate
    sampled: Sampled
    n_beta: float
    num_data: int
    num_params: int
    num_sampled_params: int
    loss_at_center: float
    true_llc: TrueLLC | None
    asymptotic_llc: TrueLLC | None
    pack_size: int = 1
    num_pack_splits: int = 0
    loss_estimator: str = "full"
    precision: str = "float32"
    unresolved: str | None = None
    spectrum_gradients: float | None = None
    ladder: tuple[Rung, ...] = ()

    @property
    def inverse_temperature(self) -> float:
        """The inverse temperature, beta."""
        return self.n_beta / self.num_data


def estimate_requests(
    target: Target,
    requests: Sequence[EstimateRequest],
    on_progress: ProgressFn | None = None,
) -> Iterator[tuple[int, RunEstimate]]:
    """Estimates all requests of one target; see `estimate_pack`."""
    return estimate_pack([(target, request) for request in requests], on_progress)


def raise_failure(index: int, error: Exception) -> None:
    """Raises the error of a request that makes no sense."""
    del index
    raise error


def estimate_pack(
    wanted: Sequence[tuple[Target, EstimateRequest]],
    on_progress: ProgressFn | None = None,
    on_failure: FailureFn = raise_failure,
    max_width: int | None = None,
) -> Iterator[tuple[int, RunEstimate]]:
    """Estimates all requests, yielding `(index, estimate)` as each finishes.

    Args:
        wanted: Targets, and the estimates wanted of them. Those of one compile signature run side by side.
        on_progress: Called with a request's index, its phase and its newest draws, None while there are none.
        on_failure: Called with the index and the exception of a request that makes no sense; raises it by default.
        max_width: Most runs side by side, where the device's memory was found too small before.

    Raises:
        ValueError: A target or a request makes no sense (batch larger than n, empty component, non-finite loss).
    """
    return each_in_own_settings(_estimates(wanted, on_progress, on_failure, max_width), float64=True)


def _estimates(
    wanted: Sequence[tuple[Target, EstimateRequest]],
    on_progress: ProgressFn | None,
    on_failure: FailureFn,
    max_width: int | None,
) -> Iterator[tuple[int, RunEstimate]]:
    """Estimates all requests where 64-bit types are enabled; see `estimate_pack`."""
    prepared = prepare_all(wanted, on_failure)
    groups: dict[Hashable, list[int]] = {}
    for index, run in prepared.items():
        groups.setdefault(_signature(run.job), []).append(index)
    for group in groups.values():
        make_room()
        jobs = [prepared[index].job for index in group]
        widths = widths_of(jobs[0].posterior, jobs[0].num_chains).at_most(max_width)
        for finished in execute(jobs, widths, _renumber(on_progress, group)):
            index = group[finished.index]
            yield index, _finish(*wanted[index], prepared.pop(index), finished)


def _renumber(on_progress: ProgressFn | None, group: list[int]) -> Any:
    return None if on_progress is None else lambda index, phase, draws: on_progress(group[index], phase, draws)


def _signature(job: Job) -> Hashable:
    """A key that is equal for runs whose compiled programs are the same."""
    leaves, treedef = jax.tree.flatten(job.posterior)
    shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
    return treedef, shapes, job.kernel, job.num_chains, job.projection_dimension


def _finish(target: Target, request: EstimateRequest, run: PreparedRun, finished: Finished) -> RunEstimate:
    job, facts, sampled = run.job, run.facts, finished.sampled
    oracle = target.oracle if facts.num_sampled_params == num_params_of(target) else None
    asymptotic = oracle.asymptotic() if oracle else None
    exact = oracle.at_temperature(facts.n_beta, sampled.localization) if oracle else None
    if exact is None and target.oracle:
        exact = long_run_answer(target.target_id, facts.n_beta, sampled.localization, request.component)
    precision = str(job.posterior.center.dtype)
    has_exact_losses = paired_batch_size(job.kernel, job.posterior) is None
    return RunEstimate(
        estimate=estimate(
            sampled.draws,
            num_warmup_draws=sampled.num_warmup_draws,
            n_beta=facts.n_beta,
            localization=sampled.localization,
            num_sampled_params=facts.num_sampled_params,
            work=finished.work,
            seen_share=sampled.seen_share,
            importance=sampled.importance,
            limit=sampled.limit,
            draws_are_means=facts.sampler.draws_are_means,
            unpredicted_bias=facts.sampler.caveat or "",
            step_bias=sampled.step_bias,
            bias_is_inconsistent=sampled.bias_is_inconsistent,
            restarts_exhausted=sampled.restarts_exhausted,
            unresolved=run.unresolved if run.unresolved and precision == "float32" else "",
            spectrum=run.spectrum,
            has_automatic_localization=run.has_automatic_localization,
            has_exact_losses=has_exact_losses,
            spent=_spent(facts.sampling.budget, finished),
            budget_of_warmup=sampled.budget_of_warmup,
        ),
        sampled=sampled,
        n_beta=facts.n_beta,
        num_data=facts.num_data,
        num_params=num_params_of(target),
        num_sampled_params=facts.num_sampled_params,
        loss_at_center=float(np.asarray(job.posterior.loss_at_center)),
        true_llc=exact or asymptotic,
        asymptotic_llc=asymptotic,
        pack_size=job.pack_size,
        num_pack_splits=job.num_splits,
        loss_estimator="full" if has_exact_losses else "paired_batch",
        precision=precision,
        unresolved=run.unresolved,
        spectrum_gradients=run.spectrum.num_gradients if run.spectrum else None,
    )


def _spent(budget: Budget, finished: Finished) -> Spent:
    work, num_draws = finished.work, finished.sampled.draws.num_draws
    return Spent(budget.num_gradients, budget.num_draws, work.num_gradients, work.warmup_gradients, num_draws)


def num_params_of(target: Target) -> int:
    """Number of parameters of a target."""
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(target.params))
