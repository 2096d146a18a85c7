"""A request for one estimate of a target."""

from dataclasses import dataclass

from llcray.array_types import PyTree
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import SamplerVariant
from llcray.sampling.handover import Handover
from llcray.sampling.progress import Keeper
from llcray.sampling.spec import SamplingSpec


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
        localization_share: Multiple of gamma to sample at: a rung of a ladder.
        probe: Examples whose losses are recorded at each draw; None for none.
        keeper: Where the run is kept while unfinished; None where it is not.
        handover: What the run at the checkpoint before hands over; None starts the chains at w*.
    """

    sampler: SamplerVariant
    posterior: PosteriorSpec
    sampling: SamplingSpec
    seed: int
    mask: PyTree | None = None
    component: str = "all"
    temperature: float = 1.0
    localization_share: float = 1.0
    probe: PyTree = None
    keeper: Keeper | None = None
    handover: Handover | None = None
