"""Underdamped Langevin dynamics with the BAOAB splitting and minibatch gradients.

    B: p <- p - (h/2) g
    A: w <- w + (h/2) p
    O: p <- c p + sqrt(1 - c^2) xi,    c = exp(-alpha),    xi ~ N(0, I)

One step is B A O A B, with g a minibatch estimate of the gradient of n beta L_n(w) + gamma/2 |w - w*|^2. The gradient
that closes a step opens the next, so a step costs one gradient. The sampler targets

    exp(-n beta L_n(w) - gamma/2 |w - w*|^2)

with unit mass. With full gradients the positions are exact on a quadratic at any stable h. Gradient noise heats momenta
and positions alike (equipartition), so the excess kinetic energy, averaged over before and after O,

    heat = (1 + c^2)/4 (E|p|^2 - d),    p the momentum just before O,

estimates the bias of n beta E[L - L*] in nats, but for the share of it that lies in directions which the loss does not
see; `llcray.sampling.gradient_noise` measures that share. Most of the noise of |p|^2 stems from xi itself: O multiplies
|p|^2 - d by c^2 and adds a term of mean zero,

    Z = (1 - c^2) (|xi|^2 - d) + 2 c sqrt(1 - c^2) p.xi,

which then decays at the rate 1 - c^2. Subtracting Z/(1 - c^2) leaves the mean as it is and removes that noise; the
remainder is the work of discretisation and gradient noise.

Reference: Leimkuhler & Matthews 2013 (arXiv 1203.5428), eq. 10; heating by gradient noise: Leimkuhler & Shang 2016
(arXiv 1505.06889).
"""

from typing import Any, ClassVar, Literal, NamedTuple

from llcray.array_types import Array
from llcray.samplers.kernel import Kernel, Precision, SamplerVariant
from llcray.variant import Count, PositiveFloat

Mass = Literal["none", "tensor", "diagonal", "kronecker", "orthogonal"]
"""The form of a mass (see `llcray.sampling.mass`)."""


class BAOAB(SamplerVariant):
    """Underdamped Langevin dynamics with the BAOAB splitting.

    Attributes:
        step_size: h, in units of w (unit mass); stable below 2/sqrt(largest curvature of n beta L_n + gamma).
        damping: alpha, friction times h, dimensionless.
        batch_size: Examples per gradient, drawn with replacement.
        gradient: `minibatch`, or `control_variate`, which subtracts the batch's gradient at w* and adds the full one.
        mass: `none`, the unit mass; or a mass made of gradients met during warmup, and then kept: `tensor`, a number
            for each parameter array; `diagonal`, as RMSProp; `kronecker`, two factors for each matrix, as Shampoo;
            `orthogonal`, one factor for each matrix, which Muon's steps have in the mean. The steepest coordinate keeps
            the unit mass, so h is what is stable without one.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 2.0
    traced: ClassVar[tuple[str, ...]] = ("step_size", "damping")
    of_schedule: ClassVar[tuple[str, ...]] = ("mass",)

    kind: Literal["baoab"] = "baoab"
    version: int = 2
    step_size: PositiveFloat = 1e-3
    damping: PositiveFloat = 0.1
    batch_size: Count = 64
    gradient: Literal["minibatch", "control_variate"] = "minibatch"
    mass: Mass = "none"

    @property
    def max_adaptations(self) -> int:
        return int(self.mass != "none")

    def gradients_per_step(self, num_data: int) -> float:
        return min(self.batch_size, num_data) / num_data * (2 if self.gradient == "control_variate" else 1)

    def finer(self) -> "BAOAB":
        """Halves h^2 at the same damping: the errors of discretisation and gradient noise are proportional to h^2."""
        return self.model_copy(update={"step_size": self.step_size / 2**0.5})

    def build(self) -> Kernel:
        return build_baoab(self.batch_size, self.gradient)


class BAOABState(NamedTuple):
    """The state of a chain.

    Attributes:
        position: w, shape (d,).
        momentum: p, shape (d,).
        gradient: Gradient of the potential at w, shape (d,).
        anchor: The anchor of the gradient estimator (see `stochastic_gradient`).
    """

    position: Array
    momentum: Array
    gradient: Array
    anchor: Any


def build_baoab(batch_size: int, gradient: Literal["minibatch", "control_variate"]) -> Kernel:
    """Builds the kernel, whose `hyper` holds `step_size` and `damping`."""
    import jax
    import jax.numpy as jnp

    from llcray.samplers import stochastic_gradient as sg

    estimator = sg.gradient_estimator(gradient, batch_size)

    def potential_gradient(rng_key, position, anchor, posterior):
        gradient = estimator.gradient(rng_key, position, anchor, posterior)
        return -sg.logdensity_gradient(gradient, position, posterior)

    def init(rng_key, position, posterior, hyper):
        del hyper
        gradient_key, momentum_key = jax.random.split(rng_key)
        momentum = jax.random.normal(momentum_key, position.shape, position.dtype)
        anchor = estimator.init(posterior)
        return BAOABState(position, momentum, potential_gradient(gradient_key, position, anchor, posterior), anchor)

    def step(rng_key, state, posterior, hyper):
        h, c = hyper["step_size"], jnp.exp(-hyper["damping"])
        noise = sg.noise_like(rng_key, state.position)
        momentum_before = state.momentum - 0.5 * h * state.gradient
        position = state.position + 0.5 * h * momentum_before
        momentum_after = c * momentum_before + jnp.sqrt(1 - c**2) * noise
        position = position + 0.5 * h * momentum_after
        gradient = potential_gradient(rng_key, position, state.anchor, posterior)
        momentum = momentum_after - 0.5 * h * gradient
        heat = 0.25 * (1 + c**2) * sg.excess_kinetic_energy(momentum_before, noise, c)
        moved = BAOABState(position, momentum, gradient, state.anchor)
        virial = sg.virial(-gradient, position, posterior)
        return moved, sg.step_info(estimator.cost(posterior), heat, heat, virial)

    return sg.minibatch_kernel(init, step)
