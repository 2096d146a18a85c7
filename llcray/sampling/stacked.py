"""Arrays of several runs side by side on the device, which stay there while the same runs stay together.

A stack of rows that comes together again is used as it is. Rows that part, or meet others, travel through the host:
that happens when a run finishes or restarts, not from block to block.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from llcray.types import PyTree

MAX_KEPT = 16
MIN_SHARDED = 2**14
"""Numbers of an array below which sharing it out would cost more than it frees."""


class Lanes(NamedTuple):
    """How stacked arrays are laid out.

    Attributes:
        width: Rows.
        num_chains: Chains of each.
        in_turn: Whether one chain is advanced at a time, because memory is too small for all of them.
    """

    width: int
    num_chains: int
    in_turn: bool = False


class Stacked:
    """A pytree whose arrays have one row a lane."""

    def __init__(self, tree: PyTree, num_rows: int) -> None:
        """Takes arrays on the device; rows past `num_rows` are padding."""
        self.tree = tree
        self.num_rows = num_rows
        self._host: PyTree = None

    def row(self, lane: int) -> PyTree:
        """One row, on the host."""
        if self._host is None:
            self._host = jax.device_get(self.tree)
        return jax.tree.map(lambda leaf: leaf[lane], self._host)


@dataclass(frozen=True)
class Row:
    """A run's place in a stack."""

    stacked: Stacked
    lane: int

    def fetch(self) -> PyTree:
        """Its arrays, on the host."""
        return self.stacked.row(self.lane)


def restack(rows: Sequence[Row], lanes: Lanes) -> PyTree:
    """Rows as one stack; the stack they are, if they are one, which the caller may then donate."""
    first = rows[0].stacked
    together = all(row.stacked is first and row.lane == lane for lane, row in enumerate(rows))
    if together and first.num_rows == len(rows) and jax.tree.leaves(first.tree)[0].shape[0] == lanes.width:
        return first.tree
    return stack([row.fetch() for row in rows], lanes)


def stack(trees: Sequence[PyTree], lanes: Lanes) -> PyTree:
    """Trees of host arrays as one tree on the device, padded to the width with copies of the first."""
    padded = [*trees, *[trees[0]] * (lanes.width - len(trees))]
    return place(jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded), lanes)


def place(tree: PyTree, lanes: Lanes) -> PyTree:
    """Puts stacked arrays on this process's devices.

    Rows are shared out if that comes out even, else chains. Where chains take turns, the arrays of the one under way
    are: parameters, state and data along the longest axis that divides evenly. XLA then shares out the arithmetic.
    """
    devices = jax.local_devices()
    if len(devices) == 1:
        return jax.device_put(tree, devices[0])  # a no-op for what is there
    mesh = jax.sharding.Mesh(np.array(devices), ("device",))

    def sharding(leaf: Any) -> Any:
        return jax.sharding.NamedSharding(mesh, _partition(np.shape(leaf), lanes, len(devices)))

    return jax.device_put(tree, jax.tree.map(sharding, tree))


def _partition(shape: tuple[int, ...], lanes: Lanes, num_devices: int) -> jax.sharding.PartitionSpec:
    """How a stacked array is shared out over devices; an empty one: each has all of it."""
    if lanes.width % num_devices == 0:
        return jax.sharding.PartitionSpec("device")
    if lanes.in_turn:
        even = [axis for axis, length in enumerate(shape) if length % num_devices == 0]
        if even and math.prod(shape) >= MIN_SHARDED:
            longest = max(even, key=lambda axis: shape[axis])
            return jax.sharding.PartitionSpec(*[None] * longest, "device")
    elif lanes.num_chains % num_devices == 0 and len(shape) > 1 and shape[1] == lanes.num_chains:
        return jax.sharding.PartitionSpec(None, "device")
    return jax.sharding.PartitionSpec()


class Kept:
    """Stacks that do not change, by the runs in them; the least recently used go first."""

    def __init__(self, build: Callable[[tuple[int, ...], int], PyTree]) -> None:
        """Nothing is built before it is wanted."""
        self._build = build
        self._kept: OrderedDict[tuple[tuple[int, ...], int], PyTree] = OrderedDict()

    def get(self, members: tuple[int, ...], width: int) -> PyTree:
        """The stack of some runs."""
        key = (members, width)
        if key not in self._kept:
            self._kept[key] = self._build(members, width)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def forget(self, member: int) -> None:
        """Drops the stacks that a run is in."""
        for key in [key for key in self._kept if member in key[0]]:
            del self._kept[key]
