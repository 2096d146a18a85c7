"""Chain-steps of SGLD on the common task: ours, plain JAX one chain after another, and the peer in its own process."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import task

from llcray.posterior.density import make_posterior
from llcray.samplers import SGLD
from llcray.samplers.kernel import build_kernel
from llcray.sampling import block
from llcray.sampling.device import chains_together
from llcray.targets.target import Target

N_BETA = task.NUM_DATA / np.log(task.NUM_DATA)


@dataclass(frozen=True)
class Timing:
    """What a contestant did.

    Attributes:
        name: Of the contestant.
        chain_steps: Steps of all chains.
        cpu_seconds: CPU time of its process.
        wall_seconds: Wall time.
        compile_seconds: Before the first step.
    """

    name: str
    chain_steps: int
    cpu_seconds: float
    wall_seconds: float
    compile_seconds: float = 0.0

    @property
    def microseconds(self) -> float:
        """CPU time of one step of one chain."""
        return 1e6 * self.cpu_seconds / self.chain_steps


def peak() -> float:
    """Operations a CPU second of a float32 matrix product of 1,000 x 1,000, the best of ten."""
    matrix = jnp.ones((1000, 1000), jnp.float32)
    return 2 * 1000**3 / best_cpu_seconds(jax.jit(lambda a: a @ a), matrix)


def best_cpu_seconds(program: Callable[..., Any], *arguments: Any) -> float:
    """CPU-seconds of a call of a compiled program, its compilation left out; the best of ten."""
    jax.block_until_ready(program(*arguments))
    times = []
    for _ in range(10):
        started = time.process_time()
        jax.block_until_ready(program(*arguments))
        times.append(time.process_time() - started)
    return min(times)


def losses(params: Any, batch: Any) -> Any:
    """Half the squared error of each example."""
    hidden = batch["x"]
    last = len(params) // 2 - 1
    for layer in range(last + 1):
        hidden = hidden @ params[f"kernel_{layer}"] + params[f"bias_{layer}"]
        hidden = jax.nn.relu(hidden) if layer < last else hidden
    return 0.5 * jnp.sum((hidden - batch["y"]) ** 2, -1)


def target(widths: tuple[int, ...] = task.WIDTHS) -> Target:
    """The task for llcray."""
    arrays = task.arrays(widths=widths)
    data = {name: arrays.pop(name) for name in ("x", "y")}
    return Target(arrays, losses, data)


def ours(batch_size: int, steps_per_draw: int, num_draws: int, repeats: int) -> Timing:
    """llcray's compiled loop, all chains in one program, the loss over all data at every draw included."""
    with jax.enable_x64(True):
        posterior = make_posterior(target(), N_BETA, None, jnp.float32)
        posterior = replace(posterior, chains_together=chains_together(posterior, task.NUM_CHAINS))
        sampler = SGLD(batch_size=batch_size, step_size=task.STEP_SIZE)
        kernel, chains = build_kernel(sampler), task.NUM_CHAINS
        one = jax.tree.map(lambda leaf: np.asarray(leaf)[None], posterior)
        hyper = {name: np.full((1, chains), value, np.float32) for name, value in sampler.hyper().items()}
        keys = block.chain_keys((chains,), np.zeros((1, 2), np.uint32))
        state = block.start((kernel,), keys, one, hyper)

        def run(state: Any) -> Any:
            static = (kernel, num_draws, 0)
            args = (keys, state, one, hyper, np.zeros(1, np.int32), np.int32(steps_per_draw))
            return jax.block_until_ready(block.advance(static, *args)[0])

        return _timed("llcray", run, state, chains * num_draws * steps_per_draw, repeats)


def plain(batch_size: int, num_steps: int, repeats: int) -> Timing:
    """What one would write first: a jitted scan of one chain, JAX's own random numbers, one chain after another."""
    arrays = task.arrays()
    x, y = jnp.asarray(arrays.pop("x")), jnp.asarray(arrays.pop("y"))
    params = jax.tree.map(jnp.asarray, arrays)

    def mean_loss(params: Any, chosen: Any) -> Any:
        return jnp.mean(losses(params, {"x": x[chosen], "y": y[chosen]}))

    @jax.jit
    def chain(rng_key: Any, params: Any) -> Any:
        def step(params: Any, rng_key: Any) -> tuple[Any, Any]:
            batch_key, *keys = jax.random.split(rng_key, 1 + len(params))
            gradient = jax.grad(mean_loss)(params, jax.random.randint(batch_key, (batch_size,), 0, len(x)))
            noise = {name: jax.random.normal(key, params[name].shape) for name, key in zip(params, keys, strict=True)}
            moved = {
                name: params[name]
                - 0.5 * task.STEP_SIZE * N_BETA * gradient[name]
                + jnp.sqrt(task.STEP_SIZE) * noise[name]
                for name in params
            }
            return moved, None

        return jax.lax.scan(step, params, jax.random.split(rng_key, num_steps))[0]

    def run(state: Any) -> Any:
        return [jax.block_until_ready(chain(jax.random.key(index), one)) for index, one in enumerate(state)]

    return _timed("plain JAX", run, [params] * task.NUM_CHAINS, task.NUM_CHAINS * num_steps, repeats)


def _timed(name: str, run: Callable[[Any], Any], state: Any, chain_steps: int, repeats: int) -> Timing:
    started = time.perf_counter()
    state = run(state)
    first, best = time.perf_counter() - started, (float("inf"), float("inf"))
    for _ in range(repeats):
        started, cpu_started = time.perf_counter(), time.process_time()
        state = run(state)
        best = min(best, (time.process_time() - cpu_started, time.perf_counter() - started))
    return Timing(name, chain_steps, best[0], best[1], max(0.0, first - best[1]))


def peer(python: str, batch_size: int, num_steps: int, repeats: int) -> Timing:
    """devinterp's `SGMCMC.sgld`, in an interpreter that has it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task.npz"
        task.write(path)
        numbers = (batch_size, num_steps, repeats, task.NUM_CHAINS, task.STEP_SIZE, N_BETA)
        return Timing(**run_peer(python, "peer.py", path, *numbers))


def run_peer(python: str, script: str, task_file: Path, *numbers: float) -> dict[str, Any]:
    """What a script of this folder prints last, run in an interpreter that has devinterp.

    Raises:
        RuntimeError: It cannot be run there.
    """
    command = [python, str(Path(__file__).with_name(script)), str(task_file), *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"devinterp does not run in {python}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def peer_interpreter(given: str | None) -> str | None:
    """The interpreter given, or this one if devinterp is installed here, else None."""
    from importlib.util import find_spec

    return given or (sys.executable if find_spec("devinterp") else None)


def peer_versions(python: str | None) -> str:
    """What is installed in the peer's interpreter, as it goes on after our own versions."""
    if python is None:
        return ""
    program = (
        "from importlib.metadata import version as v; print(*(f', {n} {v(n)}' for n in ('devinterp', 'torch')), sep='')"
    )
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
