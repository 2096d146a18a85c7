"""Metropolis-adjusted microcanonical Monte Carlo with trajectories of random length.

    draw the direction v, |v| = 1
    move (w, v) by isokinetic Hamiltonian steps of U = -log p, as in `mclmc`
    accept the end of the trajectory with min(1, exp(-dE))

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) exactly. Gradients are full and in float64; the step size is tuned to
an acceptance rate.

Reference: Robnik, Cohn-Gordon & Seljak 2025 (arXiv 2503.01707); BlackJAX's `adjusted_mclmc_dynamic`.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from llcray.samplers.kernel import Kernel, SamplerVariant


class AdjustedMCLMC(SamplerVariant):
    """Metropolis-adjusted microcanonical Monte Carlo.

    Attributes:
        target_acceptance_rate: Acceptance rate that the step size is tuned to.
        mean_integration_steps: Mean number of integration steps per proposal; the number is uniform from one.
    """

    fewest_params: ClassVar[int] = 2  # the length of a direction is fixed

    kind: Literal["adjusted_mclmc"] = "adjusted_mclmc"
    target_acceptance_rate: Annotated[float, Field(gt=0, lt=1)] = 0.8
    mean_integration_steps: Annotated[float, Field(ge=1.2)] = 5.0

    def gradients_per_step(self, num_data: int) -> float:
        """Returns two full gradients for each integration step."""
        del num_data
        return 2 * self.mean_integration_steps

    def most_gradients_per_step(self, num_data: int) -> float:
        """Returns the gradients of the longest trajectory, which has twice as many steps as the mean one."""
        return 2 * self.gradients_per_step(num_data)

    def warmup_gradients(self, num_steps: int, num_data: int) -> float:
        """Returns half as much again: BlackJAX's tuner goes over half of the steps twice."""
        return 1.5 * num_steps * self.gradients_per_step(num_data)

    @property
    def max_adaptations(self) -> int:
        return 1

    def build(self) -> Kernel:
        return _build(self.target_acceptance_rate, self.mean_integration_steps)


def _build(target_acceptance_rate: float, mean_integration_steps: float) -> Kernel:
    import blackjax
    import jax
    import jax.numpy as jnp
    from blackjax.adaptation.mclmc_adaptation import MCLMCAdaptationState
    from blackjax.mcmc import adjusted_mclmc_dynamic as dynamic

    from llcray.samplers import full_batch as fb

    num_steps_fn = dynamic.make_random_trajectory_length_fn(random_trajectory_length=True)
    kernel = dynamic.build_kernel(integration_steps_fn=num_steps_fn)

    def init(rng_key, position, posterior, hyper):
        logdensity_fn = fb.scaled_logdensity(posterior, hyper)
        return dynamic.init(fb.to_scaled(position, posterior, hyper), logdensity_fn, rng_key)

    def step(rng_key, state, posterior, hyper):
        logdensity_fn = fb.scaled_logdensity(posterior, hyper)
        state, info = kernel(
            rng_key, state, logdensity_fn, hyper["step_size"], integration_steps_params=(mean_integration_steps,)
        )
        return state, fb.step_info(
            state, 2.0 * info.num_integration_steps, info.acceptance_rate, info.energy, is_divergent=info.is_divergent
        )

    def adapt(rng_key, state, posterior, hyper, num_steps):
        scale = jnp.sqrt(float(state.position.shape[0]))
        start: Any = (scale, 0.1 * scale, jnp.ones_like(state.position))

        def tunable(rng_key, state, logdensity_fn, step_size, inverse_mass_matrix, integration_steps_params):
            return kernel(
                rng_key,
                state,
                logdensity_fn,
                step_size,
                inverse_mass_matrix=inverse_mass_matrix,
                integration_steps_params=integration_steps_params,
            )

        state, tuned, num_tuned = blackjax.adjusted_mclmc_find_L_and_step_size(
            tunable,
            fb.scaled_logdensity(posterior, hyper),
            num_steps,
            state,
            rng_key,
            target_acceptance_rate,
            frac_tune1=0.5,
            frac_tune2=0.5,
            diagonal_preconditioning=False,
            params=MCLMCAdaptationState(*start),
            target_num_integration_steps=mean_integration_steps,
        )
        num_gradients = jnp.asarray(2.0 * num_tuned, jnp.float32)
        return state, jax.tree.map(jnp.asarray, hyper | {"step_size": tuned.step_size}), num_gradients

    return fb.exact_gradient_kernel(init, step, adapt)
