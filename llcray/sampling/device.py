"""The device of this process: its memory, and how wide calls for a posterior should be there."""

import os
from functools import cache
from typing import Any

import jax
import numpy as np

from llcray.posterior.density import Posterior
from llcray.sampling.widths import MEMORY_SHARE, Size, Widths, choose_widths

IN_TURN_PARAMETERS = 6000
"""Measured (benchmarks/README.md): with fewer, chains side by side share what a step costs beside its arithmetic."""


def widths_of(posterior: Posterior, num_chains: int) -> Widths:
    """Widths for runs like this one on the devices of this process."""
    if not posterior.chains_together:
        return Widths(1)
    devices = jax.local_devices()
    memory = memory_bytes()
    return choose_widths(size_of(posterior, num_chains), devices[0].platform, memory and memory * len(devices))


def chains_together(posterior: Posterior, num_chains: int) -> bool:
    """Whether a block advances the chains of a run side by side, or one after another.

    The latter where memory is too small for the former, and where one thread of a CPU does the work of a large network.
    """
    devices = jax.local_devices()
    one_thread = len(devices) == 1 and devices[0].platform == "cpu" and num_threads() == 1
    if one_thread and posterior.num_sampled_params >= IN_TURN_PARAMETERS:
        return False
    memory = memory_bytes()
    on_one_device = num_chains // len(devices) if num_chains % len(devices) == 0 else num_chains
    return memory is None or size_of(posterior, on_one_device).total_bytes <= MEMORY_SHARE * memory


def num_threads() -> int:
    """Threads that XLA computes with on a CPU."""
    return int(os.environ.get("NPROC") or os.cpu_count() or 1)


def size_of(posterior: Posterior, num_chains: int) -> Size:
    """What a run of this posterior takes."""
    return Size(
        num_chains=num_chains,
        num_params=posterior.num_sampled_params,
        chain_bytes=posterior.center.nbytes,
        data_bytes=sum(int(np.size(leaf)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(posterior)),
        activation_bytes=_bytes_per_example(posterior) * min(posterior.num_data, posterior.micro_batch),
    )


def _bytes_per_example(posterior: Posterior) -> int:
    """Bytes of everything that the loss of one example computes on the way."""
    one = jax.tree.map(lambda x: x[:1], posterior.data)
    program = _losses_at_center.trace(posterior, one).jaxpr
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
def _losses_at_center(posterior: Posterior, batch: Any) -> Any:
    """Only traced. JAX keeps what it traced, and sizes are asked for several times a run."""
    return posterior.losses(posterior.center, batch)


@cache
def memory_bytes() -> int | None:
    """Memory of one device; on a CPU, this process's share of the machine by its threads. None if it is not known."""
    device = jax.local_devices()[0]
    if device.platform != "cpu":
        return (device.memory_stats() or {}).get("bytes_limit")
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    return machine * num_threads() // max(num_threads(), os.cpu_count() or 1)
