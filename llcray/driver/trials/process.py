"""What a worker's process may use: threads, GPU memory, the cache of compiled programs. Set before JAX is imported.

`JAX_PLATFORMS` is the user's and stays as it is.
"""

import hashlib
import os
import platform
import sys
from pathlib import Path

CACHE_BYTES = 2**30
SHARED_MEMORY = 0.9
"""Of a GPU's memory, for all the processes that share it; packs are sized to what a process gets of it."""
WORTH_CACHING_SECONDS = "0.5"
NUMERICS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def limit_process(cpus: float, gpus: float) -> None:
    """Gives this process its share of the machine.

    XLA sizes its pools by NPROC, BLAS by the names of `NUMERICS`. On a shared GPU each process takes memory as it needs
    it instead of most of it at once, and no more than its share. One process a GPU, with packs, needs no sharing.

    Args:
        cpus: CPU cores of the trial.
        gpus: GPUs of the trial; a fraction shares one.
    """
    if "jax" in sys.modules:
        return
    threads = str(max(1, int(cpus)))
    os.environ.update(dict.fromkeys(("NPROC", *NUMERICS), threads))
    if gpus % 1:
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", f"{SHARED_MEMORY * (gpus % 1):.3f}")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder()))
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(CACHE_BYTES))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", WORTH_CACHING_SECONDS)


def cache_folder() -> Path:
    """Where compiled programs are kept: one folder a kind of processor, since a home may be shared by several."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "llcray" / "programs" / hashlib.sha256(_processor().encode()).hexdigest()[:12]


def _processor() -> str:
    """What compiled code depends on: the processor's instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() + platform.machine()
    return "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
