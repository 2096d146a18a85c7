"""The no-U-turn sampler: Hamiltonian Monte Carlo that chooses the length of each trajectory.

    take leapfrog steps of H = -log p(w) + p' M^-1 p / 2, doubling their number until the trajectory turns back
    draw the next state from the trajectory, with multinomial weights exp(-H)

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) exactly. Gradients are full and in float64; step size and diagonal mass
matrix are adapted in windows, per chain. Chains of one program wait for the longest trajectory.

Reference: Hoffman & Gelman 2014 (arXiv 1111.4246); Betancourt 2017 (arXiv 1701.02434), A.3; BlackJAX's `nuts`.
"""

from math import log2
from typing import Annotated, Literal

from pydantic import Field

from llcray.samplers.kernel import Kernel, SamplerVariant
from llcray.variant import Count

FEW_DOUBLINGS = 4
"""Doublings that every budget allows."""


class NUTS(SamplerVariant):
    """The no-U-turn sampler.

    Attributes:
        max_num_doublings: Largest number k of doublings: a draw takes at most 2^k - 1 leapfrog steps. It is lowered, to
            four at the least, where half of the budget would not pay for a warmup of such steps.
        target_acceptance_rate: Acceptance rate that the step size is adapted to.
    """

    kind: Literal["nuts"] = "nuts"
    max_num_doublings: Count = 8
    target_acceptance_rate: Annotated[float, Field(gt=0, lt=1)] = 0.8

    def gradients_per_step(self, num_data: int) -> float:
        """Returns fifteen leapfrog steps, a guess; `StepInfo` counts those taken."""
        return min(float(2**FEW_DOUBLINGS - 1), self.most_gradients_per_step(num_data))

    def most_gradients_per_step(self, num_data: int) -> float:
        """Returns the leapfrog steps of a trajectory of all doublings."""
        del num_data
        return float(2**self.max_num_doublings - 1)

    def bounded(self, most_gradients: float) -> "NUTS":
        """Returns the sampler with fewer doublings where the budget asks for fewer."""
        num_doublings = max(FEW_DOUBLINGS, int(log2(most_gradients + 1)))
        if num_doublings >= self.max_num_doublings:
            return self
        return self.model_copy(update={"max_num_doublings": num_doublings})

    @property
    def max_adaptations(self) -> int:
        return 1

    def build(self) -> Kernel:
        return _build(self.max_num_doublings, self.target_acceptance_rate)


def _build(max_num_doublings: int, target_acceptance_rate: float) -> Kernel:
    import blackjax

    from llcray.samplers import full_batch as fb

    kernel = blackjax.nuts.build_kernel()

    def init(rng_key, position, posterior, hyper):
        del rng_key
        return fb.state_before_adaptation(fb.to_scaled(position, posterior, hyper))

    def step(rng_key, state, posterior, hyper):
        state, info = kernel(
            rng_key,
            state,
            fb.scaled_logdensity(posterior, hyper),
            hyper["step_size"],
            hyper["inverse_mass_matrix"],
            max_num_doublings=max_num_doublings,
        )
        num_gradients = info.num_integration_steps
        return state, fb.step_info(
            state, num_gradients, info.acceptance_rate, info.energy, is_divergent=info.is_divergent
        )

    def adapt(rng_key, state, posterior, hyper, num_steps):
        state, tuned, num_gradients = fb.window_adapted(
            blackjax.nuts,
            rng_key,
            state.position,
            fb.scaled_logdensity(posterior, hyper),
            num_steps,
            target_acceptance_rate=target_acceptance_rate,
            max_num_doublings=max_num_doublings,
        )
        return state, hyper | tuned, num_gradients

    return fb.exact_gradient_kernel(init, step, adapt)
