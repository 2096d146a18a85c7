"""A trial of trajectories: trained once, a row for each checkpoint with its step, gradient norm, losses, accuracies."""

from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest

from llcray.estimation.trial import run_trial
from llcray.spec import load_sweep, trials

FILE = """
name: along
question: Does a trial of a trajectory leave a curve?
targets:
  - data: {kind: modular, modulus: 7, train_fraction: 0.7}
    label: direct
    architecture: {kind: embedding_mlp, embedding_width: 4, width: 8}
    pretraining: [{data: {kind: modular, modulus: 7, train_fraction: 0.7, operand_range: 3}, num_steps: 20}]
    training: {kind: adam, num_steps: 60, batch_size: 8, precision: float32}
    checkpoints: {steps: [1, 20, 40, 80]}
replicates: 2
posterior: {inverse_temperature: {kind: n_beta, value: 2.0}, localization: 5.0}
samplers: [{kind: sgld, step_size: 3e-3, batch_size: 8}]
sampling: {num_chains: 2, steps_per_draw: 1, until: {relative_mcse: 0.5, rhat: 2.0}, budget: {num_draws: 256}}
"""


@pytest.mark.slow
def test_a_trial_of_trajectories_leaves_a_curve_for_each_seed(tmp_path: Path):
    (tmp_path / "along.yaml").write_text(FILE)
    root = str(tmp_path / "results")
    dataset = ls.Dataset.create_or_open(root)
    (plan,) = trials(load_sweep(tmp_path / "along.yaml").runs, 1, lambda runs: 100)
    assert len(list(run_trial(plan, "along", dataset))) == 8
    rows = ls.scan_runs(root, "along").collect().sort("seed", "step")
    assert rows["step"].to_list() == [1, 20, 40, 80] * 2
    assert rows["phase"].to_list() == [0, 0, 1, 1] * 2
    assert rows["series_id"].n_unique() == rows["trajectory_id"].n_unique() == 2
    assert rows["label"].unique().to_list() == ["direct"]
    assert rows["llc"].is_finite().all() and (rows["gradient_norm_at_center"] > 0).all()
    for name in ("loss_at_center", "test_loss", "train_accuracy", "test_accuracy"):
        assert rows[name].is_not_null().all()
    # The first checkpoint is no minimum: said in words beside the estimate, which is given.
    assert any("w* is no minimum" in text for text in rows["warnings"][0])
    # Phase 0 has the pairs below 3 of the training split, phase 1 all of it.
    assert rows["num_data"][0] <= 8 < rows["num_data"][2]
    assert ls.scan_targets(root).collect().height == 8
    assert np.diff(rows["loss_at_center"][:2].to_numpy())[0] < 0
