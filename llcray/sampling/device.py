"""The device of this process: its memory, and the number of runs that one compiled call advances there.

A compile signature has two such widths, so that no more than two programs are compiled. A group of runs is cut into
calls of the full width; the remainder goes into one more such call, padded, or into calls of the small width, whichever
wastes less. On a CPU the time of a call is proportional to its width, so the full width is small and the small width is
a single run. On an accelerator a call takes as long for one run as for hundreds, so the full width fills the device
and its memory.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from llcray.array_types import Array, PyTree
from llcray.posterior.density import Posterior
from llcray.sampling.budget import power_of_two_at_most

T = TypeVar("T")

CPU_FULL = 8
"""Measured (benchmarks/README.md): wider calls are no faster on a core, and finished runs are dropped more coarsely."""
ACCELERATOR_CHAINS = 4096
"""Chains of a small network that fill an accelerator."""
ACCELERATOR_PARAMETERS = 2**26
"""Numbers of all chains together beyond which one step of them fills an accelerator whatever their count."""
SMALL_SHARE = 8
"""Full width of an accelerator divided by its small width."""
MEMORY_SHARE = 0.5
"""Share of the device's memory that the runs of a call may take."""
COPIES_OF_CHAIN = 12
"""Arrays of a chain's size alive at once: state, gradients, noise, temporaries, and the state of the next block."""
IN_TURN_PARAMETERS = 6000
"""Measured (benchmarks/README.md): with fewer, chains side by side share what a step costs beside its arithmetic."""


class Size(NamedTuple):
    """The memory that a run takes on the device.

    Attributes:
        num_chains: Number of chains.
        num_params: d.
        chain_bytes: Bytes of one position.
        data_bytes: Bytes of the data and parameters of a run.
        activation_bytes: Bytes of intermediate values of one chain's largest evaluation.
    """

    num_chains: int
    num_params: int
    chain_bytes: int
    data_bytes: int
    activation_bytes: int

    @property
    def total_bytes(self) -> int:
        """Bytes of a run on the device."""
        return self.data_bytes + self.num_chains * (COPIES_OF_CHAIN * self.chain_bytes + self.activation_bytes)


@dataclass(frozen=True)
class Widths:
    """The two widths of a compile signature.

    Attributes:
        full: Number of runs in a full call.
        small: Number of runs in a small call.
        least_filled: Share of a full call that has to be runs, not padding, for the call to be worth it.
    """

    full: int
    small: int = 1
    least_filled: float = 0.75

    def cut(self, group: Sequence[T]) -> list[tuple[int, Sequence[T]]]:
        """Cuts a group into calls: the width of each, and its members, of which there may be fewer."""
        num_in_full_calls = len(group) // self.full * self.full
        is_worth_padding = len(group) - num_in_full_calls > self.least_filled * self.full
        last_width = self.full if is_worth_padding else self.small
        starts = [(self.full, start) for start in range(0, num_in_full_calls, self.full)]
        starts += [(last_width, start) for start in range(num_in_full_calls, len(group), last_width)]
        return [(width, group[start : start + width]) for width, start in starts]

    def at_most(self, width: int | None) -> "Widths":
        """Returns these widths, cut to at most `width`; None bounds nothing."""
        if width is None or width >= self.full:
            return self
        return Widths(max(1, width), min(self.small, max(1, width)), self.least_filled)

    def halved(self) -> "Widths":
        """Returns half these widths, at least 1, for a device whose memory was too small."""
        full = max(1, self.full // 2)
        return Widths(full, min(self.small, full), self.least_filled)


def widths_of(posterior: Posterior, num_chains: int) -> Widths:
    """Chooses the widths for runs of this posterior on the devices of this process."""
    if not posterior.chains_together:
        return Widths(1)
    devices = jax.local_devices()
    memory = memory_bytes()
    return choose_widths(size_of(posterior, num_chains), devices[0].platform, memory and memory * len(devices))


def choose_widths(size: Size, platform: str, memory_bytes: int | None) -> Widths:
    """Chooses the widths for runs of this size on a device.

    Args:
        size: Size of one run.
        platform: `cpu`, `gpu` or `tpu`.
        memory_bytes: Memory of the device; None where it is not known.
    """
    fitting = int(MEMORY_SHARE * memory_bytes / size.total_bytes) if memory_bytes else CPU_FULL
    if platform == "cpu":
        return Widths(max(1, min(CPU_FULL, fitting)))
    filling = min(ACCELERATOR_CHAINS, ACCELERATOR_PARAMETERS // size.num_params) // size.num_chains
    full = power_of_two_at_most(max(1, min(fitting, filling)))
    return Widths(full, max(1, full // SMALL_SHARE), least_filled=1 / 4)


def chains_together(posterior: Posterior, num_chains: int) -> bool:
    """Decides whether a block advances the chains of a run side by side, or one after another.

    Chains take turns where memory is too small for all of them, and where one thread of a CPU does the work of a large
    network.
    """
    devices = jax.local_devices()
    one_thread = len(devices) == 1 and devices[0].platform == "cpu" and num_threads() == 1
    if one_thread and posterior.num_sampled_params >= IN_TURN_PARAMETERS:
        return False
    memory = memory_bytes()
    on_one_device = num_chains // len(devices) if num_chains % len(devices) == 0 else num_chains
    return memory is None or size_of(posterior, on_one_device).total_bytes <= MEMORY_SHARE * memory


def num_threads() -> int:
    """Returns the number of threads that XLA computes with on a CPU."""
    return int(os.environ.get("NPROC") or os.cpu_count() or 1)


def size_of(posterior: Posterior, num_chains: int) -> Size:
    """Returns the size of a run of this posterior."""
    return Size(
        num_chains=num_chains,
        num_params=posterior.num_sampled_params,
        chain_bytes=posterior.center.nbytes,
        data_bytes=sum(int(np.size(leaf)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(posterior)),
        activation_bytes=_bytes_per_example(posterior) * min(posterior.num_data, posterior.micro_batch),
    )


def _bytes_per_example(posterior: Posterior) -> int:
    """Bytes of all intermediate values of the loss of one example."""
    example = jax.tree.map(lambda x: x[:1], posterior.data)
    program = _losses_at_center.trace(posterior, example).jaxpr
    sizes: list[int] = []

    def visit(jaxpr: Any) -> None:
        for equation in jaxpr.eqns:
            inner = [value for value in equation.params.values() if hasattr(value, "jaxpr")]
            for value in inner:
                visit(value.jaxpr)
            if not inner:
                sizes.extend(int(np.prod(out.aval.shape)) * out.aval.dtype.itemsize for out in equation.outvars)

    visit(program.jaxpr)
    return max(0, sum(sizes) - 2 * posterior.center.nbytes)


@jax.jit
def _losses_at_center(posterior: Posterior, batch: PyTree) -> Array:
    # Traced and never run. JAX keeps the trace, which is needed several times a run.
    return posterior.losses(posterior.center, batch)


@cache
def memory_bytes() -> int | None:
    """Returns the bytes of memory of one device; None if they are not known.

    Of a CPU's memory, this process has a share in proportion to its threads.
    """
    device = jax.local_devices()[0]
    if device.platform != "cpu":
        return (device.memory_stats() or {}).get("bytes_limit")
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    return machine * num_threads() // max(num_threads(), os.cpu_count() or 1)
