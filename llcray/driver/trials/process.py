"""Limits the threads and the GPU memory of a worker's process, and sets its cache of compiled programs.

JAX reads these settings when it is imported. `JAX_PLATFORMS` is the user's and stays as it is.
"""

import gc
import hashlib
import os
import platform
import sys
from pathlib import Path

from llcray.driver.errors import PlatformError, one_line

CACHE_BYTES = 2**30
SHARED_MEMORY = 0.9
"""Share of a GPU's memory that all processes on it may take together; packs are sized to the share of a process."""
WORTH_CACHING_SECONDS = "0.1"
OBJECTS_PER_COLLECTION = 10_000
"""Measured: tracing makes many objects that live on, and Python's default of 700 costs a worker of the quickstart 1.1
of its 20 CPU-seconds, this one 0.4."""
NUMERICS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def limit_process(cpus: float, gpus: float) -> None:
    """Gives this process its share of the machine; does nothing where JAX is imported already.

    XLA sizes its thread pools by NPROC, and BLAS by the variables in `NUMERICS`. On a shared GPU a process takes memory
    as it needs it, instead of most of the GPU's at once, and no more than its share. Cyclic garbage is collected less
    often from here on.

    Args:
        cpus: CPU cores of a trial.
        gpus: GPUs of a trial; a fraction shares one with other trials.
    """
    if "jax" in sys.modules:
        return
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    threads = str(max(1, int(cpus)))
    os.environ.update(dict.fromkeys(("NPROC", *NUMERICS), threads))
    if gpus % 1:
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", f"{SHARED_MEMORY * (gpus % 1):.3f}")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder()))
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(CACHE_BYTES))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", WORTH_CACHING_SECONDS)


def check_platform() -> None:
    """Refuses a machine that lacks the devices that `JAX_PLATFORMS` asks for.

    Raises:
        PlatformError: JAX finds no such device.
    """
    import jax

    try:
        jax.devices()
    except Exception as error:
        reason = one_line(error) or "no such device"
        asked = os.environ.get("JAX_PLATFORMS", "")
        raise PlatformError(
            f"JAX_PLATFORMS={asked} asks for a device that machine {platform.node()} does not give JAX ({reason}). "
            "Unset JAX_PLATFORMS, or set it to cpu. No run was marked as failed."
        ) from error


def cache_folder() -> Path:
    """Returns the folder of compiled programs, one for each kind of processor, since machines may share a home."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "llcray" / "programs" / hashlib.sha256(_processor().encode()).hexdigest()[:12]


def _processor() -> str:
    """Returns a text that differs where compiled code does: the processor's name and instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() + platform.machine()
    return "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
