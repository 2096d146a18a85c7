"""Estimates LLCs: what the Python API and a sweep's trial have in common.

Requests of one compile signature, of one target or of many, run as one vmapped program. No Ray, no storage.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llcray.llc.estimate import Estimate, estimate
from llcray.posterior.density import (
    EXAMPLES_PER_CHUNK,
    Posterior,
    make_posterior,
    num_data_of,
    resolve_localization,
    resolve_n_beta,
)
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import SamplerVariant
from llcray.samplers.kernel import build_kernel
from llcray.sampling.block import paired_batch_size
from llcray.sampling.curvature import curvature_scales
from llcray.sampling.device import chains_together, widths_of
from llcray.sampling.engine import Finished, ProgressFn, execute
from llcray.sampling.job import Job
from llcray.sampling.program import make_room
from llcray.sampling.progress import Keeper
from llcray.sampling.schedules.choice import schedule_of
from llcray.sampling.schedules.requests import RunFacts, Sampled
from llcray.sampling.spec import SamplingSpec
from llcray.targets.long_runs import long_run_answer
from llcray.targets.target import PyTree, Target, TrueLLC

FailureFn = Callable[[int, Exception], None]


@dataclass(frozen=True)
class EstimateRequest:
    """One estimate wanted of a target.

    Attributes:
        sampler: The sampler's spec.
        posterior: beta and gamma.
        sampling: Chains, criteria, budget.
        seed: Integer that all randomness of the run derives from.
        mask: Which coordinates move (see `make_posterior`); None for all.
        component: Name of that choice; requests of one component share a posterior.
        temperature: Multiple of 1/beta to sample at, with the gamma of beta (see `llcray.estimation.companions`).
        probe: Examples whose losses are recorded at each draw; None for none.
        keeper: Where the run is kept while unfinished; None where it is not.
    """

    sampler: SamplerVariant
    posterior: PosteriorSpec
    sampling: SamplingSpec
    seed: int
    mask: PyTree | None = None
    component: str = "all"
    temperature: float = 1.0
    probe: PyTree = None
    keeper: Keeper | None = None


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
        caveat: What the sampler has to say of its estimates.
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
    caveat: str | None = None

    @property
    def inverse_temperature(self) -> float:
        """beta."""
        return self.n_beta / self.num_data


def estimate_requests(
    target: Target,
    requests: Sequence[EstimateRequest],
    on_progress: ProgressFn | None = None,
) -> Iterator[tuple[int, RunEstimate]]:
    """Estimates all requests of one target; see `estimate_pack`."""
    return estimate_pack([(target, request) for request in requests], on_progress)


def raise_failure(index: int, error: Exception) -> None:
    """What is done with a request that cannot be, unless someone else takes it."""
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
    with jax.enable_x64(True):
        prepared = _prepare_all(wanted, on_failure)
        groups: dict[Hashable, list[int]] = {}
        for index, (job, _) in prepared.items():
            groups.setdefault(_signature(job), []).append(index)
        for group in groups.values():
            make_room()
            jobs = [prepared[index][0] for index in group]
            widths = widths_of(jobs[0].posterior, jobs[0].num_chains).at_most(max_width)
            for finished in execute(jobs, widths, _renumber(on_progress, group)):
                index = group[finished.index]
                target, (job, facts) = wanted[index][0], prepared.pop(index)
                yield index, _finish(target, facts, job, finished)


def _renumber(on_progress: ProgressFn | None, group: list[int]) -> Any:
    return None if on_progress is None else lambda index, phase, draws: on_progress(group[index], phase, draws)


def _signature(job: Job) -> Hashable:
    """What the compiled programs of a run depend on."""
    leaves, treedef = jax.tree.flatten(job.posterior)
    shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
    return treedef, shapes, job.kernel, job.num_chains, job.projection_dimension


def _prepare_all(
    wanted: Sequence[tuple[Target, EstimateRequest]], on_failure: FailureFn
) -> dict[int, tuple[Job, RunFacts]]:
    """Runs ready to start, by index.

    The curvature comes from the float64 posterior alone, so all samplers of a target share one gamma.
    """
    exact: dict[Hashable, Posterior] = {}
    posteriors: dict[int, Posterior] = {}
    for index, (target, request) in enumerate(wanted):
        key = (id(target), request.component, id(request.probe))
        try:
            check_batch_size(request.sampler, num_data_of(target))
            if key not in exact:
                exact[key] = make_posterior(target, 1.0, request.mask, jnp.float64, request.probe)
            n_beta = resolve_n_beta(request.posterior, exact[key].num_data)
        except ValueError as error:
            on_failure(index, error)
            continue
        micro_batch = request.sampling.micro_batch_size or EXAMPLES_PER_CHUNK
        posteriors[index] = replace(exact[key], n_beta=np.asarray(n_beta), micro_batch=micro_batch)
    scales = curvature_scales({i: one for i, one in posteriors.items() if _needs_curvature(wanted[i][1])})
    cast: dict[Hashable, Posterior] = {}
    prepared, together = {}, {}
    for index, posterior in posteriors.items():
        target, request = wanted[index]
        key = (id(target), request.component, id(request.probe), request.sampler.precision)
        if key not in cast:
            cast[key] = posterior.astype(np.dtype(request.sampler.precision))
        n_beta = float(posterior.n_beta) / request.temperature
        sampled = replace(
            cast[key],
            n_beta=np.asarray(n_beta, request.sampler.precision),
            micro_batch=posterior.micro_batch,
            loss_batch=request.sampling.loss_batch_size,
        )
        size_key = (*key, sampled.micro_batch, request.sampling.num_chains)
        if size_key not in together:
            together[size_key] = chains_together(sampled, request.sampling.num_chains)
        sampled = replace(sampled, chains_together=together[size_key])
        prepared[index] = _prepare(sampled, n_beta, scales.get(index, math.nan), request)
    return prepared


def _needs_curvature(request: EstimateRequest) -> bool:
    """Whether anything is measured in it: forty Hessian-vector products of a large model are not for nothing."""
    return request.sampler.needs_curvature or request.posterior.localization == "auto"


def check_batch_size(sampler: SamplerVariant, num_data: int) -> None:
    """Refuses a batch larger than the data.

    Raises:
        ValueError: It is.
    """
    batch_size = getattr(sampler, "batch_size", None)
    if batch_size is not None and batch_size > num_data:
        kind = getattr(sampler, "kind", type(sampler).__name__)
        raise ValueError(
            f"batch_size {batch_size} of sampler {kind} is larger than the {num_data} examples. "
            f"Set batch_size to at most {num_data}."
        )


def _prepare(posterior: Posterior, n_beta: float, scale: float, request: EstimateRequest) -> tuple[Job, RunFacts]:
    """A run ready to start. `scale` is the curvature at temperature one, which alone decides gamma."""
    kernel, sampling = build_kernel(request.sampler), request.sampling
    localization = resolve_localization(request.posterior, posterior.num_sampled_params, scale)
    facts = RunFacts(
        sampler=request.sampler,
        kernel=kernel,
        sampling=sampling,
        localization=localization,
        num_data=posterior.num_data,
        num_sampled_params=posterior.num_sampled_params,
        n_beta=n_beta,
        curvature=scale / request.temperature,
    )
    job = Job(
        posterior=posterior,
        seed=request.seed,
        make_schedule=lambda: schedule_of(facts),
        kernel=kernel,
        num_chains=sampling.num_chains,
        projection_dimension=sampling.projection_dimension,
        keeper=request.keeper,
    )
    return job, facts


def _finish(target: Target, facts: RunFacts, job: Job, finished: Finished) -> RunEstimate:
    sampled = finished.sampled
    oracle = target.oracle if facts.num_sampled_params == num_params_of(target) else None
    asymptotic = oracle.asymptotic() if oracle else None
    exact = _at_temperature(target, facts.n_beta, sampled.localization) if oracle else None
    return RunEstimate(
        estimate=estimate(
            sampled.draws,
            num_warmup_draws=sampled.num_warmup_draws,
            n_beta=facts.n_beta,
            localization=sampled.localization,
            num_sampled_params=facts.num_sampled_params,
            work=finished.work,
            subtract_heat=sampled.subtract_heat,
            restarts_exhausted=sampled.restarts_exhausted,
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
        loss_estimator="full" if paired_batch_size(job.kernel, job.posterior) is None else "paired_batch",
        caveat=facts.sampler.caveat,
    )


def _at_temperature(target: Target, n_beta: float, localization: float) -> TrueLLC | None:
    """The answer for this very posterior, exact or from a long run."""
    exact = target.oracle.at_temperature(n_beta, localization) if target.oracle else None
    return exact or long_run_answer(target.target_id, n_beta, localization)


def num_params_of(target: Target) -> int:
    """Number of parameters of a target."""
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(target.params))
