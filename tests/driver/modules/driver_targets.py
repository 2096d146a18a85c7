"""Targets that misbehave, for workers to build."""

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


def slow(seconds: float) -> Target:
    """Takes some seconds to build."""
    time.sleep(seconds)
    return regular()


def named(name: str) -> Target:
    """Fails while it is built, with the text it was given."""
    raise ValueError(name)
