"""Arrays of several runs side by side on the device, which stay there while the same runs stay together.

A stack of rows that comes together again is used as it is. Rows that part, or meet others, travel through the host:
that happens when a run finishes or restarts, not from block to block.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

PyTree = Any
MAX_KEPT = 16


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


def restack(rows: Sequence[Row], width: int, num_chains: int) -> PyTree:
    """Rows as one stack of `width`; the stack they are, if they are one, which the caller may then donate."""
    first = rows[0].stacked
    together = all(row.stacked is first and row.lane == lane for lane, row in enumerate(rows))
    if together and first.num_rows == len(rows) and jax.tree.leaves(first.tree)[0].shape[0] == width:
        return first.tree
    return stack([row.fetch() for row in rows], width, num_chains)


def stack(trees: Sequence[PyTree], width: int, num_chains: int) -> PyTree:
    """Trees of host arrays as one tree on the device, padded to `width` with copies of the first."""
    padded = [*trees, *[trees[0]] * (width - len(trees))]
    on_host = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded)
    return place(on_host, width, num_chains)


def place(tree: PyTree, width: int, num_chains: int) -> PyTree:
    """Puts stacked arrays on this process's devices: rows are shared out if that comes out even, else chains."""
    devices = jax.local_devices()
    if len(devices) == 1:
        return jax.device_put(tree, devices[0])  # a no-op for what is there
    mesh = jax.sharding.Mesh(np.array(devices), ("device",))

    def sharding(leaf: Any) -> Any:
        axes = jax.sharding.PartitionSpec()
        if width % len(devices) == 0:
            axes = jax.sharding.PartitionSpec("device")
        elif num_chains % len(devices) == 0 and np.ndim(leaf) > 1 and np.shape(leaf)[1] == num_chains:
            axes = jax.sharding.PartitionSpec(None, "device")
        return jax.sharding.NamedSharding(mesh, axes)

    return jax.device_put(tree, jax.tree.map(sharding, tree))


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
