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

from llcray.array_types import PyTree

MAX_STACKS = 16
"""Most stacks that a `StackCache` holds."""
MIN_SHARDED = 2**14
"""Least numbers in an array for which sharing it out over devices frees more than it costs."""


class Lanes(NamedTuple):
    """The layout of stacked arrays.

    Attributes:
        width: Number of rows, one a run.
        num_chains: Number of chains of each run.
        in_turn: Whether one chain is advanced at a time, because memory is too small for all of them.
    """

    width: int
    num_chains: int
    in_turn: bool = False


class Stacked:
    """A pytree of arrays on the device whose first axis is runs.

    Attributes:
        tree: The arrays.
        num_rows: Number of runs; rows past it are padding.
    """

    def __init__(self, tree: PyTree, num_rows: int) -> None:
        self.tree = tree
        self.num_rows = num_rows
        self._host: PyTree = None

    def row(self, lane: int) -> PyTree:
        """Returns one row, on the host."""
        if self._host is None:
            self._host = jax.device_get(self.tree)
        return jax.tree.map(lambda leaf: leaf[lane], self._host)


@dataclass(frozen=True)
class Row:
    """The place of a run in a stack."""

    stacked: Stacked
    lane: int

    def fetch(self) -> PyTree:
        """Returns the run's arrays, on the host."""
        return self.stacked.row(self.lane)


def restack(rows: Sequence[Row], lanes: Lanes) -> PyTree:
    """Returns rows as one stack, which the caller may donate; rows that already are one stack are not copied."""
    first = rows[0].stacked
    together = all(row.stacked is first and row.lane == lane for lane, row in enumerate(rows))
    if together and first.num_rows == len(rows) and jax.tree.leaves(first.tree)[0].shape[0] == lanes.width:
        return first.tree
    return stack([row.fetch() for row in rows], lanes)


def stack(trees: Sequence[PyTree], lanes: Lanes) -> PyTree:
    """Stacks trees of host arrays on the device, padded to the width with copies of the first tree."""
    padded = [*trees, *[trees[0]] * (lanes.width - len(trees))]
    return place(jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded), lanes)


def place(tree: PyTree, lanes: Lanes) -> PyTree:
    """Puts stacked arrays on this process's devices.

    Rows are shared out over the devices if their number divides evenly, else chains. Where chains take turns, the
    arrays of one chain are shared out: parameters, state and data, each along its longest axis that divides evenly.
    XLA then shares out the arithmetic.
    """
    devices = jax.local_devices()
    if len(devices) == 1:
        return jax.device_put(tree, devices[0])  # a no-op for what is there
    mesh = jax.sharding.Mesh(np.array(devices), ("device",))

    def sharding(leaf: Any) -> Any:
        return jax.sharding.NamedSharding(mesh, _partition(np.shape(leaf), lanes, len(devices)))

    return jax.device_put(tree, jax.tree.map(sharding, tree))


def _partition(shape: tuple[int, ...], lanes: Lanes, num_devices: int) -> jax.sharding.PartitionSpec:
    """Decides how a stacked array is shared out over devices; with an empty partition each device has all of it."""
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


class StackCache:
    """A cache of stacks that do not change, by the runs in them; the least recently used stacks are dropped first."""

    def __init__(self, build: Callable[[tuple[int, ...], int], PyTree]) -> None:
        self._build = build
        self._stacks: OrderedDict[tuple[tuple[int, ...], int], PyTree] = OrderedDict()

    def get(self, members: tuple[int, ...], width: int) -> PyTree:
        """Returns the stack of some runs, building it if the cache lacks it."""
        key = (members, width)
        if key not in self._stacks:
            self._stacks[key] = self._build(members, width)
            if len(self._stacks) > MAX_STACKS:
                self._stacks.popitem(last=False)
        self._stacks.move_to_end(key)
        return self._stacks[key]

    def forget(self, member: int) -> None:
        """Drops the stacks that a run is in."""
        for key in [key for key in self._stacks if member in key[0]]:
            del self._stacks[key]
