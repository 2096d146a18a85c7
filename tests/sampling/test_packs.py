"""Packs: runs of several targets in one program give what each gives alone, and fail alone."""

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from pydantic import TypeAdapter

from llcray.estimation.pack import estimate_pack, estimate_requests
from llcray.estimation.request import EstimateRequest
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import HMC, SGLD, Auto, SamplerVariant
from llcray.sampling import device
from llcray.sampling.device import Size, Widths, choose_widths
from llcray.sampling.program import compilations
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets import TargetSpec
from llcray.targets.build import build_target
from llcray.targets.target import Target

SHORT = SamplingSpec(
    num_chains=2, budget=Budget(num_gradients=600, num_draws=256), num_warmup=20, until=StoppingCriteria(rhat=1.0001)
)


def deep_linear(seed: int) -> Target:
    spec = {"kind": "deep_linear", "widths": [3, 3, 2], "rank": 1, "num_data": 64, "seed": seed}
    return build_target(TypeAdapter(TargetSpec).validate_python(spec))


@pytest.fixture(scope="module")
def targets() -> list[Target]:
    return [deep_linear(seed) for seed in range(11)]


def request(sampler: SamplerVariant, seed: int = 1, sampling: SamplingSpec = SHORT) -> EstimateRequest:
    return EstimateRequest(sampler, PosteriorSpec(localization=10.0), sampling, seed)


@pytest.mark.parametrize(
    "sampler",
    [
        SGLD(step_size=1e-4, batch_size=16),
        pytest.param(HMC(num_integration_steps=3), marks=pytest.mark.slow),
        Auto(),
    ],
)
def test_a_run_of_a_pack_of_targets_draws_what_it_draws_alone(targets: list[Target], sampler: SamplerVariant) -> None:
    """Eleven runs make a full call and a remainder. Catches mixed-up rows, and keys that depend on the row."""
    pack = [(target, request(sampler, seed)) for seed, target in enumerate(targets)]
    packed = dict(estimate_pack(pack))
    assert packed[0].pack_size > 1
    for index in (0, 5, 10):
        [(_, alone)] = estimate_requests(targets[index], [request(sampler, index)])
        first, second = (run.sampled.draws.centered_loss[:, :64] for run in (alone, packed[index]))
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-4 * np.abs(first).max())
        assert alone.loss_at_center == packed[index].loss_at_center
    assert len({run.sampled.draws.centered_loss[0, -1] for run in packed.values()}) == len(targets)


