"""Microcanonical Langevin dynamics with minibatch gradients, preconditioned by their noise.

    B: v <- v turned towards -g, on the sphere |v| = 1, by the exact flow of    dv = -(1 - v v') g/(d - 1) dt
    A: w <- w + epsilon/2 v
    O: v <- (c v + sqrt(1 - c^2) xi/sqrt(d)), divided by its length,    c = exp(-alpha),    xi ~ N(0, I)

One step is B A O A B with half steps B, and g a minibatch gradient of n beta L_n(w) + gamma/2 |w - w*|^2. The gradient
that closes a step opens the next, so a step costs one gradient. The step is given as

    h = epsilon/sqrt(d),    which for large d is the step of `baoab` with momenta p = sqrt(d) v.

The sampler targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) as h -> 0.

The strength of the noise of O is free: isotropic noise of gradients is more of it and leaves no bias. Anisotropic
noise of covariance N moves heat from direction to direction. Each step adds 2 alpha + h^2 N_ii to the momentum's
variance in direction i, and the fixed length takes as much away from all of them alike, so direction i has the
temperature

    T_i = (2 alpha + h^2 N_ii)/(2 alpha + h^2 tr N/d).

With w_i = mu_i/(mu_i + gamma) the share of a direction of curvature mu_i that the loss sees, k = tr(W N)/tr N and
q = h^2 tr N/2, the bias of n beta E[L - L*] is the sum of w_i (T_i - 1)/2,

    bias = heat (k - 2 lambda/d),    heat = q/(2 alpha + 2 q/d).

q is what a step adds to d log|p| before it is fixed again; k is measured where the chains end. A mass in proportion to
N makes the bias vanish; `mass` is made of E[g g'], of which N is the larger part where n beta is above the batch size.

What a finite step adds is not in the prediction: at h^2 mu = 0.13 and d = 100 a simulation of a quadratic was 0.4%
high without noise, and 0.8% with isotropic noise of a heat of d/10.

Reference: Robnik et al. 2022 (arXiv 2212.08549), eq. 4 and 16; noise of minibatches in these dynamics, and
preconditioning by it: Sommer et al. 2026 (arXiv 2602.06500).
"""

from typing import ClassVar, Literal, NamedTuple

from llcray.array_types import Array
from llcray.samplers.baoab import Mass
from llcray.samplers.kernel import Kernel, Precision, SamplerVariant
from llcray.variant import Count, PositiveFloat

DECAY = 0.99
"""Decay of the running mean of q that the friction of the fixed length is taken from."""


class SGMCLMC(SamplerVariant):
    """Microcanonical Langevin dynamics with minibatch gradients, preconditioned by their noise.

    Attributes:
        step_size: h, in units of w; stable below 2/sqrt(largest curvature of n beta L_n + gamma).
        damping: alpha, by which a step forgets the direction, dimensionless.
        batch_size: Examples per gradient, drawn with replacement.
        mass: The mass of the chains, as for `baoab`.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 2.0
    traced: ClassVar[tuple[str, ...]] = ("step_size", "damping")
    of_schedule: ClassVar[tuple[str, ...]] = ("mass",)
    fewest_params: ClassVar[int] = 2  # the length of a direction is fixed

    kind: Literal["sg_mclmc"] = "sg_mclmc"
    step_size: PositiveFloat = 1e-3
    damping: PositiveFloat = 0.1
    batch_size: Count = 64
    mass: Mass = "diagonal"

    @property
    def max_adaptations(self) -> int:
        return int(self.mass != "none")

    def gradients_per_step(self, num_data: int) -> float:
        return min(self.batch_size, num_data) / num_data

    def finer(self) -> "SGMCLMC":
        """Halves h^2 at the same damping."""
        return self.model_copy(update={"step_size": self.step_size / 2**0.5})

    def build(self) -> Kernel:
        return _build(self.batch_size)


class SGMCLMCState(NamedTuple):
    """The state of a chain.

    Attributes:
        position: w, shape (d,).
        direction: v, of length 1, shape (d,).
        gradient: Gradient of the log-density at w, shape (d,).
        heating: Running mean of q, nats.
    """

    position: Array
    direction: Array
    gradient: Array
    heating: Array


def _build(batch_size: int) -> Kernel:
    import jax
    import jax.numpy as jnp

    from llcray.samplers import stochastic_gradient as sg

    estimator = sg.gradient_estimator("minibatch", batch_size)

    def logdensity_gradient(rng_key, position, posterior):
        return sg.logdensity_gradient(estimator.gradient(rng_key, position, (), posterior), position, posterior)

    def normalized(vector):
        return vector / jnp.linalg.norm(vector)

    def turn(direction, gradient, time):
        """Turns the direction towards the gradient of the log-density; returns it and the change of log|p|.

        The flow's hyperbolic functions of delta = time |gradient|/(d - 1) are divided by exp(delta).
        """
        norm = jnp.linalg.norm(gradient)
        towards = gradient / jnp.where(norm > 0, norm, 1)
        delta = time * norm / (gradient.shape[0] - 1)
        cosine, decayed = jnp.vdot(direction, towards), jnp.exp(-delta)
        sinh, cosh = 0.5 * (1 - decayed**2), 0.5 * (1 + decayed**2)
        turned = decayed * direction + towards * (sinh + cosine * (cosh - decayed))
        return normalized(turned), delta + jnp.log(cosh + cosine * sinh)

    def init(rng_key, position, posterior, hyper):
        del hyper
        gradient_key, direction_key = jax.random.split(rng_key)
        direction = normalized(jax.random.normal(direction_key, position.shape, position.dtype))
        gradient = logdensity_gradient(gradient_key, position, posterior)
        return SGMCLMCState(position, direction, gradient, jnp.zeros((), position.dtype))

    def step(rng_key, state, posterior, hyper):
        dimension, alpha = state.position.shape[0], hyper["damping"]
        epsilon, c = hyper["step_size"] * jnp.sqrt(1.0 * dimension), jnp.exp(-alpha)
        noise = sg.noise_like(rng_key, state.position) / jnp.sqrt(1.0 * dimension)
        direction, first = turn(state.direction, state.gradient, 0.5 * epsilon)
        position = state.position + 0.5 * epsilon * direction
        direction = normalized(c * direction + jnp.sqrt(1 - c**2) * noise)
        position = position + 0.5 * epsilon * direction
        gradient = logdensity_gradient(rng_key, position, posterior)
        direction, second = turn(direction, gradient, 0.5 * epsilon)
        added = dimension * (first + second)
        heating = DECAY * state.heating + (1 - DECAY) * added
        heat = added / (2 * alpha + 2 * jnp.maximum(heating, 0) / dimension)
        virial = sg.virial(gradient, position, posterior)
        moved = SGMCLMCState(*(x.astype(state.position.dtype) for x in (position, direction, gradient, heating)))
        return moved, sg.step_info(estimator.cost(posterior), heat, heat, virial)

    return sg.minibatch_kernel(init, step)
