"""Stochastic gradient Langevin dynamics, optionally preconditioned.

    w <- w - (epsilon/2) P g + sqrt(epsilon P) xi,    g = n beta grad L_B(w) + gamma (w - w*),    xi ~ N(0, I)

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) as epsilon -> 0. P = 1, or 1/(sqrt(v) + a) with v the running second
moment of the minibatch loss gradient alone (localization excluded), started at 1 and divided by 1 - decay^t, which
keeps the first steps short; `adam` also replaces the loss gradient by its running mean. An adaptive P makes the chain
non-stationary; frozen after warmup, it targets the right density.

The bias of the LLC through epsilon is, per mode of curvature t h + gamma and to first order, epsilon t h/8 nats: the
mean of epsilon/8 times the gradient's loss part and the gradient. What moves in directions that the loss does not see
does not count; gradient noise counts there too, so it is an upper bound. Adam's mean, of decay b, makes it (1 + b)/
(1 - b) times that, 19 times at b = 0.9: the stationary covariance of w and mean says so.

Reference: Welling & Teh 2011; Lau et al. 2023 (arXiv 2308.12108), Alg. 1; preconditioned forms: Hitchcock & Hoogland
2025 (arXiv 2507.21449), App. D.3, Alg. 2 and 3.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

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
        preconditioning: `adaptive` throughout, or `frozen` after warmup.
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
        """One minibatch gradient, two with control variates."""
        return min(self.batch_size, num_data) / num_data * (2 if self.gradient == "control_variate" else 1)

    @property
    def caveat(self) -> str | None:
        """An adaptive preconditioner has a bias that nothing predicts."""
        if self.preconditioner == "none" or self.preconditioning == "frozen":
            return None
        return (
            f"the preconditioner {self.preconditioner} goes on adapting: the chain targets no fixed density, and no "
            "prediction has that bias in it (20% was seen). Set preconditioning: frozen"
        )

    def finer(self) -> "SGLD":
        """Half the step."""
        return self.model_copy(update={"step_size": 0.5 * self.step_size})

    def build(self) -> Kernel:
        """The kernel."""
        return _build(self)


class SGLDState(NamedTuple):
    """Position, running moments of the loss gradient (uncorrected), number of updates, anchor of the gradient."""

    position: Any
    mean: Any
    square: Any
    count: Any
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

    def observe(state, gradient, hyper):
        mean = hyper["mean_decay"] * state.mean + (1 - hyper["mean_decay"]) * gradient
        square = hyper["square_decay"] * state.square + (1 - hyper["square_decay"]) * gradient**2
        return state._replace(mean=mean, square=square, count=state.count + 1)

    def precondition(state, gradient, hyper):
        mean = state.mean / (1 - hyper["mean_decay"] ** state.count)
        square = state.square / (1 - hyper["square_decay"] ** state.count)
        drift = mean if preconditioner == "adam" else gradient
        return drift, 1 / (jnp.sqrt(square) + hyper["stabilization"])

    def lag(hyper):
        """How much more than its square says a running mean heats: it trails the gradient, and averages its noise."""
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
        heat = -lag(hyper) * hyper["step_size"] / 8 * jnp.sum(scale * loss_part * logdensity_gradient)
        return state._replace(position=position), sg.step_info(estimator.cost(posterior), heat, heat)

    def keep_square(state, gradient, hyper):
        return observe(state, gradient, hyper)._replace(square=state.square, count=state.count)

    def step(rng_key, state, posterior, hyper):
        return move(rng_key, state, posterior, hyper, keep_square if is_frozen else observe)

    def adapt(rng_key, state, posterior, hyper, num_steps):
        def body(i, state):
            return move(jax.random.fold_in(rng_key, i), state, posterior, hyper, observe)[0]

        return jax.lax.fori_loop(0, num_steps, body, state), hyper, num_steps * estimator.cost(posterior)

    return sg.minibatch_kernel(init, step, adapt if is_frozen and preconditioner != "none" else None)
