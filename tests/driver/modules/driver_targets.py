"""Targets that misbehave, for workers to build."""

import json
import os
import signal
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from llcray.targets.target import Target


def quadratic_loss(params, batch):
    return 0.5 * jnp.sum(params["w"] ** 2) + 0.0 * batch["x"]


def regular(num_params: int = 3) -> Target:
    """Returns a regular target, whose LLC is num_params/2."""
    return Target({"w": np.zeros(num_params)}, quadratic_loss, {"x": np.zeros(100)})


def broken() -> Target:
    """Fails while it is built."""
    raise ValueError("this target\ncannot be built")


def not_finite() -> Target:
    """Fails in sampling: its loss at the center is NaN."""
    return Target({"w": np.full(2, np.nan)}, quadratic_loss, {"x": np.zeros(100)})


def deadly(folder: str, deaths: int) -> Target:
    """Kills its process, as the kernel does when memory runs out, the first `deaths` times."""
    marks = Path(folder)
    if len(list(marks.iterdir())) < deaths:
        (marks / f"{time.time_ns()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return regular()


def last_of_its_worker() -> Target:
    """Lets its process die when the next trial is handed to it, which begins with an end of the one before."""
    from llcray.driver.trials.work import TrialThread

    TrialThread.cancel = lambda self: os.kill(os.getpid(), signal.SIGKILL)
    return regular()


def slow(seconds: float) -> Target:
    """Takes some seconds to build."""
    time.sleep(seconds)
    return regular()


def counted(folder: str, number: int) -> Target:
    """Takes a second to build, and leaves a file for each time that it was built."""
    (Path(folder) / f"{number}-{time.time_ns()}").touch()
    time.sleep(1.0)
    return regular()


def placed(folder: str, number: int) -> Target:
    """Writes down what its process was given of the machine."""
    names = ("CUDA_VISIBLE_DEVICES", "NPROC", "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE")
    (Path(folder) / f"{number}.json").write_text(json.dumps({name: os.environ.get(name) for name in names}))
    time.sleep(1.0)
    return regular()


def named(name: str) -> Target:
    """Fails while it is built, with the text it was given."""
    raise ValueError(name)
