"""Stochastic gradient Nose-Hoover thermostat: a friction that adapts until the kinetic energy is right.

    u <- u + h p
    p <- (1 - h zeta) p - h g + sqrt(2 alpha) xi,    xi ~ N(0, I)
    zeta <- zeta + h (|p|^2/d - 1)

in u = (w - w*)/s, s = 1/sqrt(largest curvature of n beta L_n + gamma), so that the thermostat reacts on the time scale
of the dynamics; g is a minibatch gradient of the potential in u. The sampler targets

    exp(-n beta L_n(w) - gamma/2 |w - w*|^2)    as h -> 0,

also under gradient noise of unknown size, if that noise is isotropic. The Euler friction heats the momenta by alpha/2;
the thermostat holds the momenta at the right temperature, and so cools the positions by as much.

Reference: Ding et al. 2014, Bayesian sampling using stochastic gradient thermostats, Alg. 2; BlackJAX's
`diffusions.sgnht`.
"""

from typing import Any, ClassVar, Literal, NamedTuple

from llcray.array_types import Array
from llcray.samplers.kernel import NO_PREDICTION, Kernel, Precision, SamplerVariant
from llcray.variant import Count, PositiveFloat


class SGNHT(SamplerVariant):
    """Stochastic gradient Nose-Hoover thermostat.

    Attributes:
        step_size: h s, in units of w (unit mass), as for `baoab` and `sghmc`.
        damping: alpha, dimensionless: the noise added, and the friction times h that the thermostat starts from.
        batch_size: Examples per gradient, drawn with replacement.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 1.0
    traced: ClassVar[tuple[str, ...]] = ("step_size", "damping")

    kind: Literal["sgnht"] = "sgnht"
    version: int = 2
    step_size: PositiveFloat = 1e-3
    damping: PositiveFloat = 0.01
    batch_size: Count = 64

    @property
    def caveat(self) -> str:
        return NO_PREDICTION

    def gradients_per_step(self, num_data: int) -> float:
        return min(self.batch_size, num_data) / num_data

    def finer(self) -> "SGNHT":
        """Halves the step at the same friction, and so halves alpha too."""
        return self.model_copy(update={"step_size": 0.5 * self.step_size, "damping": 0.5 * self.damping})

    def build(self) -> Kernel:
        return _build(self.batch_size)


class SGNHTState(NamedTuple):
    """The state of a chain: scaled position and momentum, each of shape (d,), and the friction of the thermostat."""

    position: Array
    momentum: Array
    friction: Array


def _build(batch_size: int) -> Kernel:
    import jax
    import jax.numpy as jnp
    from blackjax.sgmcmc import diffusions

    from llcray.samplers import full_batch as fb
    from llcray.samplers import stochastic_gradient as sg

    estimator = sg.gradient_estimator("minibatch", batch_size)

    def init(rng_key, position, posterior, hyper):
        momentum = jax.random.normal(rng_key, position.shape, position.dtype)
        friction = hyper["damping"] / (hyper["step_size"] / hyper["scale"])
        return SGNHTState(fb.to_scaled(position, posterior, hyper), momentum, friction)

    def step(rng_key, state, posterior, hyper):
        batch_key, noise_key = jax.random.split(rng_key)
        position, h = fb.position(state, posterior, hyper), hyper["step_size"] / hyper["scale"]
        gradient = estimator.gradient(batch_key, position, (), posterior)
        gradient = sg.logdensity_gradient(gradient, position, posterior)
        virial = sg.virial(gradient, position, posterior)
        gradient = hyper["scale"] * gradient
        integrate: Any = diffusions.sgnht(alpha=hyper["damping"] / h)
        moved = integrate(noise_key, *state, gradient, h)
        moved = SGNHTState(*(x.astype(position.dtype) for x in moved))
        return moved, sg.step_info(estimator.cost(posterior), jnp.nan, jnp.sum(moved.momentum), virial)

    return Kernel(
        init=init,
        step=step,
        position=fb.position,
        centered_loss=lambda state, posterior, hyper: posterior.centered_loss(fb.position(state, posterior, hyper)),
        loss_gradients=sg.LOSS_GRADIENTS,
    )
