"""Families of densities that a variational fit chooses from: Gaussians by BlackJAX, mixtures of Gaussians, flows.

A family has the numbers of one density in a dict of arrays, so that they can travel with the other numbers of a
sampler.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float, Key

from llcray.array_types import Array
from llcray.samplers.kernel import Hyper

Logdensity = Callable[[Array], Array]
NUM_COUPLINGS, NUM_HIDDEN = 6, 32
"""Couplings of a flow, and hidden units of the network in each."""


class Family(NamedTuple):
    """A family of densities of d numbers u and how one of them is fitted.

    Attributes:
        num_samples: `(asked) -> draws` that one step evaluates the log-density at.
        init: `(rng_key, zeros (d,), optimizer) -> fit`.
        step: `(rng_key, fit, logdensity_fn, optimizer, num_samples) -> fit`.
        parameters: `(fit) -> dict of arrays`.
        sample: `(rng_key, parameters) -> u`, shape (d,).
        logdensity: `(parameters, u) -> log q(u)`.
    """

    num_samples: Callable[[int], int]
    init: Callable[..., Any]
    step: Callable[..., Any]
    parameters: Callable[[Any], Hyper]
    sample: Callable[[Array, Hyper], Array]
    logdensity: Callable[[Hyper, Array], Array]


def make_family(name: str, num_components: int, rank: int) -> Family:
    """Makes the family of that name; the numbers are those of a mixture."""
    match name:
        case "mean_field":
            return _mean_field()
        case "full_rank":
            return _full_rank()
        case "flow":
            return _flow()
        case _:
            return _mixture(num_components, rank)


def _mean_field() -> Family:
    from blackjax.vi import meanfield_vi as vi

    return _blackjax(
        vi,
        parameters=lambda fit: {"mean": fit.mu, "log_sd": fit.rho},
        sample=lambda key, q: q["mean"] + jnp.exp(q["log_sd"]) * _normal(key, q["mean"]),
        logdensity=lambda q, u: vi.generate_meanfield_logdensity(q["mean"], q["log_sd"])(u),
    )


def _full_rank() -> Family:
    from blackjax.vi import fullrank_vi as vi

    def sample(rng_key: Array, q: Hyper) -> Array:
        return vi.sample(rng_key, vi.FRVIState(q["mean"], q["cholesky"], None), 1)[0]  # pyright: ignore

    return _blackjax(
        vi,
        parameters=lambda fit: {"mean": fit.mu, "cholesky": fit.chol_params},
        sample=sample,
        logdensity=lambda q, u: vi.generate_fullrank_logdensity(q["mean"], q["cholesky"])(u),
    )


def _blackjax(vi: Any, **functions: Any) -> Family:
    """Makes a family of a module of `blackjax.vi`."""

    def init(rng_key: Array, zeros: Array, optimizer: optax.GradientTransformation) -> Any:
        del rng_key
        return vi.init(zeros, optimizer)

    def step(rng_key: Array, fit: Any, logdensity_fn: Logdensity, optimizer: Any, num_samples: int) -> Any:
        return vi.step(rng_key, fit, logdensity_fn, optimizer, num_samples)[0]

    return Family(num_samples=lambda asked: asked, init=init, step=step, **functions)


def _mixture(num_components: int, rank: int) -> Family:
    """Makes the mixtures of `num_components` Gaussians N(m_k, diag(s_k^2) + B_k B_k').

    The objective is a sum over the Gaussians, each with draws of its own, weighted by their shares of the mixture.
    """

    def num_samples(asked: int) -> int:
        return max(1, asked // num_components) * num_components

    def init(rng_key: Array, zeros: Array, optimizer: optax.GradientTransformation) -> tuple[Hyper, Any]:
        shape = (num_components, *zeros.shape)
        mean_key, factor_key = jax.random.split(rng_key)
        q = {
            "logits": jnp.zeros(num_components, zeros.dtype),
            "mean": jax.random.normal(mean_key, shape, zeros.dtype),
            "log_sd": jnp.zeros(shape, zeros.dtype),
            "factors": 0.1 * jax.random.normal(factor_key, (*shape, rank), zeros.dtype),
        }
        return q, optimizer.init(q)

    def step(rng_key: Array, fit: Any, logdensity_fn: Logdensity, optimizer: Any, num_samples: int) -> Any:
        keys = jax.random.split(rng_key, num_samples)
        components = jnp.arange(num_samples) % num_components

        def objective(q: Hyper) -> Array:
            draws = jax.vmap(_sample_component, (0, None, 0))(keys, q, components)
            shares = jax.nn.softmax(q["logits"])[components] * num_components / num_samples
            return jnp.sum(shares * _excess(logdensity, q, logdensity_fn, draws))

        return _descend(objective, fit, optimizer)

    def sample(rng_key: Array, q: Hyper) -> Array:
        component_key, draw_key = jax.random.split(rng_key)
        return _sample_component(draw_key, q, jax.random.categorical(component_key, q["logits"]))

    def logdensity(q: Hyper, u: Array) -> Array:
        of_components = jax.vmap(_factor_analyser_logdensity, (0, 0, 0, None))(q["mean"], q["log_sd"], q["factors"], u)
        return jax.scipy.special.logsumexp(jax.nn.log_softmax(q["logits"]) + of_components)

    return Family(num_samples, init, step, lambda fit: fit[0], sample, logdensity)


def _flow() -> Family:
    """Makes the RealNVPs: a diagonal Gaussian moved by couplings, in which half of the numbers move the other half.

        x_i -> x_i exp(s_i) + t_i    for i of one parity,    (s, t) = MLP(x of the other parity),    |s_i| < 1

    Reference: Dinh, Sohl-Dickstein & Bengio 2017 (arXiv 1605.08803), eqs. 7, 9.
    """

    def init(rng_key: Array, zeros: Array, optimizer: optax.GradientTransformation) -> tuple[Hyper, Any]:
        num, dtype = zeros.shape[0], zeros.dtype
        weights = jax.random.normal(rng_key, (NUM_COUPLINGS, num, NUM_HIDDEN), dtype)
        q = {
            "mean": zeros,
            "log_sd": zeros,
            "inner": weights / jnp.sqrt(num).astype(dtype),
            "inner_bias": jnp.zeros((NUM_COUPLINGS, NUM_HIDDEN), dtype),
            "outer": jnp.zeros((NUM_COUPLINGS, NUM_HIDDEN, 2 * num), dtype),  # the first flow moves nothing
            "outer_bias": jnp.zeros((NUM_COUPLINGS, 2 * num), dtype),
        }
        return q, optimizer.init(q)

    def coupling(q: Hyper, layer: int, x: Array) -> tuple[Array, Array]:
        """Returns s and t, both zero where x passes through."""
        moves = jnp.arange(x.shape[0]) % 2 == layer % 2
        hidden = jnp.tanh(jnp.where(moves, 0, x) @ q["inner"][layer] + q["inner_bias"][layer])
        s, t = jnp.split(hidden @ q["outer"][layer] + q["outer_bias"][layer], 2)
        return jnp.where(moves, jnp.tanh(s), 0), jnp.where(moves, t, 0)

    def sample(rng_key: Array, q: Hyper) -> Array:
        x = q["mean"] + jnp.exp(q["log_sd"]) * _normal(rng_key, q["mean"])
        for layer in range(NUM_COUPLINGS):
            s, t = coupling(q, layer, x)
            x = x * jnp.exp(s) + t
        return x

    def logdensity(q: Hyper, u: Array) -> Array:
        x, log_det = u, jnp.sum(q["log_sd"])
        for layer in reversed(range(NUM_COUPLINGS)):
            s, t = coupling(q, layer, x)
            x = (x - t) * jnp.exp(-s)
            log_det += jnp.sum(s)
        z = (x - q["mean"]) * jnp.exp(-q["log_sd"])
        return -0.5 * jnp.sum(z**2) - log_det - 0.5 * u.shape[0] * jnp.log(2 * jnp.pi)

    def step(rng_key: Array, fit: Any, logdensity_fn: Logdensity, optimizer: Any, num_samples: int) -> Any:
        def objective(q: Hyper) -> Array:
            draws = jax.vmap(sample, (0, None))(jax.random.split(rng_key, num_samples), q)
            return jnp.mean(_excess(logdensity, q, logdensity_fn, draws))

        return _descend(objective, fit, optimizer)

    return Family(lambda asked: asked, init, step, lambda fit: fit[0], sample, logdensity)


def _excess(logdensity: Callable[[Hyper, Array], Array], q: Hyper, logdensity_fn: Logdensity, draws: Array) -> Array:
    """Returns log q - log p of each draw, whose gradient is that of the draws' paths alone."""
    held = jax.lax.stop_gradient(q)
    return jax.vmap(lambda u: logdensity(held, u) - logdensity_fn(u))(draws)


def _descend(objective: Callable[[Hyper], Array], fit: tuple[Hyper, Any], optimizer: Any) -> tuple[Hyper, Any]:
    """Takes one step of the optimizer; `fit` holds the numbers of the density and the optimizer's state."""
    q, optimizer_state = fit
    updates, optimizer_state = optimizer.update(jax.grad(objective)(q), optimizer_state, q)
    moved: Any = optax.apply_updates(q, updates)  # typed for more than dicts of arrays
    return moved, optimizer_state


def _sample_component(rng_key: Key[Array, ""], q: Hyper, component: Array) -> Float[Array, " d"]:
    mean, log_sd, factors = (q[name][component] for name in ("mean", "log_sd", "factors"))
    own_key, shared_key = jax.random.split(rng_key)
    shared = jax.random.normal(shared_key, factors.shape[-1:], factors.dtype)
    return mean + jnp.exp(log_sd) * _normal(own_key, mean) + factors @ shared


def _factor_analyser_logdensity(
    mean: Float[Array, " d"], log_sd: Float[Array, " d"], factors: Float[Array, "d r"], u: Float[Array, " d"]
) -> Float[Array, ""]:
    """Returns the log-density of N(mean, diag(sd^2) + factors factors') by Woodbury's identity."""
    z = (u - mean) * jnp.exp(-log_sd)
    scaled = factors * jnp.exp(-log_sd)[:, None]
    capacitance = jnp.linalg.cholesky(jnp.eye(factors.shape[1], dtype=factors.dtype) + scaled.T @ scaled)
    explained = jax.scipy.linalg.solve_triangular(capacitance, scaled.T @ z, lower=True)
    log_det = 2 * jnp.sum(log_sd) + 2 * jnp.sum(jnp.log(jnp.diag(capacitance)))
    return -0.5 * (jnp.sum(z**2) - jnp.sum(explained**2) + log_det + u.shape[0] * jnp.log(2 * jnp.pi))


def _normal(rng_key: Key[Array, ""], like: Float[Array, " d"]) -> Float[Array, " d"]:
    return jax.random.normal(rng_key, like.shape, like.dtype)
