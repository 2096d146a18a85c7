"""How long to sample: chains, the criteria to stop by, and the budget."""

from typing import Annotated

from pydantic import Field

from llcray.variant import Count, NonNegativeInt, PositiveFloat, Record, Variant


class StoppingCriteria(Record):
    """Sampling stops when all hold.

    Attributes:
        relative_mcse: Monte Carlo standard error of the LLC, as a share of the LLC.
        rhat: Rank-normalised split R-hat of the loss (Vehtari et al. 2021, arXiv 1903.08008).
    """

    relative_mcse: PositiveFloat = 0.02
    rhat: Annotated[float, Field(gt=1)] = 1.02


class Budget(Record):
    """What a run may cost; the first limit met ends it.

    Attributes:
        num_gradients: Full-data-equivalent gradients, all chains, warmup and tuning included.
        num_draws: Draws per chain that are recorded, warmup excluded. The first 256 are taken in any case, unless
            `num_gradients` ends them.
    """

    num_gradients: PositiveFloat = 50_000
    num_draws: Count = 8192


class SamplingSpec(Variant):
    """Chains, stopping and budget.

    Attributes:
        num_chains: Independent chains, all in one compiled program.
        until: Criteria to stop by.
        budget: Limits.
        num_warmup: Warmup steps per chain for samplers that adapt; never averaged.
        steps_per_draw: Sampler steps between recorded draws; null lets the sampler choose so that evaluating the
            full-data loss costs little beside the steps.
        richardson: Whether samplers whose step biases them also run with a finer step, in the same pack;
            `llc_richardson` is then the estimate extrapolated to step zero, a bias measured and not predicted.
        seed: Varies the draws of one target.
        loss_batch_size: Examples that a draw's loss is taken on, each at the draw and at w*, where passes over all of
            the data are too dear. L(w) - L(w*) stays unbiased, its noise is in the standard error; samplers that know
            the full loss anyway ignore it. Null: all of the data.
        micro_batch_size: Most examples computed at a time, forwards and backwards, gradients accumulated: bounds memory
            and changes rounding alone. No part of an identity.
        projection_dimension: Numbers recorded of each draw's w - w*: fixed random directions, for traces and ranks of
            parameters; 0 records none.
    """

    num_chains: Count = 4
    until: StoppingCriteria = StoppingCriteria()
    budget: Budget = Budget()
    num_warmup: Count = 200
    steps_per_draw: Count | None = None
    richardson: bool = False
    seed: NonNegativeInt = 0
    loss_batch_size: Count | None = None
    micro_batch_size: Annotated[int | None, Field(strict=True, ge=1, exclude=True)] = None
    projection_dimension: Annotated[NonNegativeInt, Field(le=64)] = 0
