"""Checkpoints along a training: trained once, each a target of its own, found again in the dataset."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from llcray_storage import Dataset, scan_targets
from pydantic import TypeAdapter, ValidationError

from llcray.targets import TargetSpec, TrainedTarget
from llcray.targets.build import build_target
from llcray.targets.stored import load_or_build
from llcray.targets.trained.trajectory import build_checkpoints, grokking_facts
from llcray.training import SGD, Adam, AdamW, Training
from llcray.training.schedules import learning_rate_at
from llcray.training.trajectory import train
from llcray.variant import content_id

TARGETS: TypeAdapter[Any] = TypeAdapter(TargetSpec)
SMALL = {
    "data": {"kind": "modular", "modulus": 7, "train_fraction": 0.7},
    "architecture": {"kind": "embedding_mlp", "embedding_width": 4, "width": 8},
    "training": {"kind": "adam", "num_steps": 60, "batch_size": 8, "precision": "float32"},
}


def target(**fields: Any) -> TrainedTarget:
    return TARGETS.validate_python(SMALL | fields)


def quadratic(params, batch):
    return 0.5 * jnp.sum((params["w"] - batch) ** 2, axis=-1)


@pytest.mark.parametrize(
    ("spec", "optimizer"),
    [
        (
            Adam(learning_rate=0.1, num_steps=25, weight_decay=0.3),
            optax.chain(optax.add_decayed_weights(0.3), optax.adam(0.1)),
        ),
        (AdamW(learning_rate=0.1, num_steps=25, weight_decay=0.3), optax.adamw(0.1, weight_decay=0.3)),
        (SGD(learning_rate=0.1, num_steps=25, momentum=0.8), optax.sgd(0.1, momentum=0.8)),
    ],
)
def test_weights_kept_are_those_of_optax_after_so_many_steps(spec: Training, optimizer: Any):
    """Full data, so that nothing is random: initial weights, two on the way, the last."""
    data = np.array([[1.0, -2.0], [3.0, 0.5]])
    params: Any = {"w": jnp.zeros(2)}
    expected = {}
    state = optimizer.init(params)
    for step in range(spec.num_steps + 1):
        expected[step] = np.asarray(params["w"])
        gradient = jax.grad(lambda p: quadratic(p, data).mean())(params)
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    keep = [0, 3, 11, 25]
    found = train(spec, quadratic, {"w": np.zeros((1, 2))}, data[None], [0], keep, [])
    for slot, step in enumerate(keep):
        np.testing.assert_allclose(found.params["w"][0, slot], expected[step], rtol=1e-4, atol=1e-5)


def test_a_one_cycle_is_that_of_pytorch():
    """torch.optim.lr_scheduler.OneCycleLR(max_lr=1, pct_start=.5, anneal_strategy='linear') at its three corners."""
    found = [float(learning_rate_at("one_cycle", 1.0, step, 1000)) for step in (0, 250, 500, 1000)]
    np.testing.assert_allclose(found, [1 / 25, (1 + 1 / 25) / 2, 1.0, 1 / 25 / 1e4], rtol=1e-5)


def test_shuffled_batches_see_every_example_once_an_epoch():
    """One step moves w by the mean of its batch under plain SGD of a linear loss: an epoch sums all examples."""
    data = 2.0 ** np.arange(8)
    spec = SGD(learning_rate=1.0, num_steps=8, momentum=0.0, batch_size=2, batches="shuffled")
    found = train(spec, lambda params, batch: -params * batch, np.zeros(1), data[None], [3], [4, 8], [])
    np.testing.assert_allclose(found.params[0], [data.sum() / 2, data.sum()], rtol=1e-6)


def test_trainings_side_by_side_are_those_alone():
    specs = [target(seed=seed, step=60) for seed in (0, 1)]
    together = {checkpoint.seed: built for checkpoint, built in build_checkpoints(specs)}
    for spec in specs:
        alone = build_target(spec)
        for one, other in zip(jax.tree.leaves(together[spec.seed].params), jax.tree.leaves(alone.params), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_a_checkpoint_is_the_same_whatever_else_is_recorded():
    """Its id, and its weights: the list of steps is no part of either."""
    few, many = target(checkpoints={"steps": [20, 60]}), target(checkpoints={"steps": [1, 5, 20, 40, 60]})
    one, other = few.checkpointed()[0], many.checkpointed()[2]
    assert content_id(one) == content_id(other) == content_id(target(step=20))
    first, second = (
        next(built for checkpoint, built in build_checkpoints([spec]) if checkpoint.step == 20) for spec in (one, other)
    )
    for a, b in zip(jax.tree.leaves(first.params), jax.tree.leaves(second.params), strict=True):
        np.testing.assert_array_equal(a, b)


def test_targets_without_a_step_keep_their_ids():
    """Known ids of before checkpoints existed."""
    assert content_id(TARGETS.validate_python(SMALL | {"label": "x"})) == content_id(TARGETS.validate_python(SMALL))
    assert content_id(target()) != content_id(target(step=60))


def test_one_training_stores_every_checkpoint_and_the_next_only_reads(tmp_path: Path, monkeypatch):
    dataset = Dataset.create_or_open(str(tmp_path / "results"))
    specs = target(checkpoints={"steps": "log", "num": 4}).checkpointed()
    first = load_or_build(specs[1], dataset)
    rows = scan_targets(str(tmp_path / "results")).collect()
    assert sorted(rows["step"]) == [1, 4, 15, 60]
    assert rows["trajectory_id"].n_unique() == 1
    assert first.facts.gradient_norm_at_center is not None and first.facts.gradient_norm_at_center > 1e-3
    import llcray.training.trajectory

    monkeypatch.setattr(llcray.training.trajectory, "_run", None)
    again = load_or_build(specs[3], dataset)
    assert again.facts.train_accuracy is not None and again.facts.phase == 0


def test_phases_carry_weights_on_and_change_the_data():
    """At the step that ends the first phase its data are in force; the next ones follow."""
    phase = {"data": {"kind": "modular", "modulus": 7, "train_fraction": 0.7, "operand_range": 4}, "num_steps": 30}
    spec = target(pretraining=[phase], checkpoints={"steps": [30, 31, 90]})
    made = {checkpoint.step: built for checkpoint, built in build_checkpoints(list(spec.checkpointed()))}
    assert [made[step].facts.phase for step in (30, 31, 90)] == [0, 1, 1]
    assert max(made[30].data["x"].max(), 3) == 3 and made[31].data["x"].max() == 6
    # Adam moves each weight by at most about its learning rate in its first step.
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), made[30].params, made[31].params)
    assert 0 < max(jax.tree.leaves(moved)) <= 0.0101


def test_a_phase_without_checkpoints_of_its_own_is_trained_all_the_same():
    phase = {"data": {"kind": "modular", "modulus": 7, "train_fraction": 0.7, "operand_range": 4}, "num_steps": 30}

    def last(*steps: int) -> Any:
        spec = target(pretraining=[phase], checkpoints={"steps": list(steps)})
        made = build_checkpoints(list(spec.checkpointed()))
        return next(built for checkpoint, built in made if checkpoint.step == 90)

    for a, b in zip(jax.tree.leaves(last(90).params), jax.tree.leaves(last(30, 90).params), strict=True):
        np.testing.assert_array_equal(a, b)


def test_grokking_is_dated_and_censored():
    accuracies = np.array([[0.5, 0.0], [0.96, 0.1], [1.0, 0.2], [1.0, 0.97]])
    dated = grokking_facts([10, 20, 30, 40], accuracies)
    assert dated == {
        "memorization_step": 20, "grokking_step": 40, "grokking_lag": 20, "grokking_censored": False,
    }  # fmt: skip
    censored = grokking_facts([10, 20, 30], accuracies[:3])
    assert censored["grokking_step"] is None and censored["grokking_censored"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"step": 61}, "step 61 is more than the 60 steps"),
        ({"pretraining": [{"data": SMALL["data"], "num_steps": 5}]}, "give checkpoints, or a step"),
        (
            {"step": 5, "pretraining": [{"data": {"kind": "modular", "modulus": 5}, "num_steps": 5}]},
            "the same vocabulary",
        ),
    ],
)
def test_steps_and_phases_that_do_not_fit_are_refused(fields: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said):
        target(**fields)


def test_spacings_end_at_the_last_step_of_each_phase():
    phase = {"data": SMALL["data"], "num_steps": 1000}
    for steps in ("log", "linear", "log_and_linear"):
        found = target(pretraining=[phase], checkpoints={"steps": steps, "num": 8}).recorded_steps()
        assert {1000, 1060} <= set(found) and len(found) <= 16
