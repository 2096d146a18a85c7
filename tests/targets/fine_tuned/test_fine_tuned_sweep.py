"""A sweep of fine-tunings: one pretraining for all methods, a row a checkpoint, component and loss."""

from pathlib import Path
from typing import Any

import jax
import llcray_storage as ls
import pytest

from llcray.estimation.trial import run_trial
from llcray.spec import load_sweep, trials
from llcray.spec.problems import SpecError
from llcray.targets import FineTunedTarget
from llcray.targets.stored import load_or_build, prepare_checkpoints
from llcray.variant import content_id

FILE = """
name: tuned
question: Does fine-tuning leave a curve?
targets:
  - kind: fine_tuned
    data: {kind: digit_sums, num_digits: 1}
    architecture: {kind: transformer, num_layers: 1, num_heads: 2, width: 32, mlp_width: 64, readout: all}
    training:
      {kind: adamw, learning_rate: 0.005, num_steps: 800, batch_size: 80, schedule: one_cycle, precision: float32}
    method:
      - {kind: grpo, num_steps: 60, batch_size: 32, learning_rate: 1e-3}
      - {kind: sft, num_steps: 4, batch_size: 16}
    checkpoints: {steps: linear, num: 2}
losses: [own, {kind: nll, num_data: 60}]
posterior: {inverse_temperature: {kind: n_beta, value: 50}, localization: 500.0}
samplers: [{kind: sgld, step_size: 1e-4, batch_size: 16}]
sampling: {num_chains: 2, steps_per_draw: 1, until: {relative_mcse: 0.5, rhat: 2.0}, budget: {num_draws: 64}}
"""
SMALL = FineTunedTarget(
    data={"num_digits": 1},  # pyright: ignore[reportArgumentType]
    architecture={"num_layers": 1, "num_heads": 2, "width": 16, "mlp_width": 16, "readout": "all"},  # pyright: ignore
    training={"kind": "adamw", "num_steps": 3, "batch_size": 8, "precision": "float32"},  # pyright: ignore
    method={"kind": "ppo", "num_steps": 2, "batch_size": 8},  # pyright: ignore
    checkpoints={"steps": "linear", "num": 2},  # pyright: ignore
)


@pytest.mark.slow
def test_a_sweep_of_methods_shares_its_pretraining_and_leaves_curves(tmp_path: Path) -> None:
    """Partial accuracy before, more after; the change is counted from step 0; a loss names itself in its rows.

    With one digit a fifth of the prompts has one answer for sum and difference: .6 is what half right means.
    """
    (tmp_path / "tuned.yaml").write_text(FILE)
    root = str(tmp_path / "results")
    dataset = ls.Dataset.create_or_open(root)
    plans = trials(load_sweep(tmp_path / "tuned.yaml").runs, 2)
    assert len(plans) == 2
    for plan in plans:
        assert {outcome.status for outcome in run_trial(plan, "tuned", dataset)} == {"done"}
    rows = ls.scan_runs(root, "tuned").collect().sort("method_kind", "loss_kind", "step")
    assert rows.height == (3 + 3) * 2 and set(rows["loss_kind"]) == {"kl_to_center", "nll"}
    assert rows["target_id"].n_unique() == 6 and rows["trajectory_id"].n_unique() == 2
    kinds = ls.scan_targets(root).collect()["target_kind"].to_list()
    assert kinds.count("trained") == 1 and kinds.count("fine_tuned") == 6
    whole = rows.filter((rows["method_kind"] == "grpo") & (rows["loss_kind"] == "kl_to_center"))
    assert whole["step"].to_list() == [0, 30, 60]
    before, _, after = whole["train_reward"].to_list()
    assert 0.4 < before < 0.7 and after > before + 0.15
    assert (whole["loss_at_center"].abs() < 1e-9).all() and (whole["llc"] > 0).all()
    assert whole["num_sampled_params"][0] == whole["num_params"][0]
    for name in ("update_sparsity_exact", "update_sparsity_bfloat16"):
        unchanged = whole[name].to_list()
        assert unchanged[0] == 1 > unchanged[2]
    nll = rows.filter(rows["loss_kind"] == "nll")
    assert set(nll["num_data"]) == {60} and set(nll["is_likelihood"]) == {True}
    # Right answers are not what the policy before fine-tuning gives: its weights are no minimum of their loss.
    assert any("w* is no minimum" in text for text in nll.filter(nll["step"] == 0)["warnings"][0])


def test_a_stored_fine_tuning_is_read_and_not_done_again(tmp_path: Path) -> None:
    """Catches weights of another checkpoint, and a loss that is not the one that was stored."""
    dataset = ls.Dataset.create_or_open(str(tmp_path / "results"))
    spec = SMALL
    prepare_checkpoints([spec.at_step(2)], dataset)
    before = ls.scan_targets(dataset.root).collect().height
    first, second = (load_or_build(spec.at_step(step), dataset) for step in (0, 2))
    assert ls.scan_targets(dataset.root).collect().height == before == 4
    assert second.target_id != first.target_id and second.facts.test_reward is not None
    assert abs(second.facts.loss_at_center or 0) < 1e-9
    kernels: Any = [target.params["block_0"]["mlp"]["into"]["kernel"] for target in (first, second)]
    base: Any = second.base
    assert (base["block_0"]["mlp"]["into"]["kernel"] == kernels[0]).all() and (kernels[0] != kernels[1]).any()


def test_a_fine_tuning_whose_first_weights_are_gone_is_done_again(tmp_path: Path) -> None:
    """`llcray gc` removes what no run names, and step 0 need not be sampled."""
    dataset = ls.Dataset.create_or_open(str(tmp_path / "results"))
    last = load_or_build(SMALL.at_step(2), dataset)
    first_id = content_id(SMALL.at_step(0))
    (first,) = (tmp_path / "results").rglob(f"{first_id}*.safetensors")
    first.unlink()
    again = load_or_build(SMALL.at_step(2), dataset)
    assert dataset.read_target(first_id) is not None
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), again.params, last.params))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("readout: all", "readout: last", "set readout: all"),
        ("batch_size: 80", "batch_size: 800", "more than the 160 training examples"),
        ("checkpoints: {steps: linear, num: 2}", "checkpoints: {steps: [70]}", "raise method.num_steps"),
        ("losses: [own, {kind: nll, num_data: 60}]", "losses: [{kind: ppo}]", "kl_to_center"),
        ("losses: [own, {kind: nll, num_data: 60}]", "loss_on: [{kind: test}]", "not for fine_tuned targets"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_is_written(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A surrogate of PPO has no minimum at w*: it is no loss to name."""
    (tmp_path / "tuned.yaml").write_text(FILE.replace(old, new))
    with pytest.raises(SpecError, match=said):
        load_sweep(tmp_path / "tuned.yaml")


def test_losses_of_policies_are_for_policies(tmp_path: Path) -> None:
    """Catches a loss that would be ignored."""
    start, end = FILE.index("  - kind"), FILE.index("losses")
    (tmp_path / "tuned.yaml").write_text(FILE[:start] + "  - {kind: quadratic, num_params: 3}\n" + FILE[end:])
    with pytest.raises(SpecError, match="losses: nll is a loss of fine_tuned targets"):
        load_sweep(tmp_path / "tuned.yaml")
