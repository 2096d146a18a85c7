"""Scripts run in processes with several simulated devices."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

OnDevices = Callable[..., tuple[list[str], np.ndarray]]


@pytest.fixture
def on_devices(tmp_path: Path) -> OnDevices:
    """Runs a script on some devices: the words it printed, and the array it saved under its first argument."""

    def run(script: str, num_devices: int, *words: str) -> tuple[list[str], np.ndarray]:
        path = tmp_path / f"{num_devices}.npy"
        flags = f"--xla_force_host_platform_device_count={num_devices}"
        environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-c", script, str(path), *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.split(), np.load(path)

    return run
