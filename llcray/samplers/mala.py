"""Metropolis-adjusted Langevin algorithm.

    propose u' = u + h grad log p(u) + sqrt(2 h) xi
    accept with min(1, p(u') q(u | u') / (p(u) q(u' | u)))

in u = (w - w*)/s, s = 1/sqrt(largest curvature of n beta L_n + gamma), targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2)
exactly. Gradients are full and in float64; h is adapted per chain, to the acceptance rate that is optimal in high
dimension.

Reference: Roberts & Rosenthal 1998, Optimal scaling of discrete approximations to Langevin diffusions; BlackJAX's
`mala`.
"""

from typing import Annotated, Literal

from pydantic import Field

from llcray.samplers.kernel import Kernel, SamplerVariant


class MALA(SamplerVariant):
    """Metropolis-adjusted Langevin algorithm.

    Attributes:
        target_acceptance_rate: Acceptance rate that h is adapted to.
    """

    kind: Literal["mala"] = "mala"
    target_acceptance_rate: Annotated[float, Field(gt=0, lt=1)] = 0.574

    def gradients_per_step(self, num_data: int) -> float:
        del num_data
        return 1.0

    @property
    def max_adaptations(self) -> int:
        return 1

    def build(self) -> Kernel:
        return _build(self.target_acceptance_rate)


def _build(target_acceptance_rate: float) -> Kernel:
    import blackjax
    import jax
    import jax.numpy as jnp
    from blackjax.adaptation.step_size import dual_averaging_adaptation

    from llcray.samplers import full_batch as fb

    kernel = blackjax.mala.build_kernel()

    def init(rng_key, position, posterior, hyper):
        del rng_key
        return blackjax.mala.init(fb.to_scaled(position, posterior, hyper), fb.scaled_logdensity(posterior, hyper))

    def step(rng_key, state, posterior, hyper):
        state, info = kernel(rng_key, state, fb.scaled_logdensity(posterior, hyper), hyper["step_size"])
        return state, fb.step_info(state, 1.0, info.acceptance_rate)

    def adapt(rng_key, state, posterior, hyper, num_steps):
        start, update, final = dual_averaging_adaptation(target_acceptance_rate)
        logdensity_fn = fb.scaled_logdensity(posterior, hyper)

        def body(i, carry):
            state, averaging = carry
            step_size = jnp.exp(averaging.log_step_size)
            state, info = kernel(jax.random.fold_in(rng_key, i), state, logdensity_fn, step_size)
            return state, update(averaging, info.acceptance_rate)

        state, averaging = jax.lax.fori_loop(0, num_steps, body, (state, start(jnp.asarray(0.1, state.position.dtype))))
        return state, hyper | {"step_size": final(averaging)}, jnp.asarray(num_steps, jnp.float32)

    return fb.exact_gradient_kernel(init, step, adapt)
