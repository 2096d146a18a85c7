"""A run that another process resumes has the draws that it would have had in one process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest

from llcray import samplers
from llcray.estimation.pack import RunEstimate, estimate_requests
from llcray.estimation.request import EstimateRequest
from llcray.estimation.trial import TrialEvent, run_trial
from llcray.posterior.spec import PosteriorSpec
from llcray.sampling.spec import SamplingSpec
from llcray.spec import TrialPlan, load_sweep
from llcray.targets.target import Target

NUM_DATA, NUM_PARAMS = 400, 6
LONG = SamplingSpec.model_validate(
    {
        "num_chains": 2,
        "num_warmup": 50,
        "until": {"relative_mcse": 1e-9},
        "budget": {"num_gradients": 2e4, "num_draws": 1024},
    }
)
# Minibatches, tuning in a warmup, calibration with restarts and measured curvature, and draws that are weighed.
SAMPLERS = [
    samplers.SGLD(step_size=1e-3, batch_size=20),
    samplers.HMC(),
    samplers.Auto(),
    samplers.MCLMC(),
]


def target() -> Target:
    x = np.random.default_rng(0).normal(size=(NUM_DATA, NUM_PARAMS))
    return Target(np.zeros(NUM_PARAMS), lambda w, batch: 0.5 * (batch @ w) ** 2, x)


class Shelf:
    """A keeper in memory that keeps the progress after every request."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data, self.num_kept = data, 0

    def load(self) -> bytes | None:
        return self.data

    def is_due(self) -> bool:
        return True

    def save(self, data: bytes) -> None:
        self.data = data
        self.num_kept += 1


def counter(blocks: list[int]) -> Callable[..., None]:
    """Makes an observer that appends to a list at every block of draws."""
    return lambda index, phase, draws: blocks.append(1) if draws is not None else None


class GoneError(Exception):
    """The worker is gone."""


def estimate(sampler: samplers.SamplerVariant, shelf: Shelf | None, observe: Callable[..., None]) -> RunEstimate:
    request = EstimateRequest(sampler, PosteriorSpec(), LONG, seed=7, keeper=shelf)
    return next(iter(estimate_requests(target(), [request], observe)))[1]


@pytest.mark.parametrize(
    "sampler",
    [pytest.param(s, marks=[pytest.mark.slow] * (s.kind != "auto"), id=s.kind) for s in SAMPLERS],
)
def test_draws_after_an_interruption_are_those_without_one(sampler: samplers.SamplerVariant):
    blocks: list[int] = []
    whole = estimate(sampler, None, counter(blocks))
    shelf, first_half = Shelf(), []

    def until_halfway(index, phase, draws):
        first_half.append(1) if draws is not None else None
        if len(first_half) > len(blocks) // 2:
            raise GoneError

    with pytest.raises(GoneError):
        estimate(sampler, shelf, until_halfway)
    assert shelf.num_kept > 0
    rest: list[int] = []
    resumed = estimate(sampler, Shelf(shelf.data), counter(rest))
    assert len(rest) <= len(blocks) - len(blocks) // 2
    for name, values in whole.sampled.draws._asdict().items():
        np.testing.assert_array_equal(getattr(resumed.sampled.draws, name), values, err_msg=name)
    assert resumed.estimate.llc == whole.estimate.llc
    assert resumed.estimate.num_gradients == whole.estimate.num_gradients


def test_progress_of_another_version_is_not_resumed(monkeypatch: pytest.MonkeyPatch):
    shelf = Shelf()
    estimate(SAMPLERS[0], shelf, lambda *event: None)
    monkeypatch.setattr("llcray.sampling.resume.version_stamp", lambda: "another")
    blocks: list[int] = []
    estimate(SAMPLERS[0], Shelf(shelf.data), counter(blocks))
    assert len(blocks) == 1024 // 64


def test_damaged_progress_is_not_resumed():
    estimate(SAMPLERS[0], Shelf(b"\x10\x00\x00\x00\x00\x00\x00\x00not what it was"), lambda *event: None)


SWEEP = """
name: long
question: Is a killed run resumed?
targets: [{kind: quadratic, num_params: 20, num_data: 1000}]
samplers: [{kind: sgld, step_size: 1.0e-3, batch_size: 64}]
sampling: {num_chains: 2, until: {relative_mcse: 1.0e-9}, budget: {num_gradients: 1.0e9, num_draws: 4096}}
"""
PROGRAM = """
import sys
import llcray_storage as ls
from llcray.estimation import keeper
from llcray.spec import TrialPlan, load_sweep
from llcray.estimation.trial import run_trial
keeper.SECONDS_BETWEEN = 0.0
dataset = ls.Dataset.create_or_open(sys.argv[2])
draws = 0
def observe(event):
    global draws
    draws += event.num_gradients > 0
    if draws >= 20:
        print("far enough", flush=True)
        sys.stdin.read()
list(run_trial(TrialPlan(load_sweep(sys.argv[1]).runs), "long", dataset, observe))
"""


def test_a_run_whose_process_was_killed_is_resumed_from_the_dataset(tmp_path: Path):
    path, storage = tmp_path / "long.yaml", tmp_path / "results"
    path.write_text(SWEEP)
    command = [sys.executable, "-c", PROGRAM, str(path), str(storage)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "far enough\n"
        os.kill(program.pid, signal.SIGKILL)
    run = load_sweep(path).runs[0]
    kept = storage / "_llcray" / "unfinished" / run.run_id
    assert len(list(kept.iterdir())) == 1
    events: list[TrialEvent] = []
    dataset = ls.Dataset.create_or_open(str(storage))
    list(run_trial(TrialPlan((run,)), "long", dataset, events.append))
    calm = ls.Dataset.create_or_open(str(tmp_path / "calm"))
    list(run_trial(TrialPlan((run,)), "long", calm))
    columns = ["draws_digest", "llc", "llc_mcse", "num_gradients"]
    resumed, uninterrupted = (ls.scan_runs(str(r)).select(columns).collect() for r in (storage, tmp_path / "calm"))
    assert resumed.equals(uninterrupted)
    assert sum(event.num_gradients > 0 for event in events) == 4096 // 64 - 19
    assert not list(kept.iterdir())
