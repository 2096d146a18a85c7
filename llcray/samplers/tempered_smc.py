"""Tempered sequential Monte Carlo: a cross-check, for small targets, that does not start at w*.

    draw particles from N(w*, I/gamma)
    raise theta from 0 to 1, each time so far that a given share of the particles stays effective
    at every rise, resample, and move the particles by Hamiltonian Monte Carlo in
        exp(-theta n beta (L_n(w) - L_n(w*)) - gamma/2 |w - w*|^2)

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2). A chain is a population of its own; after tempering its particles are
moved in turn, one a draw, and the loss of a draw is the mean over the population: particles that have a common ancestor
and move slowly do not look independent then. Gradients are full and in float64. The localization must be positive.

A rise costs `num_mcmc_steps` moves of every particle. How many rises there are is known when theta is 1, and the budget
may end them before: particles of an unfinished tempering estimate nothing, so the verdict is then `not_converged`, with
the budget that the pace of the last rise asks for.

Reference: Del Moral, Doucet & Jasra 2006, Sequential Monte Carlo samplers; BlackJAX's `adaptive_tempered_smc`.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from llcray.array_types import Array
from llcray.samplers.kernel import Kernel, SamplerVariant
from llcray.variant import Count, PositiveFloat


class TemperedSMC(SamplerVariant):
    """Tempered sequential Monte Carlo.

    Attributes:
        num_particles: Particles of one chain.
        num_mcmc_steps: Hamiltonian moves of every particle at each rise of theta.
        num_integration_steps: Leapfrog steps of a move.
        step_size: Leapfrog step in units of 1/sqrt(largest curvature); it need not be tuned within (0, 1).
        target_ess: Share of the particles that stays effective at a rise.
    """

    ends_its_warmup: ClassVar[bool] = True
    draws_are_means: ClassVar[bool] = True

    version: int = 2
    kind: Literal["tempered_smc"] = "tempered_smc"
    num_particles: Count = 64
    num_mcmc_steps: Count = 5
    num_integration_steps: Count = 10
    step_size: PositiveFloat = 0.3
    target_ess: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def gradients_per_step(self, num_data: int) -> float:
        """Returns the cost of one move of one particle."""
        del num_data
        return float(self.num_integration_steps)

    def warmup_gradients(self, num_steps: int, num_data: int) -> float:
        """Returns the cost of so many rises of theta."""
        moves = num_steps * self.num_mcmc_steps * self.num_particles
        return moves * self.gradients_per_step(num_data)

    @property
    def max_adaptations(self) -> int:
        return 1

    def build(self) -> Kernel:
        """Builds the kernel, whose adaptation is the tempering."""
        return _build(self)


class PopulationState(NamedTuple):
    """The state of a chain.

    Attributes:
        particles: Scaled positions, shape (particle, d).
        centered_losses: L - L* of the particles, nats, shape (particle,).
        num_draws: Number of draws so far.
        position: Scaled position of the particle that was drawn last, shape (d,).
    """

    particles: Array
    centered_losses: Array
    num_draws: Array
    position: Array


def _build(sampler: TemperedSMC) -> Kernel:
    import blackjax
    import blackjax.smc.resampling as resampling
    import jax
    import jax.numpy as jnp
    from blackjax.smc import extend_params

    from llcray.samplers import full_batch as fb
    from llcray.samplers.stochastic_gradient import LOSS_GRADIENTS

    num_particles, num_leapfrog = sampler.num_particles, sampler.num_integration_steps
    kernel = fb.random_length_hmc()
    extended: Any = extend_params  # typed for arrays, meant for any mapping of them

    def init(rng_key, position, posterior, hyper):
        spread = 1 / (jnp.sqrt(posterior.localization) * hyper["scale"])
        particles = spread * jax.random.normal(rng_key, (num_particles, *position.shape), position.dtype)
        # The adaptation moves all of them before a draw is taken.
        return PopulationState(particles, jnp.zeros(num_particles), jnp.zeros((), jnp.int32), particles[0])

    def _centered_loss(u, posterior, hyper):
        return posterior.centered_loss(posterior.center + hyper["scale"] * u)

    def _logdensity(posterior, hyper):
        return fb.scaled_logdensity(posterior, hyper)

    def adapt(rng_key, state, posterior, hyper, num_steps):
        def logprior(u):
            return -0.5 * posterior.localization * hyper["scale"] ** 2 * jnp.sum(u**2)

        def loglikelihood(u):
            return _logdensity(posterior, hyper)(u) - logprior(u)

        smc: Any = blackjax.adaptive_tempered_smc(
            logprior,
            loglikelihood,
            kernel,
            blackjax.hmc.init,
            extended(
                {
                    "step_size": jnp.asarray(sampler.step_size),
                    "inverse_mass_matrix": jnp.ones_like(state.position),
                    "num_integration_steps": num_leapfrog,
                }
            ),
            resampling.systematic,
            sampler.target_ess,
            num_mcmc_steps=sampler.num_mcmc_steps,
        )

        def body(carry):
            rung, _, tempered = carry
            return rung + 1, tempered.tempering_param, smc.step(jax.random.fold_in(rng_key, rung), tempered)[0]

        # BlackJAX resamples and moves at the theta that a step starts from: one more step follows the last rise.
        start = (jnp.zeros((), jnp.int32), jnp.zeros(()), smc.init(state.particles))
        num_rungs, theta, tempered = jax.lax.while_loop(
            lambda carry: (carry[1] < 1) & (carry[0] < num_steps), body, start
        )
        losses = jax.lax.map(lambda u: _centered_loss(u, posterior, hyper), tempered.particles)
        cost = sampler.num_mcmc_steps * num_leapfrog * num_particles
        tuned = {
            "step_size": sampler.step_size,
            "steps_left": _rises_left(theta, tempered.tempering_param, state.position.size),
        }
        tuned = {name: jnp.asarray(value, state.position.dtype) for name, value in tuned.items()}
        state = state._replace(particles=tempered.particles, centered_losses=losses)
        num_gradients = num_rungs * cost + num_particles * LOSS_GRADIENTS
        return state, hyper | tuned, num_gradients.astype(jnp.float32)

    def step(rng_key, state, posterior, hyper):
        index = state.num_draws % num_particles
        logdensity_fn = _logdensity(posterior, hyper)
        moving = blackjax.hmc.init(state.particles[index], logdensity_fn)
        metric = jnp.ones_like(state.position)
        moved, info = kernel(rng_key, moving, logdensity_fn, hyper["step_size"], metric, num_leapfrog)
        state = PopulationState(
            state.particles.at[index].set(moved.position),
            state.centered_losses.at[index].set(fb.centered_loss(moved, posterior, hyper)),
            state.num_draws + 1,
            moved.position,
        )
        return state, fb.step_info(
            moved, num_leapfrog + 1, info.acceptance_rate, info.energy, is_divergent=info.is_divergent
        )

    return Kernel(
        init=init,
        step=step,
        position=fb.position,
        centered_loss=lambda state, posterior, hyper: jnp.mean(state.centered_losses),
        loss_gradients=0.0,
        adapt=adapt,
    )


def _rises_left(before: Array, theta: Array, dimension: int) -> Array:
    """Returns the rises from `theta` to 1 at the pace of the last rise, which began at `before`; 0 if that is 1.

    The first rise begins at zero and has no pace. Where a quadratic loss of d directions decides, half of the particles
    stay effective in a rise by the factor

        1 + sqrt(2 log 2/d)
    """
    import jax.numpy as jnp

    of_quadratic = jnp.sqrt(2 * jnp.log(2.0) / dimension)
    pace = jnp.log1p(jnp.where(before > 0, theta / before - 1, of_quadratic))
    return jnp.where(before < 1, 1 - jnp.log(theta) / pace, 0.0)
