"""Stochastic gradient Hamiltonian Monte Carlo, Euler discretisation, momentum kept from step to step.

    w <- w + h p
    p <- (1 - alpha) p - h g + sqrt(2 alpha) xi,    xi ~ N(0, I)

with g a minibatch gradient of n beta L_n(w) + gamma/2 |w - w*|^2, targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) as
h -> 0 and alpha -> 0. The first-order scheme heats stiff directions. It heats the momenta of all directions by alpha/2,
which says little about the positions: no bias is predicted.

Reference: Chen, Fox & Guestrin 2014 (arXiv 1402.4102), eq. 15; BlackJAX's `diffusions.sghmc`.
"""

from typing import Any, ClassVar, Literal, NamedTuple

from llcray.array_types import Array
from llcray.samplers.kernel import NO_PREDICTION, Kernel, Precision, SamplerVariant
from llcray.variant import Count, PositiveFloat


class SGHMC(SamplerVariant):
    """Stochastic gradient Hamiltonian Monte Carlo.

    Attributes:
        step_size: h, in units of w (unit mass).
        damping: alpha, friction times h, dimensionless.
        batch_size: Examples per gradient, drawn with replacement.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 1.0
    traced: ClassVar[tuple[str, ...]] = ("step_size", "damping")

    kind: Literal["sghmc"] = "sghmc"
    version: int = 2
    step_size: PositiveFloat = 1e-3
    damping: PositiveFloat = 0.01
    batch_size: Count = 64

    @property
    def caveat(self) -> str:
        return NO_PREDICTION

    def gradients_per_step(self, num_data: int) -> float:
        return min(self.batch_size, num_data) / num_data

    def finer(self) -> "SGHMC":
        """Halves the step at the same friction, and so halves alpha too."""
        return self.model_copy(update={"step_size": 0.5 * self.step_size, "damping": 0.5 * self.damping})

    def build(self) -> Kernel:
        return _build(self.batch_size)


class SGHMCState(NamedTuple):
    """The state of a chain: position and momentum, each of shape (d,)."""

    position: Array
    momentum: Array


def _build(batch_size: int) -> Kernel:
    import jax
    import jax.numpy as jnp
    from blackjax.sgmcmc import diffusions

    from llcray.samplers import stochastic_gradient as sg

    estimator = sg.gradient_estimator("minibatch", batch_size)

    def init(rng_key, position, posterior, hyper):
        del posterior, hyper
        return SGHMCState(position, jax.random.normal(rng_key, position.shape, position.dtype))

    def step(rng_key, state, posterior, hyper):
        batch_key, noise_key = jax.random.split(rng_key)
        gradient = estimator.gradient(batch_key, state.position, (), posterior)
        gradient = sg.logdensity_gradient(gradient, state.position, posterior)
        integrate: Any = diffusions.sghmc(alpha=hyper["damping"] / hyper["step_size"])
        moved = integrate(noise_key, state.position, state.momentum, gradient, hyper["step_size"])
        moved = SGHMCState(*(x.astype(state.position.dtype) for x in moved))
        virial = sg.virial(gradient, state.position, posterior)
        return moved, sg.step_info(estimator.cost(posterior), jnp.nan, jnp.sum(moved.momentum), virial)

    return sg.minibatch_kernel(init, step)
