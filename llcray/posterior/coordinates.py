"""Linear coordinates in which chains move, so that directions of different curvature relax alike.

    w - w* = S u,    S = Q diag(s),    Q orthogonal, s > 0

Chains of unit mass in u are chains of mass (S S')^-1 in w. A constant S changes the speed of chains and not their
density: the posterior of w stays the same, and its localization stays isotropic in w,

    gamma/2 |w - w*|^2 = gamma/2 |diag(s) u|^2.

Q rotates each matrix of parameters by an orthogonal matrix on either side, V -> L V R'.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from llcray.array_types import Array

Sides = tuple[Array | None, Array | None]
"""The orthogonal matrices L and R of a block, shapes (rows, rows) and (columns, columns); None for the identity."""


class Block(NamedTuple):
    """The place of one parameter array among the free coordinates, read as a matrix.

    Attributes:
        start: Index of its first coordinate.
        rows: Number of rows; 1 for vectors and for arrays of which a part moves.
        columns: Number of columns.
    """

    start: int
    rows: int
    columns: int

    @property
    def place(self) -> slice:
        """The coordinates of the block."""
        return slice(self.start, self.start + self.rows * self.columns)

    @property
    def is_matrix(self) -> bool:
        """Whether both sides can be rotated."""
        return self.rows > 1 and self.columns > 1


@partial(jax.tree_util.register_dataclass, data_fields=["scale", "rotations"], meta_fields=["blocks"])
@dataclass(frozen=True)
class Coordinates:
    """The linear map S from u to w - w*.

    Attributes:
        scale: s, shape (d,).
        rotations: L and R of each block.
        blocks: The blocks that are rotated.
    """

    scale: Array
    rotations: tuple[Sides, ...] = ()
    blocks: tuple[Block, ...] = ()

    def displacement(self, u: Float[Array, " d"]) -> Float[Array, " d"]:
        """Returns w - w* = S u."""
        scaled = self.scale * u
        for block, (left, right) in zip(self.blocks, self.rotations, strict=True):
            scaled = _rotated(scaled, block, left, None if right is None else right.T)
        return scaled

    def of(self, displacement: Float[Array, " d"]) -> Float[Array, " d"]:
        """Returns u at w - w*, the inverse of `displacement`."""
        for block, (left, right) in zip(self.blocks, self.rotations, strict=True):
            displacement = _rotated(displacement, block, None if left is None else left.T, right)
        return displacement / self.scale


def _rotated(vector: Array, block: Block, left: Array | None, right: Array | None) -> Array:
    """The vector with its block V replaced by `left` V `right`."""
    matrix = vector[block.place].reshape(block.rows, block.columns)
    # Gradients have to be those of the very map: no products in fewer digits.
    if left is not None:
        matrix = jnp.matmul(left, matrix, precision="highest")
    if right is not None:
        matrix = jnp.matmul(matrix, right, precision="highest")
    return vector.at[block.place].set(matrix.reshape(-1))
