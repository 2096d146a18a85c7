"""A dataset that looks like the quickstart's, tests that share a process, what tests compile, and the check of shapes.

No number in the dataset was measured; it is for tests of readers.
"""

import gc
import os
import shutil
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import pytest
from jaxtyping import install_import_hook
from threadpoolctl import threadpool_limits

from llcray.driver.trials.process import NUMERICS, cache_folder
from llcray.spec import RunSpec, load_sweep, spec_columns

QUICKSTART = Path(__file__).parents[1] / "experiments" / "quickstart.yaml"
NUM_DRAWS = 60
TESTS = Path(__file__).parent
HAVE_SHAPES = [
    "llcray.posterior.density",
    "llcray.samplers.counter",
    "llcray.samplers.full_batch",
    "llcray.samplers.stochastic_gradient",
    "llcray.sampling.block",
    "llcray.sampling.curvature",
    "llcray.sampling.gradient_noise",
]
STARTS_RAY = ("cluster", "driver", "tracking", "tutorials")
PROGRAMS = {
    "JAX_COMPILATION_CACHE_DIR": str(TESTS.parent / ".pytest_cache" / "programs" / cache_folder().name),
    "JAX_COMPILATION_CACHE_MAX_SIZE": "-1",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
}
"""Where all processes of the tests share compiled programs. A limit would make every new program read all others."""
PROGRAM_BYTES = 2**30
QUICK_TO_COMPILE = (
    "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
)
"""Flags with which XLA compiles in half the time, as long as it knows them (it aborts on those that it does not)."""

OUT_OF_TIME = "out of time"


def flags_to_compile_quickly() -> dict[str, str]:
    """Returns variables with which processes compile quickly, where the flags are known to this version."""
    return {"XLA_FLAGS": QUICK_TO_COMPILE} if version("jaxlib").startswith("0.10.") else {}


# Shapes and types in the signatures of these modules are checked at every call, in tests only.
install_import_hook(HAVE_SHAPES, "beartype.beartype")


def pytest_configure(config: pytest.Config) -> None:
    """Sets how this process and those that tests start compute and compile: alone, quickly, and only what is new.

    BLAS threads of two workers wait for each other on two processors: a regression on 80 points took 14 times as long.
    The slow tests compile as users do. Processes that tests start find llcray in byte code, which takes each of them a
    quarter of a second less, even where the environment of this process asks for none to be written.
    """
    threadpool_limits(1)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    quick = flags_to_compile_quickly() if config.option.markexpr == "not slow" else {}
    for name, value in {**dict.fromkeys(NUMERICS, "1"), **PROGRAMS, **quick}.items():
        os.environ.setdefault(name, value)
    folder = Path(PROGRAMS["JAX_COMPILATION_CACHE_DIR"])
    if "PYTEST_XDIST_WORKER" not in os.environ and sum(f.stat().st_size for f in folder.glob("*")) > PROGRAM_BYTES:
        shutil.rmtree(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the tests of a file in one process, and those of folders full of Rays.

    The smoke sizes of experiments, which compute, are left to the other process, while those mostly wait.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrRay(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "ray" if Path(file).parts[1] in STARTS_RAY else file

    return ByFileOrRay(config, log)


def pytest_collection_finish() -> None:
    """Spares the garbage collector what lives to the end: looking through it again and again was 8% of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Skips what does not begin before `SKIP_AFTER` (seconds since the epoch), so that no test is cut off half done."""
    if time.time() > float(os.environ.get("SKIP_AFTER", "inf")):
        pytest.skip(OUT_OF_TIME)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests were skipped for want of time."""
    stats = terminalreporter.stats
    num_late = sum(OUT_OF_TIME in str(report.longrepr) for report in stats.get("skipped", ()))
    num_begun = sum(len(stats.get(outcome, ())) for outcome in ("passed", "failed"))
    if num_late:
        terminalreporter.write_line(f"Out of time: {num_late} tests were not begun, {num_begun} were.")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Lets Hypothesis, which is loaded at the end where no test loads it, find who refers to a random generator."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def quickstart_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with every run of the quickstart, by the columns its own specs have."""
    root = tmp_path_factory.mktemp("quickstart") / "results"
    dataset = ls.Dataset.create_or_open(root)
    for run in load_sweep(QUICKSTART).runs:
        rng = np.random.default_rng(int(run.run_id, 16))
        series = rng.gamma(20.0, size=(4, NUM_DRAWS))
        dataset.write_run(_row(run, series), [_chain(chain, values) for chain, values in enumerate(series)])
    return root


def _row(run: RunSpec, series: np.ndarray) -> Mapping[str, Any]:
    mcse = float(series.std() / series.size**0.5)
    estimate = {"llc": float(series.mean()), "llc_mcse": mcse, "llc_sd": float(series.std()), "rhat": 1.0}
    counts = {"num_chains": 4, "num_draws": NUM_DRAWS, "num_data": 1000, "num_params": 310, "n_beta": 144.8}
    work = {"num_gradients": 4000.0, "sampling_seconds": 2.0, "compile_seconds": 1.0, "loss_at_center": 0.3}
    known = {"sweep": "quickstart", "status": "done", "verdict": "ok", "ess_bulk": 240.0, "ess_tail": 200.0}
    return {**spec_columns(run), **known, **estimate, **counts, **work}


def _chain(chain: int, llc_draws: np.ndarray) -> Mapping[str, Any]:
    return {
        "chain": chain,
        "status": "done",
        "n_beta": 144.8,
        "num_warmup_draws": 0,
        "centered_loss": llc_draws / 144.8,
        "squared_distance": np.full(NUM_DRAWS, 0.1),
    }
