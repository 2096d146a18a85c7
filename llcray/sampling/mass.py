"""The mass of chains, from second moments of the gradients g of n beta L_n met along them.

On a chain that has arrived, integration by parts gives E[grad U grad U'] = E[Hessian of U], U = n beta L_n +
gamma/2 |w - w*|^2, and the noise of minibatches is in proportion to the Hessian where the model fits. So coordinates

    w - w* = S u,    S S' = M^-1,    M in proportion to E[g g'] + gamma

make curvatures alike as far as M has the form to say so:

    tensor        one number for each parameter array, the mean of E[g^2]
    diagonal      E[g^2], as RMSProp
    kronecker     E[G G'] (x) E[G' G]/E|G|^2 for each matrix G of gradients, as Shampoo
    orthogonal    E[G G'] or E[G' G], whichever is smaller, on one side of each matrix

Muon's own step, (G G')^(-1/2) G, is no linear function of G, and chains that take it do not target the posterior. Its
average over the chain is: `orthogonal` makes G orthogonal in the mean. Vectors, and arrays of which a part moves, have
the mass of `diagonal` where matrices have factors.

Reference: Gupta, Koren & Singer 2018 (arXiv 1802.09568); the power of its factors: Morwani et al. 2024 (arXiv
2406.17748); Jordan et al. 2024 (Muon).
"""

import numpy as np

from llcray.posterior.coordinates import Block, Coordinates, Sides
from llcray.samplers.baoab import Mass
from llcray.sampling.gradient_moments import sides_of

LEAST = 1e-6
"""Least mass, as a share of the largest, that a direction is given where gamma is smaller."""


def blocks_with_factors(mass: Mass, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Returns the blocks whose products with themselves a mass is made of."""
    return tuple(block for block in blocks if any(sides_of(block))) if mass in ("kronecker", "orthogonal") else ()


def coordinates_of(mass: Mass, moments: np.ndarray, blocks: tuple[Block, ...], localization: float) -> Coordinates:
    """Returns coordinates in which chains of unit mass have this mass; the largest scale is 1.

    Args:
        mass: Form of the mass.
        moments: Mean over chains of `gradient_moments`, shape (moments,), 1/w^2.
        blocks: All blocks.
        localization: gamma.
    """
    num_params = blocks[-1].place.stop
    squares, rest = moments[:num_params].astype(np.float64), moments[num_params:].astype(np.float64)
    rotations: list[Sides] = []
    factored = blocks_with_factors(mass, blocks)
    spectrum = _spectrum_of_tensors(squares, blocks) if mass == "tensor" else squares.copy()
    for block in factored:
        products, rest = _products(block, rest)
        sides = _one_side(block, products) if mass == "orthogonal" else products
        rotation, spectrum[block.place] = _factored(block, sides, squares[block.place])
        rotations.append(rotation)
    floor = max(localization, LEAST * spectrum.max(initial=0.0))
    precision = spectrum + (floor or 1.0)
    return Coordinates(np.sqrt(precision.min() / precision), tuple(rotations), factored)


def _spectrum_of_tensors(squares: np.ndarray, blocks: tuple[Block, ...]) -> np.ndarray:
    means = [np.full_like(squares[block.place], squares[block.place].mean()) for block in blocks]
    return np.concatenate(means)


def _products(block: Block, rest: np.ndarray) -> tuple[list[np.ndarray | None], np.ndarray]:
    """Takes the block's products E[G G'] and E[G' G] from the front of `rest`; None for a side without moments."""
    products: list[np.ndarray | None] = []
    for side in sides_of(block):
        products.append(rest[: side**2].reshape(side, side) if side else None)
        rest = rest[side**2 :]
    return products, rest


def _one_side(block: Block, products: list[np.ndarray | None]) -> list[np.ndarray | None]:
    """Leaves the product of the shorter side."""
    left, right = products
    return [left, None] if left is not None and (right is None or block.rows <= block.columns) else [None, right]


def _factored(block: Block, products: list[np.ndarray | None], squares: np.ndarray) -> tuple[Sides, np.ndarray]:
    """Returns the rotations that diagonalise the products, and the diagonal, shape (rows x columns,).

    The diagonal is l_i r_j/E|G|^2, l and r the eigenvalues; of a side without a product r_j is E|G|^2 over its length.
    """
    total = float(squares.sum())
    left, right = (
        _diagonalised(product, side, total) for product, side in zip(products, (block.rows, block.columns), strict=True)
    )
    diagonal = np.outer(left[1], right[1]) / total if total else np.zeros((block.rows, block.columns))
    return (left[0], right[0]), diagonal.reshape(-1)


def _diagonalised(product: np.ndarray | None, side: int, total: float) -> tuple[np.ndarray | None, np.ndarray]:
    if product is None:
        return None, np.full(side, total / side)
    values, vectors = np.linalg.eigh(0.5 * (product + product.T))
    return vectors, np.maximum(values, 0.0)
