"""Stochastic gradient Langevin dynamics, optionally preconditioned.

    w <- w - (epsilon/2) P g + sqrt(epsilon P) xi,    g = n beta grad L_B(w) + gamma (w - w*),    xi ~ N(0, I)

targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) as epsilon -> 0. P = 1, or 1/(sqrt(v) + a) with v the running second
moment of the minibatch loss gradient alone (localization excluded), started at 1 and divided by 1 - decay^t, which keeps the
first steps short; `adam` also replaces the loss gradient by its running mean. An adaptive P makes the chain non-stationary.

Reference: Welling & Teh 2011; Lau et al. 2023 (arXiv 2308.12108), Alg. 1; preconditioned forms: Hitchcock & Hoogland 2025
(arXiv 2507.21449), App. D.3, Alg. 2 and 3.
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
        preconditioner: `none`, `rmsprop` or `adam`.
        mean_decay: Decay of Adam's running mean.
        square_decay: Decay of the running second moment.
        stabilization: a, added to the root of the second moment; keeps the step bounded in flat directions.
    """

    precision: ClassVar[Precision] = "float32"
    traced: ClassVar[tuple[str, ...]] = ("step_size", "mean_decay", "square_decay", "stabilization")

    kind: Literal["sgld"] = "sgld"
    step_size: PositiveFloat = 1e-5
    batch_size: Count = 64
    preconditioner: Literal["none", "rmsprop", "adam"] = "none"
    mean_decay: Decay = 0.9
    square_decay: Decay = 0.99
    stabilization: PositiveFloat = 0.1

    def gradients_per_step(self, num_data: int) -> float:
        """One minibatch gradient."""
        return min(self.batch_size, num_data) / num_data

    def build(self) -> Kernel:
        """The kernel."""
        return _build(self.batch_size, self.preconditioner)


class SGLDState(NamedTuple):
    """Position and the running moments of the loss gradient (uncorrected), with the number of updates."""

    position: Any
    mean: Any
    square: Any
    count: Any


def _build(batch_size: int, preconditioner: str) -> Kernel:
    import jax
    import jax.numpy as jnp
    from blackjax.sgmcmc import sgld

    from llcray.samplers import stochastic_gradient as sg
    from llcray.samplers.kernel import StepInfo

    kernel = sgld.build_kernel()

    def init(rng_key, position, posterior, hyper):
        del rng_key, posterior, hyper
        return SGLDState(position, jnp.zeros_like(position), jnp.ones_like(position), jnp.zeros((), jnp.int32))

    def precondition(state, gradient, hyper):
        count = state.count + 1
        mean = hyper["mean_decay"] * state.mean + (1 - hyper["mean_decay"]) * gradient
        square = hyper["square_decay"] * state.square + (1 - hyper["square_decay"]) * gradient**2
        drift = mean / (1 - hyper["mean_decay"] ** count) if preconditioner == "adam" else gradient
        scale = 1 / (jnp.sqrt(square / (1 - hyper["square_decay"] ** count)) + hyper["stabilization"])
        return drift, scale, state._replace(mean=mean, square=square, count=count)

    def step(rng_key, state, posterior, hyper):
        batch_key, noise_key = jax.random.split(rng_key)
        gradient = sg.loss_gradient(batch_key, state.position, posterior, batch_size)
        if preconditioner == "none":
            drift, scale, moved = gradient, 1.0, state
        else:
            drift, scale, moved = precondition(state, gradient, hyper)
        logdensity_gradient = sg.logdensity_gradient(drift, state.position, posterior)
        # BlackJAX adds step_size * gradient + sqrt(2 step_size) * noise, elementwise in step_size.
        position = kernel(
            noise_key, state.position, lambda *_: logdensity_gradient, None, 0.5 * hyper["step_size"] * scale
        ).astype(state.position.dtype)  # BlackJAX's noise is float64 where 64-bit types are enabled
        heat = hyper["step_size"] / 8 * jnp.sum(scale * logdensity_gradient**2)
        nan = jnp.full((), jnp.nan, jnp.float32)
        info = StepInfo(
            num_gradients=sg.batch_share(posterior, batch_size),
            acceptance_rate=nan,
            energy=nan,
            energy_change=nan,
            heat=heat,
            is_divergent=~jnp.isfinite(heat),
        )
        return moved._replace(position=position), info

    return Kernel(
        init=init,
        step=step,
        position=lambda state, posterior, hyper: state.position,
        centered_loss=lambda state, posterior, hyper: posterior.centered_loss(state.position),
        loss_gradients=1 / 3,
    )