@pytest.mark.parametrize("sampler", [SGLD(step_size=1e-4, batch_size=16), HMC(num_integration_steps=3)])
def test_chains_advanced_in_turn_draw_what_they_draw_side_by_side(
    targets: list[Target], sampler: SamplerVariant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draws() -> np.ndarray:
        pairs = [(target, request(sampler)) for target in targets[:2]]
        return np.stack([run.sampled.draws.centered_loss for _, run in sorted(estimate_pack(pairs))])

    beside = draws()
    before = compilations.count
    monkeypatch.setenv("NPROC", "1")
    monkeypatch.setattr(device, "IN_TURN_PARAMETERS", 1)
    in_turn = draws()
    assert compilations.count > before  # by another program
    np.testing.assert_allclose(in_turn[..., :64], beside[..., :64], rtol=1e-3, atol=1e-4 * np.abs(beside).max())


def test_a_pack_compiles_each_program_at_most_twice_however_its_runs_end(targets: list[Target]) -> None:
    """Runs of different budgets leave the pack one by one; nothing is compiled for the sizes in between."""
    sampler, before = SGLD(step_size=1e-4, batch_size=17), compilations.count
    pack = []
    for index, target in enumerate(targets):
        sampling = SHORT.model_copy(update={"budget": Budget(num_gradients=200 + 80 * index, num_draws=1024)})
        pack.append((target, request(sampler, index, sampling)))
    results = dict(estimate_pack(pack))
    lengths = [results[index].sampled.draws.num_draws for index in range(len(targets))]
    assert len(set(lengths)) > 3
    assert compilations.count - before <= 2 * 3  # scale, start, advance
    assert sum(run.estimate.num_compilations for run in results.values()) <= compilations.count - before


def test_runs_that_finish_stop_costing() -> None:
    """Gradients are counted by each run; calls are cut from the runs that are left."""
    widths = Widths(8)
    served = [sum(width for width, _ in widths.cut(range(left))) for left in range(1, 25)]
    assert all(lanes <= left + 1 for left, lanes in enumerate(served, 1))
    for left in range(1, 25):
        assert [member for _, members in widths.cut(range(left)) for member in members] == list(range(left))


def test_a_request_that_makes_no_sense_fails_alone(targets: list[Target]) -> None:
    broken = Target({"w": np.full(2, np.nan)}, lambda params, batch: params["w"][0] * batch["x"], {"x": np.ones(9)})
    pack = [(targets[0], request(SGLD(batch_size=16))), (targets[1], request(SGLD(batch_size=65)))]
    pack += [(broken, request(SGLD(batch_size=4))), (targets[2], request(SGLD(batch_size=16)))]
    failures: dict[int, Exception] = {}
    results = dict(estimate_pack(pack, on_failure=failures.__setitem__))
    assert set(results) == {0, 3}
    assert "batch_size 65" in str(failures[1]) and "loss at w* is nan" in str(failures[2])


def test_widths_fit_the_memory_and_fill_the_device() -> None:
    small = Size(num_chains=4, num_params=1000, chain_bytes=4000, data_bytes=32_000, activation_bytes=400_000)
    gpu = choose_widths(small, "gpu", 16 * 2**30)
    assert gpu.full == 1024 and gpu.small < gpu.full
    large = small._replace(num_params=10**8, chain_bytes=4 * 10**8)
    assert choose_widths(large, "gpu", 16 * 2**30) == Widths(1, 1, gpu.least_filled)
    assert choose_widths(small, "cpu", None).full == choose_widths(small, "cpu", 16 * 2**30).full
    assert gpu.halved().full == gpu.full // 2 and Widths(1).halved() == Widths(1)


ON_SEVERAL_DEVICES = """
import sys
import jax
import numpy as np
from pydantic import TypeAdapter
from llcray.estimation.pack import estimate_pack
from llcray.estimation.request import EstimateRequest
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import SGLD
from llcray.sampling import block
from llcray.sampling.spec import Budget, SamplingSpec
from llcray.targets import TargetSpec
from llcray.targets.build import build_target

def target(seed):
    spec = {"kind": "deep_linear", "widths": [3, 3, 2], "rank": 1, "num_data": 64, "seed": seed}
    return build_target(TypeAdapter(TargetSpec).validate_python(spec))

sampling = SamplingSpec(num_chains=4, budget=Budget(num_gradients=300, num_draws=64))
request = EstimateRequest(SGLD(step_size=1e-4, batch_size=16), PosteriorSpec(localization=10.0), sampling, 1)
shardings = []
place = block.advance.__class__.__call__

def watched(self, static, *args):
    if self is block.advance:
        shardings.append(len(jax.tree.leaves(args[1])[0].sharding.device_set))
    return place(self, static, *args)

block.advance.__class__.__call__ = watched
results = dict(estimate_pack([(target(seed), request) for seed in range(9)]))
draws = np.stack([results[index].sampled.draws.centered_loss[:, :64] for index in range(9)])
np.save(sys.argv[1], draws)
print(len(jax.local_devices()), *sorted(set(shardings)))
"""


@pytest.mark.slow
def test_chains_are_shared_out_over_the_devices_of_a_process_and_draw_the_same(
    on_devices: Callable[..., tuple[list[str], np.ndarray]],
) -> None:
    """Of nine runs, eight are advanced by a call whose runs are shared out, one by a call whose chains are."""
    draws = []
    for num_devices in (1, 4):
        printed, draws_there = on_devices(ON_SEVERAL_DEVICES, num_devices)
        assert printed == [str(num_devices), str(num_devices)]
        draws.append(draws_there)
    np.testing.assert_allclose(draws[0], draws[1], rtol=1e-3, atol=1e-4 * np.abs(draws[0]).max())


IN_LITTLE_MEMORY = """
import resource
import jax
import jax.numpy as jnp
import numpy as np
from llcray import Target
from llcray.estimation.pack import estimate_pack
from llcray.estimation.request import EstimateRequest
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import SGLD
from llcray.sampling.spec import Budget, SamplingSpec

rng = np.random.default_rng(0)
x, first = rng.normal(size=(4096, 24)), rng.normal(size=(24, 1024))


def loss_fn(params, batch):
    return 0.5 * (jnp.maximum(batch["x"] @ params["first"], 0) @ params["second"] - batch["y"]) ** 2


def target(seed):
    second = np.random.default_rng(seed).normal(size=1024) / 32
    return Target({"first": first, "second": second}, loss_fn, {"x": x, "y": np.maximum(x @ first, 0) @ second})


sampling = SamplingSpec(num_chains=4, budget=Budget(num_gradients=60, num_draws=8), steps_per_draw=1)
request = EstimateRequest(SGLD(step_size=1e-6, batch_size=16), PosteriorSpec(localization=10.0), sampling, 1)
pack = [(target(seed), request) for seed in range(8)]


def losses():
    results = dict(estimate_pack(pack))
    print(results[0].pack_size, results[0].num_pack_splits, flush=True)
    return np.stack([results[index].sampled.draws.centered_loss for index in range(8)])


freely = losses()
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 400 * 2**20,) * 2)
np.testing.assert_allclose(losses(), freely, rtol=1e-3, atol=1e-4 * np.abs(freely).max())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits a process's memory as Linux does")
def test_a_pack_that_memory_is_too_small_for_is_halved_and_draws_the_same() -> None:
    """Eight runs together hold a GiB of hidden units; the second time the process has 400 MiB left."""
    # Buffers are given back to the system at once, so that they do not count as held.
    returning = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1048576"}
    environment = {**os.environ, "NPROC": "2", "JAX_PLATFORMS": "cpu", **returning}
    done = subprocess.run([sys.executable, "-c", IN_LITTLE_MEMORY], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    freely, tight = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert freely == (8, 0)
    assert tight[0] < 8 and tight[1] > 0
