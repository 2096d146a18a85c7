"""Makes the requests of a pack ready to run: a posterior, a kernel and what a schedule is told of its run."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from llcray.estimation.request import EstimateRequest
from llcray.llc.spectrum import Spectrum
from llcray.posterior.coordinates import Coordinates
from llcray.posterior.density import (
    EXAMPLES_PER_CHUNK,
    Posterior,
    make_posterior,
    num_data_of,
    resolve_localization,
    resolve_n_beta,
)
from llcray.posterior.loss_checks import check_single_examples
from llcray.posterior.resolution import MAX_PARAMS, unresolved
from llcray.samplers import Auto, SamplerVariant
from llcray.samplers.kernel import Precision, build_kernel
from llcray.sampling.budget import too_small_a_budget
from llcray.sampling.coordinate_scale import coordinate_scale, largest_scaled_curvature
from llcray.sampling.curvature import curvature_scales
from llcray.sampling.device import chains_together
from llcray.sampling.handover import Handover
from llcray.sampling.job import Job
from llcray.sampling.quadrature import spectra
from llcray.sampling.schedules.choice import schedule_of
from llcray.sampling.schedules.requests import RunFacts
from llcray.targets.target import Target

FailureFn = Callable[[int, Exception], None]


class PreparedRun(NamedTuple):
    """A run that is ready to start.

    Attributes:
        job: The run.
        facts: What its schedule decides by.
        unresolved: What float32 cannot resolve of its posterior; None where float32 resolves all of it.
        spectrum: Spectrum of the Hessian at w*; None where it was not taken.
        has_automatic_localization: Whether gamma was chosen for the user.
    """

    job: Job
    facts: RunFacts
    unresolved: str | None
    spectrum: Spectrum | None
    has_automatic_localization: bool


def prepare_all(wanted: Sequence[tuple[Target, EstimateRequest]], on_failure: FailureFn) -> dict[int, PreparedRun]:
    """Prepares every request that makes sense, by index.

    The curvature comes from the float64 posterior alone, so all samplers of a target share one gamma.

    Args:
        wanted: Targets, and the estimates wanted of them.
        on_failure: Called with the index and the exception of a request that makes no sense.
    """
    shared = _SharedPosteriors()
    exact: dict[int, Posterior] = {}
    for index, (target, request) in enumerate(wanted):
        try:
            check_batch_size(request.sampler, num_data_of(target))
            check_budget(request, num_data_of(target))
            posterior = shared.exact(target, request)
            check_suited(request, posterior.num_sampled_params)
            exact[index] = posterior
        except ValueError as error:
            on_failure(index, error)
    curved = {index: posterior for index, posterior in exact.items() if _needs_curvature(wanted[index][1])}
    curvatures = curvature_scales(curved)
    spectrum_of = spectra({index: posterior for index, posterior in exact.items() if _wants_spectrum(wanted[index][1])})
    runs = {}
    for index, posterior in exact.items():
        target, request = wanted[index]
        n_beta = float(posterior.n_beta) / request.temperature
        curvature = curvatures.get(index, math.nan)
        limit = shared.unresolved(target, request, n_beta, curvature)
        is_wide = limit is not None and posterior.num_sampled_params <= MAX_PARAMS
        sampled = shared.sampled(target, request, n_beta, "float64" if is_wide else request.sampler.precision)
        spectrum = spectrum_of[index].at_temperature(request.temperature) if index in spectrum_of else None
        is_automatic = request.posterior.localization == "auto"
        job, facts = _scaled(*_prepared(sampled, n_beta, curvature, request), spectrum)
        runs[index] = PreparedRun(job, facts, limit, spectrum, is_automatic)
    return runs


@dataclass
class _SharedPosteriors:
    """Posteriors of a pack; runs of one target, component and probe share the arrays of theirs.

    Attributes:
        made: Posteriors in float64.
        cast: The same in the precision that chains move in.
        loss_sizes: Mean size of a few losses at w*, nats.
        beside: Whether chains advance side by side.
    """

    made: dict[Hashable, Posterior] = field(default_factory=dict)
    cast: dict[Hashable, Posterior] = field(default_factory=dict)
    loss_sizes: dict[Hashable, float] = field(default_factory=dict)
    beside: dict[Hashable, bool] = field(default_factory=dict)

    def exact(self, target: Target, request: EstimateRequest) -> Posterior:
        """The float64 posterior of a request, at temperature one.

        Raises:
            ValueError: The component is empty, the loss at w* is not finite, or a loss depends on its batch.
        """
        key = _key(target, request)
        if key not in self.made:
            posterior = make_posterior(target, 1.0, request.mask, jnp.float64, request.probe)
            self.loss_sizes[key] = check_single_examples(posterior)
            self.made[key] = posterior
        n_beta = resolve_n_beta(request.posterior, self.made[key].num_data)
        return replace(self.made[key], n_beta=np.asarray(n_beta), micro_batch=_micro_batch(request))

    def unresolved(self, target: Target, request: EstimateRequest, n_beta: float, curvature: float) -> str | None:
        """Says what float32 cannot resolve of the posterior of a request whose chains would move in float32."""
        if request.sampler.precision == "float64":
            return None
        key, gamma = _key(target, request), request.posterior.localization
        known = [
            number
            for number in (curvature / request.temperature, gamma)
            if isinstance(number, float | int) and math.isfinite(number)
        ]
        return unresolved(self.made[key], n_beta, sum(known) if known else math.nan, self.loss_sizes[key])

    def sampled(self, target: Target, request: EstimateRequest, n_beta: float, precision: Precision) -> Posterior:
        """The posterior that the chains of a request move in, in this precision."""
        key = _key(target, request)
        if (key, precision) not in self.cast:
            self.cast[key, precision] = self.made[key].astype(np.dtype(precision))
        posterior = replace(
            self.cast[key, precision],
            n_beta=np.asarray(n_beta, precision),
            micro_batch=_micro_batch(request),
            loss_batch=request.sampling.loss_batch_size,
        )
        size = (key, precision, posterior.micro_batch, request.sampling.num_chains)
        if size not in self.beside:
            self.beside[size] = chains_together(posterior, request.sampling.num_chains)
        return replace(posterior, chains_together=self.beside[size])


def _key(target: Target, request: EstimateRequest) -> Hashable:
    """Names what a posterior is made of; targets and probes are told apart by identity, since they live meanwhile."""
    return (id(target), request.component, id(request.probe))


def _micro_batch(request: EstimateRequest) -> int:
    return request.sampling.micro_batch_size or EXAMPLES_PER_CHUNK


def _needs_curvature(request: EstimateRequest) -> bool:
    """Whether a step or gamma is measured in the curvature, which costs forty Hessian-vector products."""
    return request.sampler.needs_curvature or request.posterior.has_automatic_localization


def _wants_spectrum(request: EstimateRequest) -> bool:
    return request.sampling.spectrum == "auto"


def check_batch_size(sampler: SamplerVariant, num_data: int) -> None:
    """Refuses a batch larger than the data.

    Raises:
        ValueError: The batch is larger.
    """
    batch_size = getattr(sampler, "batch_size", None)
    if batch_size is not None and batch_size > num_data:
        kind = getattr(sampler, "kind", type(sampler).__name__)
        raise ValueError(
            f"batch_size {batch_size} of sampler {kind} is larger than the {num_data} examples. "
            f"Set batch_size to at most {num_data}."
        )


def check_suited(request: EstimateRequest, num_sampled_params: int) -> None:
    """Refuses a posterior that the sampler cannot sample.

    Raises:
        ValueError: gamma or d do not suit the sampler.
    """
    asked = request.posterior.localization
    localization = float(asked) if isinstance(asked, float | int) else math.nan
    if reason := request.sampler.unsuited(localization, num_sampled_params):
        raise ValueError(f"{reason}.")


def check_budget(request: EstimateRequest, num_data: int) -> None:
    """Refuses a budget that pays no draws.

    Raises:
        ValueError: The budget is too small.
    """
    if reason := too_small_a_budget(request.sampler, request.sampling, num_data):
        raise ValueError(f"{reason}.")


def _scaled(job: Job, facts: RunFacts, spectrum: Spectrum | None) -> tuple[Job, RunFacts]:
    """The run of a calibrated sampler with scales of coordinates, where their curvatures differ by orders."""
    if not isinstance(facts.sampler, Auto) or facts.sampler.mass != "auto" or not spectrum or spectrum.hessian is None:
        return job, facts
    scale = coordinate_scale(spectrum.hessian, facts.localization)
    if scale is None:
        return job, facts
    coordinates = Coordinates(scale.astype(job.posterior.center.dtype))
    job.posterior = replace(job.posterior, coordinates=coordinates)
    facts = replace(
        facts, curvature=largest_scaled_curvature(spectrum.hessian, facts.localization, scale), handover=None
    )
    job.make_schedule = lambda: schedule_of(facts)
    return job, facts


def _prepared(posterior: Posterior, n_beta: float, curvature: float, request: EstimateRequest) -> tuple[Job, RunFacts]:
    """A run with its facts; `curvature` is that at temperature one, which alone decides gamma."""
    kernel, sampling = build_kernel(request.sampler), request.sampling
    localization = resolve_localization(request.posterior, posterior.num_sampled_params, curvature)
    localization *= request.localization_share
    facts = RunFacts(
        sampler=request.sampler,
        kernel=kernel,
        sampling=sampling,
        localization=localization,
        num_data=posterior.num_data,
        num_sampled_params=posterior.num_sampled_params,
        n_beta=n_beta,
        curvature=curvature / request.temperature,
        num_probes=posterior.num_probes,
        blocks=posterior.layout.blocks,
        handover=_fitting(request.handover, posterior, request),
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


def _fitting(handover: Handover | None, posterior: Posterior, request: EstimateRequest) -> Handover | None:
    """The handover, where its chains are as many as this run's, live in as many dimensions and have no mass."""
    shape = (request.sampling.num_chains, posterior.num_sampled_params)
    has_mass = isinstance(request.sampler, Auto) and request.sampler.mass not in ("auto", "none")
    return handover if handover is not None and handover.displacement.shape == shape and not has_mass else None
