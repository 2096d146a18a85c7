"""Compiled programs, kept by signature, with the seconds and number of compilations counted.

JAX's own jit cache does not report what a compilation cost; ahead-of-time compilation lets us measure it.
"""

import gc
import time
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jax

from llcray.sampling.compile_lock import lock_of

# On CPUs, LLVM's second level of optimisation takes a third longer to compile and made none of the samplers faster.
CPU_OPTIONS: dict[str, Any] = {"xla_backend_optimization_level": 1}

# Share of a process's memory maps for the programs kept here; the rest is for other compilations, as of targets.
MAPS_SHARE = 0.5


@dataclass
class Compilations:
    """The number and the cost of the compilations of this process so far, the wait for another process included."""

    count: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


compilations = Compilations()


SIGNS_OF_FULL_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory", "YNNPACK operation failed")
"""The last is all that a product of matrices on the CPU says where it cannot have its buffers."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error from XLA means that the device's memory was too small."""
    return any(sign in str(error) for sign in SIGNS_OF_FULL_MEMORY)


def make_room() -> None:
    """Forgets all programs once they take half the memory maps that Linux gives a process (65,530 by default).

    A program takes hundreds of maps, and a process without a map left dies in the compiler: after some 70 compile
    signatures, unless programs are forgotten on the way. A program that is needed again is compiled again.
    """
    try:
        limit = int(Path("/proc/sys/vm/max_map_count").read_text())
        with Path("/proc/self/maps").open("rb") as maps:
            num_maps = sum(1 for _ in maps)
    except OSError:
        return
    if num_maps > limit * MAPS_SHARE:
        for program in Program.instances:
            program.forget()
        jax.clear_caches()
        gc.collect()


class Program:
    """A function compiled once for every combination of static arguments, array shapes and types."""

    instances: ClassVar[weakref.WeakSet["Program"]] = weakref.WeakSet()

    def __init__(self, function: Callable[..., Any], donate: tuple[int, ...] = ()) -> None:
        """Takes the function; the first call compiles it.

        Args:
            function: `function(*static, *args)`; `static` must be hashable and decide the program.
            donate: Positions among `args` whose buffers the result may reuse.
        """
        self._function = function
        self._donate = donate
        self._compiled: dict[Hashable, Any] = {}
        self.instances.add(self)

    def __call__(self, static: tuple[Hashable, ...], *args: Any) -> Any:
        """Runs the program on `args`, compiling it first if its signature is new."""
        leaves, treedef = jax.tree.flatten(args)
        key = (static, treedef, tuple((leaf.shape, leaf.dtype, getattr(leaf, "sharding", None)) for leaf in leaves))
        if key not in self._compiled:
            self._compiled[key] = self._compile(static, args)
        return self._compiled[key](*args)

    def forget(self) -> None:
        """Frees the compiled programs."""
        self._compiled.clear()

    def lower(self, static: tuple[Hashable, ...], *args: Any, platform: str | None = None) -> Any:
        """Lowers the function for these arguments, without compiling it.

        Args:
            static: The static arguments.
            *args: The others.
            platform: Platform to lower for, such as `cuda`, which need not be here; None for this process's.
        """

        def program(*args: Any) -> Any:
            return self._function(*static, *args)

        traced = jax.jit(program, donate_argnums=self._donate).trace(*args)
        return traced.lower(lowering_platforms=None if platform is None else (platform,))

    def _compile(self, static: tuple[Hashable, ...], args: tuple[Any, ...]) -> Any:
        started, cpu_started = time.perf_counter(), time.process_time()
        options = CPU_OPTIONS if jax.default_backend() == "cpu" else None
        lowered = self.lower(static, *args)
        with lock_of(lowered.as_text()):
            compiled = lowered.compile(compiler_options=options)
        compilations.count += 1
        compilations.seconds += time.perf_counter() - started
        compilations.cpu_seconds += time.process_time() - cpu_started
        return compiled
