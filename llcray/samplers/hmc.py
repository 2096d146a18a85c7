"""Hamiltonian Monte Carlo with a diagonal mass matrix and a step size adapted in windows, per chain.

    p ~ N(0, M),    (w, p) moved by L leapfrog steps of H = -log p(w) + p' M^-1 p / 2,    accepted with min(1, exp(-dH))

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) exactly. Gradients are full and in float64: in float32 rounding alone
rejects proposals once n beta L_n is near 1e4.

Reference: Neal 2011 (arXiv 1206.1901); window adaptation as in Stan, BlackJAX's `window_adaptation`.
"""

from typing import Annotated, Literal

from pydantic import Field

from llcray.samplers.kernel import Kernel, SamplerVariant
from llcray.variant import Count


class HMC(SamplerVariant):
    """Hamiltonian Monte Carlo.

    Attributes:
        num_integration_steps: L, leapfrog steps per proposal: the number of full gradients that a step costs.
        target_acceptance_rate: Acceptance rate that the step size is adapted to.
    """

    kind: Literal["hmc"] = "hmc"
    num_integration_steps: Count = 10
    target_acceptance_rate: Annotated[float, Field(gt=0, lt=1)] = 0.8

    def gradients_per_step(self, num_data: int) -> float:
        del num_data
        return float(self.num_integration_steps)

    @property
    def max_adaptations(self) -> int:
        return 1

    def build(self) -> Kernel:
        return _build(self.num_integration_steps, self.target_acceptance_rate)


def _build(num_integration_steps: int, target_acceptance_rate: float) -> Kernel:
    import blackjax

    from llcray.samplers import full_batch as fb

    kernel = fb.random_length_hmc()

    def init(rng_key, position, posterior, hyper):
        del rng_key
        return fb.state_before_adaptation(fb.to_scaled(position, posterior, hyper))

    def step(rng_key, state, posterior, hyper):
        logdensity_fn = fb.scaled_logdensity(posterior, hyper)
        metric = hyper["inverse_mass_matrix"]
        state, info = kernel(rng_key, state, logdensity_fn, hyper["step_size"], metric, num_integration_steps)
        return state, fb.step_info(
            state, num_integration_steps, info.acceptance_rate, info.energy, is_divergent=info.is_divergent
        )

    def adapt(rng_key, state, posterior, hyper, num_steps):
        state, tuned, num_gradients = fb.window_adapted(
            blackjax.hmc,
            rng_key,
            state.position,
            fb.scaled_logdensity(posterior, hyper),
            num_steps,
            target_acceptance_rate=target_acceptance_rate,
            num_integration_steps=num_integration_steps,
        )
        return state, hyper | tuned, num_gradients

    return fb.exact_gradient_kernel(init, step, adapt)
