"""Underdamped Langevin dynamics with the UBU splitting and symmetric sweeps over minibatches.

    B: p <- p - h g
    U: (w, p) <- the exact solution, over the time h, of    dw = p dt,    dp = -(alpha/h) p dt + sqrt(2 alpha/h) dW

with g a minibatch gradient of n beta L_n(w) + gamma/2 |w - w*|^2. A step is B U, from the middle of one UBU step to the
middle of the next, since two half steps U make a whole one; it costs one gradient. The sampler targets

    exp(-n beta L_n(w) - gamma/2 |w - w*|^2)    as h -> 0, with unit mass.

Where `batches` is `symmetric`, a random partition of the data into m = n/B batches is gone through forwards and then
backwards, before a new one is drawn. Kicks of a sweep then add up to the full gradient, and the noise of one direction
is undone by the other, for directions that move little during a sweep.

On a quadratic of curvature mu, positions in the middle have, with full gradients, the temperature

    T = 1 + h^2 mu/12 + ...,    and at the ends of UBU steps    1 - h^2 mu/6 + ...

(BAOAB has 1 exactly). Independent gradient noise of variance s^2 adds h^2 s^2/(2 alpha). Up to terms of order alpha^2,
both are equal to the excess temperature of momenta, averaged over before and after B, which predicts the bias as for
`baoab`. Symmetric sweeps leave less noise in the positions than in the momenta: then the prediction is an upper bound.
Stationary covariances at alpha = 0.05, with s^2 = mu, give

    h^2 mu    batches m    excess in positions    in momenta    with independent batches
    0.01      16           0.021                  0.048         0.100
    0.01      78           0.092                  0.101         0.100
    0.1       16           0.97                   1.01          1.01

so that sweeps pay where 2 m h sqrt(mu) is below one.

Reference: Sanz-Serna & Zygalakis 2021 (arXiv 2104.12384), UBU; symmetric sweeps: Paulin, Whalley, Chada & Leimkuhler
2024 (arXiv 2410.19780).
"""

from typing import ClassVar, Literal, NamedTuple

from llcray.array_types import Array
from llcray.samplers.kernel import Kernel, Precision, SamplerVariant
from llcray.variant import Count, PositiveFloat


class UBU(SamplerVariant):
    """Underdamped Langevin dynamics with the UBU splitting and symmetric sweeps over minibatches.

    Attributes:
        step_size: h, in units of w (unit mass); stable below 2/sqrt(largest curvature of n beta L_n + gamma).
        damping: alpha, friction times h, dimensionless.
        batch_size: Examples per gradient.
        batches: `symmetric`, sweeps over a partition of the data, forwards and backwards, without the few examples that
            fill no batch; or `replacement`, independent batches drawn with replacement.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 2.0
    traced: ClassVar[tuple[str, ...]] = ("step_size", "damping")

    kind: Literal["ubu"] = "ubu"
    step_size: PositiveFloat = 1e-3
    damping: PositiveFloat = 0.1
    batch_size: Count = 64
    batches: Literal["symmetric", "replacement"] = "symmetric"

    def gradients_per_step(self, num_data: int) -> float:
        return min(self.batch_size, num_data) / num_data

    def finer(self) -> "UBU":
        """Halves h^2 at the same damping: the errors of discretisation and gradient noise are proportional to h^2."""
        return self.model_copy(update={"step_size": self.step_size / 2**0.5})

    def build(self) -> Kernel:
        return _build(self.batch_size, self.batches)


class UBUState(NamedTuple):
    """The state of a chain.

    Attributes:
        position: w in the middle of a UBU step, where gradients are taken, shape (d,).
        momentum: p there, before B, shape (d,).
        sweep: Key of the partition that is being gone through.
        num_steps: Steps since its beginning.
    """

    position: Array
    momentum: Array
    sweep: Array
    num_steps: Array


def _build(batch_size: int, batches: Literal["symmetric", "replacement"]) -> Kernel:
    import jax
    import jax.numpy as jnp

    from llcray.samplers import counter
    from llcray.samplers import stochastic_gradient as sg

    estimator = sg.gradient_estimator("minibatch", batch_size)

    def batch_of(rng_key, state, posterior):
        """Returns the batch of this step and the state in whose sweep it lies."""
        num_batches = posterior.num_data // batch_size
        if batches == "replacement" or num_batches < 2:
            return sg.random_batch(rng_key, posterior.data, batch_size), state
        num_steps = state.num_steps % (2 * num_batches)
        sweep = jnp.where(num_steps == 0, jax.random.key_data(rng_key), state.sweep)
        batch = jnp.minimum(num_steps, 2 * num_batches - 1 - num_steps)
        places = batch * batch_size + jnp.arange(batch_size, dtype=jnp.int32)
        indices = counter.permuted(jax.random.wrap_key_data(sweep), places, posterior.num_data)
        examples = jax.tree.map(lambda x: x[indices], posterior.data)
        return examples, state._replace(sweep=sweep, num_steps=num_steps + 1)

    def weights(alpha):
        """Returns c, and what U adds to w over h: in units of p, of the noise of p, and of noise of its own.

        Differences of terms near one need more digits than float32 has.
        """
        a = alpha.astype(jnp.float64)
        c = jnp.exp(-a)
        drift = (1 - c) / a
        shared = (1 - c) ** 2 / (a * jnp.sqrt(1 - c**2))
        own = jnp.sqrt(2 / a - 4 * (1 - c) / a**2 + (1 - c**2) / a**2 - shared**2)
        return tuple(number.astype(alpha.dtype) for number in (c, drift, shared, own))

    def init(rng_key, position, posterior, hyper):
        del posterior, hyper
        momentum = jax.random.normal(rng_key, position.shape, position.dtype)
        return UBUState(position, momentum, jax.random.key_data(rng_key), jnp.zeros((), jnp.int32))

    def step(rng_key, state, posterior, hyper):
        h, (c, drift, shared, own) = hyper["step_size"], weights(hyper["damping"])
        examples, state = batch_of(rng_key, state, posterior)
        gradient = jax.grad(posterior.minibatch_loss)(state.position, examples)
        gradient = sg.logdensity_gradient(gradient, state.position, posterior)
        momentum = state.momentum + h * gradient
        noise = sg.noise_like(rng_key, state.position)
        other = counter.normal(rng_key, noise.shape[0], noise.dtype, stream=2)
        position = state.position + h * (drift * momentum + shared * noise + own * other)
        heat = 0.25 * (1 + c**2) * sg.excess_kinetic_energy(momentum, noise, c)
        virial = sg.virial(gradient, state.position, posterior)
        moved = state._replace(position=position, momentum=c * momentum + jnp.sqrt(1 - c**2) * noise)
        return moved, sg.step_info(estimator.cost(posterior), heat, heat, virial)

    return sg.minibatch_kernel(init, step)
