"""Hamiltonian Monte Carlo with a diagonal mass matrix and a step size adapted in windows, per chain.

    p ~ N(0, M),   (w, p) moved by L leapfrog steps of H = -log p(w) + p' M^-1 p / 2,   accepted with min(1, exp(-dH))

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) exactly. Full gradients in float64: in float32 rounding alone rejects
once n beta L_n is near 1e4.

Reference: Neal 2011 (arXiv 1206.1901); window adaptation as in Stan, BlackJAX's `window_adaptation`.
"""

from typing import Annotated, Literal

from pydantic import Field

from llcray.samplers.kernel import Kernel, SamplerVariant
from llcray.variant import Count

# Trajectories are shortened by a random factor between this and one: at a fixed length some directions return to where
# they were, or to the mirror point, where the loss is the same.
SHORTEST = 0.3


class HMC(SamplerVariant):
    """Hamiltonian Monte Carlo.

    Attributes:
        num_integration_steps: L, leapfrog steps per proposal: the number of full gradients a step costs.
        target_acceptance_rate: What the step size is adapted to.
    """

    kind: Literal["hmc"] = "hmc"
    num_integration_steps: Count = 10
    target_acceptance_rate: Annotated[float, Field(gt=0, lt=1)] = 0.8

    def gradients_per_step(self, num_data: int) -> float:
        """L full gradients."""
        del num_data
        return float(self.num_integration_steps)

    def build(self) -> Kernel:
        """The kernel, with window adaptation."""
        return _build(self.num_integration_steps, self.target_acceptance_rate)


def _build(num_integration_steps: int, target_acceptance_rate: float) -> Kernel:
    import blackjax
    import jax
    import jax.numpy as jnp
    from blackjax.adaptation.base import get_filter_adapt_info_fn

    from llcray.samplers import full_batch as fb

    kernel = blackjax.hmc.build_kernel()

    def init(rng_key, position, posterior, hyper):
        del rng_key
        return blackjax.hmc.init(fb.to_scaled(position, posterior, hyper), fb.scaled_logdensity(posterior, hyper))

    def step(rng_key, state, posterior, hyper):
        logdensity_fn = fb.scaled_logdensity(posterior, hyper)
        metric = hyper["inverse_mass_matrix"]
        jitter_key, kernel_key = jax.random.split(rng_key)
        step_size = hyper["step_size"] * jax.random.uniform(jitter_key, minval=SHORTEST, maxval=1.0)
        state, info = kernel(kernel_key, state, logdensity_fn, step_size, metric, num_integration_steps)
        return state, fb.step_info(
            num_integration_steps, info.acceptance_rate, info.energy, is_divergent=info.is_divergent
        )

    def adapt(rng_key, state, posterior, hyper, num_steps):
        logdensity_fn = fb.scaled_logdensity(posterior, hyper)
        adaptation = blackjax.window_adaptation(
            blackjax.hmc,
            logdensity_fn,
            initial_step_size=0.5,
            target_acceptance_rate=target_acceptance_rate,
            adaptation_info_fn=get_filter_adapt_info_fn(),
            num_integration_steps=num_integration_steps,
        )
        (state, tuned), _ = adaptation.run(rng_key, state.position, num_steps)
        hyper = hyper | {"step_size": tuned["step_size"], "inverse_mass_matrix": tuned["inverse_mass_matrix"]}
        return state, hyper, jnp.asarray(num_steps * num_integration_steps, jnp.float32)

    return Kernel(
        init=init,
        step=step,
        position=fb.position,
        centered_loss=fb.centered_loss,
        loss_gradients=0.0,
        initial_jitter=0.1,
        adapt=adapt,
    )
