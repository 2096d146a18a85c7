"""Estimates LLCs of one target: what the Python API and a sweep's trial have in common.

Requests of one compile signature run as one vmapped program. No Ray, no storage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llcray.llc.estimate import Estimate, estimate
from llcray.posterior import Posterior, make_posterior, num_data_of, resolve_n_beta
from llcray.posterior_spec import PosteriorSpec
from llcray.samplers import SamplerVariant
from llcray.sampling import curvature
from llcray.sampling.engine import Finished, Job, ProgressFn, build_kernel, execute
from llcray.sampling.requests import RunFacts, Sampled
from llcray.sampling_spec import SamplingSpec
from llcray.targets.target import PyTree, Target, TrueLLC
from llcray.targets.truths.long_runs import long_run_answer


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
    """

    sampler: SamplerVariant
    posterior: PosteriorSpec
    sampling: SamplingSpec
    seed: int
    mask: PyTree | None = None
    component: str = "all"


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

    @property
    def inverse_temperature(self) -> float:
        """beta."""
        return self.n_beta / self.num_data


def estimate_requests(
    target: Target,
    requests: Sequence[EstimateRequest],
    on_progress: ProgressFn | None = None,
) -> Iterator[tuple[int, RunEstimate]]:
    """Estimates all requests, yielding `(index, estimate)` as each finishes.

    Args:
        target: What to estimate the LLC of.
        requests: The estimates wanted.
        on_progress: Called with a request's index, its phase and its newest draws, None while there are none.

    Raises:
        ValueError: The target or a request makes no sense (batch larger than n, empty component, non-finite loss).
    """
    with jax.enable_x64(True):
        for group in _by_signature(requests):
            members = [requests[i] for i in group]
            for finished, run_estimate in _estimate_group(target, members, _renumber(on_progress, group)):
                yield group[finished.index], run_estimate


def _renumber(on_progress: ProgressFn | None, group: list[int]) -> Any:
    return None if on_progress is None else lambda index, phase, draws: on_progress(group[index], phase, draws)


def _by_signature(requests: Sequence[EstimateRequest]) -> list[list[int]]:
    groups: dict[Any, list[int]] = {}
    for index, request in enumerate(requests):
        sampling = request.sampling
        shape = (sampling.num_chains, sampling.projection_dimension)
        key = (request.component, request.sampler.static_key(), shape)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _estimate_group(
    target: Target, requests: list[EstimateRequest], on_progress: ProgressFn | None
) -> Iterator[tuple[Finished, RunEstimate]]:
    num_data = num_data_of(target)
    for request in requests:
        check_batch_size(request.sampler, num_data)
    first = requests[0]
    exact = make_posterior(target, 1.0, first.mask, jnp.float64)
    sampled = exact.astype(jnp.dtype(first.sampler.precision))
    jobs, facts = [], []
    for request in requests:
        job, fact = _prepare(exact, sampled, request)
        jobs.append(job)
        facts.append(fact)
    for finished in execute(jobs, on_progress):
        yield finished, _finish(target, facts[finished.index], jobs[finished.index], finished)


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


def _prepare(exact: Posterior, sampled: Posterior, request: EstimateRequest) -> tuple[Job, RunFacts]:
    """A run ready to start. The curvature comes from the float64 posterior alone, so all samplers share one gamma."""
    n_beta = resolve_n_beta(request.posterior, exact.num_data)
    posterior = replace(sampled, n_beta=jnp.asarray(n_beta, sampled.center.dtype))
    kernel = build_kernel(request.sampler)
    facts = RunFacts(
        sampler=request.sampler,
        kernel=kernel,
        sampling=request.sampling,
        posterior_spec=request.posterior,
        num_data=posterior.num_data,
        num_sampled_params=posterior.num_sampled_params,
        n_beta=n_beta,
        curvature=curvature_scale(replace(exact, n_beta=jnp.asarray(n_beta))),
    )
    sampling = request.sampling
    schedule = request.sampler.schedule(facts)
    return Job(posterior, request.seed, schedule, kernel, sampling.num_chains, sampling.projection_dimension), facts


def curvature_scale(posterior: Posterior) -> float:
    """The largest curvature of n beta L_n near w*; the same number for every run of a target."""
    scale = curvature.scale((), jax.random.key(0)[None], jax.tree.map(lambda leaf: leaf[None], posterior))
    return float(np.asarray(scale)[0])


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
    )


def _at_temperature(target: Target, n_beta: float, localization: float) -> TrueLLC | None:
    """The answer for this very posterior, exact or from a long run."""
    exact = target.oracle.at_temperature(n_beta, localization) if target.oracle else None
    return exact or long_run_answer(target.target_id, n_beta, localization)


def num_params_of(target: Target) -> int:
    """Number of parameters of a target."""
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(target.params))
