"""What the specs of samplers have in common that draw independently from a fitted proposal and weight their draws."""

from typing import ClassVar

from llcray.samplers.kernel import SamplerVariant
from llcray.variant import Count

MAX_NUMBERS = 4_000_000
"""Numbers of the largest proposal: each chain holds them in float64, and a call may advance eight runs at a time."""
DRAW_GRADIENTS = 2 / 3
"""Cost of a forward pass with its derivative along one direction, in full-data-equivalent gradients."""


class WeightedSampler(SamplerVariant):
    """The base of samplers whose draws are weighted by posterior over proposal. All chains of a run share one fit.

    Attributes:
        integration_error: Share of the LLC that the integrals of a draw may be off by, which no number of draws lowers.
    """

    knows_its_cost: ClassVar[bool] = False
    integration_error: ClassVar[float] = 0.0

    def gradients_per_step(self, num_data: int) -> float:
        """Returns the cost of a draw: its loss, with the derivative along the ray from w*."""
        del num_data
        return DRAW_GRADIENTS

    def warmup_gradients(self, num_steps: int, num_data: int) -> float:
        """Returns zero: the cost of the fit depends on d, and is known afterwards."""
        del num_steps, num_data
        return 0.0

    def num_numbers(self, num_sampled_params: int) -> int:
        """Returns how many numbers the proposal has."""
        raise NotImplementedError

    def unsuited(self, localization: float, num_sampled_params: int) -> str | None:
        kind = getattr(self, "kind", type(self).__name__)
        if localization == 0:
            return (
                f"localization 0 leaves the proposal of sampler {kind} without a width in flat directions. "
                "Set localization to auto, or to a number above 0"
            )
        if (numbers := self.num_numbers(num_sampled_params)) > MAX_NUMBERS:
            return (
                f"the proposal of sampler {kind} has {numbers:,} numbers for {num_sampled_params:,} parameters; "
                f"{MAX_NUMBERS:,} are possible. Lower its rank, sample a component, or use auto"
            )
        return None


class CurvatureSampler(WeightedSampler):
    """The base of those whose proposal is made of the Hessian's leading curvatures at w*.

    Attributes:
        rank: Hessian-vector products, at 2 gradients each, and curvatures of the proposal; all d where d is smaller.
    """

    rank: Count = 200

    def num_numbers(self, num_sampled_params: int) -> int:
        return min(self.rank, num_sampled_params) * num_sampled_params
