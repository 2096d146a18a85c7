"""Stochastic gradient Langevin dynamics, optionally preconditioned.

    w <- w - (epsilon/2) P g + sqrt(epsilon P) xi,    g = n beta grad L_B(w) + gamma (w - w*),    xi ~ N(0, I)

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) as epsilon -> 0. The preconditioner is

    P = 1,    or    P = 1/(sqrt(v) + a),

with v the running second moment of the minibatch loss gradient alone, without the localization. It starts at 1 and,
after k updates, is divided by 1 - decay^k, which keeps the first steps short. `adam` also replaces the loss gradient by
its running mean. An adaptive P makes the chain non-stationary; with a P frozen after warmup, the chain targets the
right density.

Per mode of curvature t h + gamma, with t = n beta, the bias of the LLC through epsilon is, to first order,

    epsilon t h/8 nats,

which is the mean of epsilon/8 times the loss part of the gradient times the gradient. Motion in directions that the
loss does not see therefore does not count; gradient noise in these directions does, so the estimate is an upper bound.
Adam's running mean, of decay b, multiplies the bias by

    (1 + b)/(1 - b),

19 at b = 0.9, as the stationary covariance of w and that mean shows.

Reference: Welling & Teh 2011; Lau et al. 2023 (arXiv 2308.12108), Alg. 1; preconditioned forms: Hitchcock & Hoogland
2025 (arXiv 2507.21449), App. D.3, Alg. 2 and 3.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from llcray.array_types import Array
from llcray.samplers.kernel import Kernel, Precision, SamplerVariant
from llcray.variant import Count, PositiveFloat

Decay = Annotated[float, Field(ge=0, lt=1)]


class SGLD(SamplerVariant):
    """Stochastic gradient Langevin dynamics.

    Attributes:
        step_size: epsilon of Welling & Teh, in units of w^2: the gradient is multiplied by epsilon/2, the noise is
            sqrt(epsilon). BlackJAX's step_size is half of it.
        batch_size: Examples per gradient, drawn with replacement.
        gradient: `minibatch`, or `control_variate`, which subtracts the batch's gradient at w* and adds the full one.
        preconditioner: `none`, `rmsprop` or `adam`.
        preconditioning: `adaptive` throughout the run, or `frozen` after warmup.
        mean_decay: Decay of Adam's running mean.
        square_decay: Decay of the running second moment.
        stabilization: a, added to the root of the second moment; keeps the step bounded in flat directions.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 1.0
    needs_curvature: ClassVar[bool] = False
    traced: ClassVar[tuple[str, ...]] = ("step_size", "mean_decay", "square_decay", "stabilization")

    kind: Literal["sgld"] = "sgld"
    version: int = 2
    step_size: PositiveFloat = 1e-5
    batch_size: Count = 64
    gradient: Literal["minibatch", "control_variate"] = "minibatch"
    preconditioner: Literal["none", "rmsprop", "adam"] = "none"
    preconditioning: Literal["adaptive", "frozen"] = "adaptive"
    mean_decay: Decay = 0.9
    square_decay: Decay = 0.99
    stabilization: PositiveFloat = 0.1

    def gradients_per_step(self, num_data: int) -> float:
        return min(self.batch_size, num_data) / num_data * (2 if self.gradient == "control_variate" else 1)

    @property
    def caveat(self) -> str | None:
        if self.preconditioner == "none" or self.preconditioning == "frozen":
            return None
        return (
            f"the preconditioner {self.preconditioner} goes on adapting: the chain targets no fixed density, and no "
            "prediction has that bias in it (20% was seen). Set preconditioning: frozen"
        )

    def finer(self) -> "SGLD":
        return self.model_copy(update={"step_size": 0.5 * self.step_size})

    @property
    def max_adaptations(self) -> int:
        return int(self.preconditioner != "none" and self.preconditioning == "frozen")

    def build(self) -> Kernel:
        return _build(self)


class SGLDState(NamedTuple):
    """The state of a chain.

    Attributes:
        position: w, shape (d,).
        mean: Running mean of the loss gradient, not divided by 1 - decay^k, shape (d,).
        square: Running second moment of the loss gradient, not divided by 1 - decay^k, shape (d,).
        count: Number k of updates of these moments.
        anchor: The anchor of the gradient estimator (see `stochastic_gradient`).
    """

    position: Array
    mean: Array
    square: Array
    count: Array
    anchor: Any


def _build(sampler: SGLD) -> Kernel:
    import jax
    import jax.numpy as jnp

    from llcray.samplers import stochastic_gradient as sg

    estimator = sg.gradient_estimator(sampler.gradient, sampler.batch_size)
    preconditioner, is_frozen = sampler.preconditioner, sampler.preconditioning == "frozen"

    def init(rng_key, position, posterior, hyper):
        del rng_key, hyper
        start = (jnp.zeros_like(position), jnp.ones_like(position), jnp.zeros((), jnp.int32))
        return SGLDState(position, *start, estimator.init(posterior))

    def update_moments(state, gradient, hyper):
        mean = hyper["mean_decay"] * state.mean + (1 - hyper["mean_decay"]) * gradient
        square = hyper["square_decay"] * state.square + (1 - hyper["square_decay"]) * gradient**2
        return state._replace(mean=mean, square=square, count=state.count + 1)

    def precondition(state, gradient, hyper):
        mean = state.mean / (1 - hyper["mean_decay"] ** state.count)
        square = state.square / (1 - hyper["square_decay"] ** state.count)
        drift = mean if preconditioner == "adam" else gradient
        return drift, 1 / (jnp.sqrt(square) + hyper["stabilization"])

    def bias_factor(hyper):
        """Returns the factor by which Adam's running mean multiplies the bias; 1 without Adam."""
        decay = hyper["mean_decay"]
        return (1 + decay) / (1 - decay) if preconditioner == "adam" else 1.0

    def move(rng_key, state, posterior, hyper, update):
        gradient = estimator.gradient(rng_key, state.position, state.anchor, posterior)
        drift, scale = gradient, jnp.ones((), gradient.dtype)
        if preconditioner != "none":
            state = update(state, gradient, hyper)
            drift, scale = precondition(state, gradient, hyper)
        logdensity_gradient = sg.logdensity_gradient(drift, state.position, posterior)
        noise = sg.noise_like(rng_key, state.position)
        position = state.position + 0.5 * hyper["step_size"] * scale * logdensity_gradient
        position += jnp.sqrt(hyper["step_size"] * scale) * noise
        loss_part = posterior.n_beta * drift
        heat = -bias_factor(hyper) * hyper["step_size"] / 8 * jnp.sum(scale * loss_part * logdensity_gradient)
        virial = sg.virial(sg.logdensity_gradient(gradient, state.position, posterior), state.position, posterior)
        return state._replace(position=position), sg.step_info(estimator.cost(posterior), heat, heat, virial)

    def update_mean_alone(state, gradient, hyper):
        return update_moments(state, gradient, hyper)._replace(square=state.square, count=state.count)

    def step(rng_key, state, posterior, hyper):
        return move(rng_key, state, posterior, hyper, update_mean_alone if is_frozen else update_moments)

    def adapt(rng_key, state, posterior, hyper, num_steps):
        def body(i, state):
            return move(jax.random.fold_in(rng_key, i), state, posterior, hyper, update_moments)[0]

        return jax.lax.fori_loop(0, num_steps, body, state), hyper, num_steps * estimator.cost(posterior)

    return sg.minibatch_kernel(init, step, adapt if sampler.max_adaptations else None)
