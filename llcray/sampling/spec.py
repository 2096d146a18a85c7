"""The length of a run as a sweep file writes it: chains, the criteria to stop by, and the budget."""

from typing import Annotated, Literal

from pydantic import Field

from llcray.variant import Count, NonNegativeInt, PositiveFloat, Record, Variant


class StoppingCriteria(Record):
    """The criteria to stop by: sampling ends when all of them hold.

    Attributes:
        relative_mcse: Monte Carlo standard error of the LLC, as a share of the LLC.
        rhat: Rank-normalised split R-hat of the loss (Vehtari et al. 2021, arXiv 1903.08008).
    """

    relative_mcse: PositiveFloat = 0.02
    rhat: Annotated[float, Field(gt=1)] = 1.02


class Budget(Record):
    """The limits of a run's cost; the first limit met ends the run.

    Attributes:
        num_gradients: Full-data-equivalent gradients, all chains, warmup and tuning included; where they do not pay for
            `num_warmup` steps and 64 draws, warmup takes at most half. Each of `temperatures` and a finer step have as
            many of their own. `laplace`, `variational` and `local_volume` end their fit whatever the budget.
        num_draws: Draws per chain that are recorded, warmup excluded. The first 256 are taken in any case, unless
            `num_gradients` ends them.
    """

    num_gradients: PositiveFloat = 50_000
    num_draws: Count = 8192


class SamplingSpec(Variant):
    """The number of chains, the criteria to stop by, and the budget of a run.

    Attributes:
        num_chains: Independent chains, all in one compiled program.
        until: Criteria to stop by.
        budget: Limits of the cost.
        num_warmup: Warmup steps per chain for samplers that adapt; never averaged.
        steps_per_draw: Sampler steps between recorded draws; null: so many that evaluating the full-data loss costs
            little beside the steps.
        richardson: Whether samplers whose step biases them also run with a finer step, in the same pack;
            `llc_richardson` is then the estimate extrapolated to step zero: the bias is measured, not predicted.
        start: Start of the chains of a run at a checkpoint of a training: `center`, which is w*, or `previous`: `auto`
            goes on from the run at the checkpoint before, with its displacements w - w*, step and step-size bias, at a
            fraction of the work. The first checkpoint starts at w*, and so do a run whose `mass` was chosen, which is
            measured anew, and one that fails the checks of such a start.
        seed: Varies the draws of one target.
        loss_batch_size: Number of examples that a draw's loss is taken on, each at the draw and at w*, where passes
            over all of the data are too dear. L(w) - L(w*) stays unbiased, and its noise is part of the standard error;
            samplers that know the full loss anyway ignore this number. Null: all of the data.
        micro_batch_size: Most examples computed at a time, forwards and backwards, with gradients accumulated: bounds
            memory and changes rounding alone. It is no part of an identity.
        spectrum: Whether the spectrum of the Hessian at w* is taken, `auto` or `off`: once a target, for at most 200
            gradients on at most 1,024 examples (`spectrum_gradients`). It tells what the localization holds and could
            move; it moves no draw and is no part of an identity.
        projection_dimension: Numbers recorded of each draw's w - w*: fixed random directions, for traces and ranks of
            parameters; 0 records none.
    """

    num_chains: Count = 4
    until: StoppingCriteria = StoppingCriteria()
    budget: Budget = Budget()
    num_warmup: Count = 200
    steps_per_draw: Count | None = None
    richardson: bool = False
    start: Literal["center", "previous"] = "center"
    seed: NonNegativeInt = 0
    loss_batch_size: Count | None = None
    micro_batch_size: Annotated[int | None, Field(strict=True, ge=1, exclude=True)] = None
    spectrum: Annotated[Literal["auto", "off"], Field(exclude=True)] = "auto"
    projection_dimension: Annotated[NonNegativeInt, Field(le=64)] = 0
