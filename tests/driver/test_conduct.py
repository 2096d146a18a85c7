"""The section `conduct` decides which runs start first, and which are given up."""

from pathlib import Path

import llcray_storage as ls
import pytest

from llcray.driver import SweepOptions, run_sweep
from llcray.driver.plan.cost import CostModel
from llcray.driver.plan.plan import ordered_trials
from llcray.driver.plan.remaining import find_remaining
from llcray.spec import SpecError, load_sweep

SWEEP = """
name: tiny
question: Which first?
targets: [{kind: quadratic, num_params: {grid: [3, 50]}, num_data: 200}]
replicates: 2
samplers: [{kind: sgld, step_size: 1.0e-3, batch_size: 20}, {kind: hmc}]
sampling: {num_chains: 2, budget: {num_gradients: 500, num_draws: 128}}
"""
# One sampler that mixes, and three whose step is so small that their chains have hardly left w* by the first rung.
RACE = """
name: race
question: Which sampler is given up?
targets: [{kind: quadratic, num_params: 20, num_data: 1000}]
samplers: [{kind: sgld, step_size: {grid: [1.0e-3, 1.0e-8, 1.1e-8, 1.2e-8]}, batch_size: 64}]
sampling: {num_chains: 2, until: {relative_mcse: 1.0e-9}, budget: {num_gradients: 300000, num_draws: 131072}}
conduct: {halving: {factor: 2, first_gradients: 1000}}
"""


def order(folder: Path, conduct: str) -> list[tuple[str, int]]:
    """Returns sampler and seed of the trials' first runs, in the order in which the trials start."""
    path = folder / "tiny.yaml"
    path.write_text(SWEEP + conduct)
    sweep = load_sweep(path)
    plans = ordered_trials(find_remaining(sweep, None, SweepOptions()), 8, CostModel(), sweep.conduct)
    return [(plan.runs[0].sampler.kind, getattr(plan.target, "seed", 0)) for plan in plans]


def test_runs_that_are_wanted_first_start_first(tmp_path: Path):
    found = order(tmp_path, "conduct: {first: [{sampler_kind: hmc, seed: 1}, {sampler_kind: hmc}]}")
    assert found[:2] == [("hmc", 1)] * 2
    assert found[2:4] == [("hmc", 0)] * 2
    assert {kind for kind, _ in found[4:]} == {"sgld"}


def test_a_column_that_does_not_exist_is_a_mistake_with_its_place(tmp_path: Path):
    with pytest.raises(SpecError, match=r"tiny.yaml:\d+:\d+: .*'sampler_kinds' in conduct.first"):
        order(tmp_path, "conduct: {first: [{sampler_kinds: hmc}]}")


@pytest.mark.slow
def test_halving_gives_up_the_samplers_that_do_not_mix_and_says_so(cluster, tmp_path: Path, screen):
    path = tmp_path / "race.yaml"
    path.write_text(RACE)
    storage = str(tmp_path / "results")
    assert run_sweep(path, SweepOptions(storage=storage), screen) == 0, screen.text
    rows = ls.scan_runs(storage).select("sampler_step_size", "status", "reason").collect().sort("sampler_step_size")
    statuses = rows["status"].to_list()
    assert statuses[-1] == "done"
    assert "failed" in statuses[:-1]
    assert all(reason is None or "halted by successive halving" in reason for reason in rows["reason"])
    assert "halted" in screen.text
