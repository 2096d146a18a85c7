"""Variational approximations of the posterior, corrected by importance weights.

    q = argmin E_q[log q(w) + n beta L_n(w) + gamma/2 |w - w*|^2]

over a family of densities, by stochastic gradients of draws of q (path derivatives alone) on minibatches. Draws of the
fitted q are weighted by p/q and so target exp(-n beta L_n(w) - gamma/2 |w - w*|^2); Pareto k-hat says whether the
weights can be trusted. Weights are full and in float64. The localization must be positive.

    mean_field    N(m, diag(s^2))
    low_rank      mixture of Gaussians N(m_k, diag(s_k^2) + B_k B_k'), B_k of a few columns
    full_rank     N(m, C C'), C lower triangular
    flow          N(m, diag(s^2)) moved by a RealNVP of six couplings

A tenth of the draws is of N(w*, 1/gamma) instead, and q is the mixture of both: the fit covers the middle of a
posterior and may be too narrow for its arms, and with a few parameters such draws bound the weights there.

Reference: Roeder, Wu & Duvenaud 2017 (arXiv 1703.09194), eq. 7: path derivatives; Miller, Foti & Adams 2017 (arXiv
1611.06585): mixtures; Hesterberg 1995, Technometrics 37: defensive mixtures; Yao, Vehtari, Simpson & Gelman 2018
(arXiv 1802.02538): k-hat of a variational fit.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llcray.samplers.kernel import Kernel
from llcray.samplers.weighted import WeightedSampler
from llcray.variant import Count, PositiveFloat

WIDE_SHARE = 0.1
"""Share of the draws that are as wide as gamma allows."""
Family = Literal["mean_field", "low_rank", "full_rank", "flow"]


class Variational(WeightedSampler):
    """A fitted family of densities, with importance weights.

    Attributes:
        family: `mean_field`, `low_rank`, `full_rank` or `flow`.
        num_components: Gaussians of the mixture `low_rank`.
        rank: Columns of each Gaussian's matrix in the mixture `low_rank`.
        num_steps: Steps of Adam.
        num_samples: Draws a step; of a mixture as many from each Gaussian, at least one.
        learning_rate: First learning rate, in units of 1/sqrt(largest curvature); it falls to zero as a cosine.
        batch_size: Examples per gradient; null: 64, or all if there are fewer.
    """

    traced: ClassVar[tuple[str, ...]] = ("learning_rate",)

    kind: Literal["variational"] = "variational"
    family: Family = "low_rank"
    num_components: Count = 8
    rank: Count = 2
    num_steps: Count = 2000
    num_samples: Count = 8
    learning_rate: Annotated[PositiveFloat, Field(le=1)] = 0.05
    batch_size: Count | None = None

    def num_numbers(self, num_sampled_params: int) -> int:
        match self.family:
            case "mean_field":
                return 2 * num_sampled_params
            case "low_rank":
                return self.num_components * (self.rank + 2) * num_sampled_params
            case "full_rank":
                return num_sampled_params * (num_sampled_params + 3) // 2
            case "flow":
                return 600 * num_sampled_params  # six couplings of 32 hidden units, each between d and 2 d numbers

    def build(self) -> Kernel:
        return _build(self)


def _build(sampler: Variational) -> Kernel:
    import jax
    import jax.numpy as jnp
    import optax

    from llcray.samplers.families import make_family
    from llcray.samplers.proposal import proposal_kernel, weighted_draw
    from llcray.samplers.stochastic_gradient import random_batch

    family = make_family(sampler.family, sampler.num_components, sampler.rank)
    num_steps, batch_size = sampler.num_steps, sampler.batch_size or 64
    num_samples = family.num_samples(sampler.num_samples)

    def adapt(rng_key, state, posterior, hyper, num_adaptation_steps):
        del num_adaptation_steps
        scale = hyper["scale"]
        schedule = optax.cosine_decay_schedule(1.0, num_steps)
        optimizer = optax.chain(optax.adam(hyper["learning_rate"]), optax.scale_by_schedule(schedule))
        start_key, loop_key = jax.random.split(rng_key)

        def step(i, fitted):
            batch_key, draw_key = jax.random.split(jax.random.fold_in(loop_key, i))
            batch = random_batch(batch_key, posterior.data, batch_size)

            def logdensity_fn(u):
                position = posterior.center + scale * u
                return -posterior.potential(posterior.minibatch_loss(position, batch), position)

            return family.step(draw_key, fitted, logdensity_fn, optimizer, num_samples)

        start = family.init(start_key, jnp.zeros_like(posterior.center), optimizer)
        fitted = jax.lax.fori_loop(0, num_steps, step, start)
        share = min(batch_size, posterior.num_data) / posterior.num_data
        return state, hyper | family.parameters(fitted), jnp.asarray(num_steps * num_samples * share, jnp.float32)

    def step(rng_key, state, posterior, hyper):
        del state
        draw_key, wide_key, choice_key = jax.random.split(rng_key, 3)
        fitted = family.sample(draw_key, hyper)
        width = 1 / (hyper["scale"] * jnp.sqrt(posterior.localization))
        wide = width * jax.random.normal(wide_key, fitted.shape, fitted.dtype)
        u = jnp.where(jax.random.bernoulli(choice_key, WIDE_SHARE), wide, fitted)
        log_wide = jnp.sum(jax.scipy.stats.norm.logpdf(u, scale=width))
        log_proposal = jnp.logaddexp(
            jnp.log1p(-WIDE_SHARE) + family.logdensity(hyper, u), jnp.log(WIDE_SHARE) + log_wide
        )
        return weighted_draw(posterior, hyper["scale"] * u, log_proposal)

    return proposal_kernel(step, adapt)
