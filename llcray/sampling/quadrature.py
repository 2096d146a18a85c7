"""The spectrum of the Hessian of n beta L_n at w*: eigenvalues of small models, Lanczos quadrature of larger ones."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llcray.array_types import Array
from llcray.llc.spectrum import Spectrum
from llcray.posterior.density import Posterior
from llcray.posterior.lanczos import tridiagonal
from llcray.samplers.kernel import GRADIENTS_PER_PRODUCT
from llcray.sampling.budget import HESSIAN_EXAMPLES
from llcray.sampling.once_a_target import once_a_target
from llcray.sampling.program import Program

MAX_PRODUCTS = 100
"""Hessian-vector products; models of no more parameters than this get their eigenvalues."""
NUM_STEPS = 33
"""Lanczos steps of a probe: fewer blur curvatures far below the largest, more leave fewer probes."""
MAX_PARAMS = 2_000_000
"""Parameters beyond which the vectors of the quadrature take too much memory."""
NO_PRODUCTS = (TypeError, ValueError, NotImplementedError)
"""Errors of JAX where a function (`custom_vjp`, a callback) cannot be differentiated forwards."""


def spectrum_nodes(num_products: int, posterior: Posterior) -> Float[Array, "..."]:
    """Computes curvatures at w*, and the number of directions that each stands for, shape (2, probe, node).

    Of a model of at most `num_products` parameters it is the Hessian of n beta L_n itself, shape (d, d). Curvatures of
    a larger model are Ritz values of `NUM_STEPS` Lanczos steps from random vectors v,

        v' f(H) v/|v|^2 = sum over nodes of f(theta) omega,    of mean tr f(H)/d.

    Args:
        num_products: Hessian-vector products.
        posterior: The posterior; its localization does not enter.

    Reference:
        Golub & Meurant 2010, Matrices, Moments and Quadrature, chapter 6.
    """
    center = posterior.center
    num_params = center.shape[0]
    gradient = jax.grad(lambda w: posterior.n_beta * posterior.loss(w).astype(w.dtype))

    def product(vector: Array) -> Array:
        return jax.jvp(gradient, (center,), (vector,))[1]

    if num_params <= num_products:
        return jax.lax.map(product, jnp.eye(num_params, dtype=center.dtype))

    def probe(key: Array) -> Array:
        start = jax.random.normal(key, center.shape, center.dtype)
        curvatures, vectors = jnp.linalg.eigh(tridiagonal(product, start, NUM_STEPS))
        return jnp.stack([curvatures, num_params * vectors[0] ** 2])

    return jnp.swapaxes(jax.lax.map(probe, jax.random.split(jax.random.key(1), _num_probes(num_products))), 0, 1)


def _over_runs(num_products: int, posteriors: Posterior) -> Array:
    return jax.vmap(partial(spectrum_nodes, num_products))(posteriors)


# nodes_over_runs((num_products,), posterior (run, ...)) -> (run, 2, probe, node) or Hessians (run, d, d)
nodes_over_runs = Program(_over_runs)


def spectra(posteriors: Mapping[int, Posterior], num_products: int = MAX_PRODUCTS) -> dict[int, Spectrum]:
    """Computes the spectra of many targets side by side, by index; every run of a target has the same spectrum.

    Targets of more than `MAX_PARAMS` parameters are left out, and so are those whose loss has no Hessian-vector
    products.

    Args:
        posteriors: Posteriors in float64, one a run; runs of one target share their arrays and are computed once.
        num_products: Hessian-vector products.
    """
    found: dict[int, Spectrum] = {}
    small = {index: p for index, p in posteriors.items() if p.num_sampled_params <= MAX_PARAMS}
    reduced = {index: _on_few_examples(posterior) for index, posterior in small.items()}
    for index, nodes in _nodes(reduced, num_products).items():
        if np.isfinite(nodes).all():
            work = _work(posteriors[index], num_products)
            found[index] = _eigenvalues(nodes, work) if nodes.ndim == 2 else Spectrum(nodes[0], nodes[1], work)
    return found


def _nodes(posteriors: Mapping[int, Posterior], num_products: int) -> dict[int, np.ndarray]:
    """Returns the nodes of each posterior, without those whose loss has no Hessian-vector products."""
    try:
        return once_a_target(nodes_over_runs, (num_products,), posteriors)
    except NO_PRODUCTS:
        if len(posteriors) == 1:
            return {}
    alone = [_nodes({index: posterior}, num_products) for index, posterior in posteriors.items()]
    return {index: nodes for found in alone for index, nodes in found.items()}


def _eigenvalues(hessian: np.ndarray, work: float) -> Spectrum:
    hessian = 0.5 * (hessian + hessian.T)
    curvatures = np.linalg.eigvalsh(hessian)[None]
    return Spectrum(curvatures, np.ones_like(curvatures), work, hessian)


def _on_few_examples(posterior: Posterior) -> Posterior:
    """The posterior on at most `HESSIAN_EXAMPLES` of its examples, the same ones for all targets of a size."""
    num_data = posterior.num_data
    if num_data <= HESSIAN_EXAMPLES:
        return replace(posterior, probe=None)
    chosen = np.sort(np.random.default_rng(0).choice(num_data, HESSIAN_EXAMPLES, replace=False))
    return replace(posterior, data=jax.tree.map(lambda x: x[chosen], posterior.data), probe=None)


def _work(posterior: Posterior, num_products: int) -> float:
    share = min(1.0, HESSIAN_EXAMPLES / posterior.num_data)
    num_params = posterior.num_sampled_params
    made = num_params if num_params <= num_products else _num_probes(num_products) * NUM_STEPS
    return GRADIENTS_PER_PRODUCT * share * made


def _num_probes(num_products: int) -> int:
    """The number of random vectors, at least two, so that there is an error."""
    return max(2, num_products // NUM_STEPS)
