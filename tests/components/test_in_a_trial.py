"""Components and other examples through a trial, into the dataset."""

from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest

from llcray.architectures import MLP
from llcray.data import Gaussian
from llcray.estimation.other_examples import on_other_examples
from llcray.estimation.trial import run_trial
from llcray.noise import GaussianNoise
from llcray.spec import TrialPlan, load_sweep
from llcray.targets import PythonTarget, TrainedTarget
from llcray.targets.loss_on import HeldOut, OtherData, PythonExamples
from llcray.targets.target import Target
from llcray.targets.trained.examples import batch_of, labelled_examples
from llcray.training import Adam

SWEEP = """
name: sweep
question: Which part is complex, and on which data?
targets:
  - data: {kind: digits, classes: [0, 1]}
    architecture: {kind: mlp, widths: [3]}
    training: {kind: adam, num_steps: 60, polish_steps: 0}
posterior: {localization: 1.0}
samplers: [{kind: sgld, step_size: 1e-6, batch_size: 16}]
sampling: {num_chains: 2, spectrum: "off", budget: {num_gradients: 40, num_draws: 16}}
components: [all, unembed]
loss_on: [own, {kind: test}]
"""


def noise(num_examples: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=num_examples)


def test_refined_runs_say_what_moved_and_on_which_data(tmp_path: Path) -> None:
    """L(w*) on held-out data is the test loss that training measured: catches the wrong split."""
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP)
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    outcomes = list(run_trial(TrialPlan(load_sweep(path).runs), "sweep", dataset))
    rows = {(o.row["component"], o.row.get("loss_on")): o.row for o in outcomes}
    assert set(rows) == {("all", None), ("all", "test"), ("unembed", None), ("unembed", "test")}
    assert {rows["unembed", None]["num_sampled_params"], rows["unembed", "test"]["num_sampled_params"]} == {3 * 2 + 2}
    held_out = rows["unembed", "test"]
    assert held_out["loss_at_center"] == pytest.approx(held_out["test_loss"], rel=1e-9)
    assert held_out["num_data"] < rows["all", None]["num_data"]
    stored = ls.scan_runs(tmp_path / "results", sweep="sweep").collect()
    assert sorted(stored["component"].to_list()) == ["all", "all", "unembed", "unembed"]
    assert sorted(stored["loss_on"].drop_nulls().to_list()) == ["test", "test"]
    assert set(stored["architecture_depth"]) == {1}, "one hidden layer, as its widths say"


def test_other_examples_must_have_the_form_of_the_targets_own() -> None:
    target = Target(params={"w": np.zeros(2)}, loss_fn=lambda p, b: b, data=np.zeros(5))
    python = PythonExamples(factory=f"{__name__}:noise", arguments={"num_examples": 9}, seed=3, num_data=7)
    spec = PythonTarget(factory=f"{__name__}:noise")
    with pytest.raises(ValueError, match="for trained targets"):
        on_other_examples(target, spec, HeldOut())
    refined = on_other_examples(target, spec, python)
    assert np.array_equal(refined.data, noise(9, 3)[:7]) and refined.oracle is None
    with pytest.raises(ValueError, match="num_data 10 is more than the 9 examples"):
        on_other_examples(target, spec, python.model_copy(update={"num_data": 10}))
    with pytest.raises(ValueError, match="the form"):
        on_other_examples(Target(params={}, loss_fn=target.loss_fn, data=np.zeros((5, 2))), spec, python)


def test_the_first_held_out_examples_are_those_of_all() -> None:
    network = MLP(widths=(3,))
    spec = TrainedTarget(data=Gaussian(num_data=20), architecture=network, teacher=network)
    target = Target(params={}, loss_fn=lambda p, b: b, data=batch_of(spec, labelled_examples(spec).train))
    everything, first = (on_other_examples(target, spec, HeldOut(num_data=n)).data["y"] for n in (None, 2))
    assert len(everything) > 2 and np.array_equal(first, everything[:2])
    assert HeldOut().cell() == "test" and "2" in HeldOut(num_data=2).cell()


def test_a_teacher_labels_the_other_inputs_as_it_labelled_its_own() -> None:
    """Other data that are the target's own are the same examples. Catches a teacher or a likelihood drawn anew."""
    network, data, label_noise = MLP(widths=(3,)), Gaussian(num_data=20), GaussianNoise()
    spec = TrainedTarget(data=data, architecture=network, teacher=network, noise=label_noise, seed=4)
    own = batch_of(spec, labelled_examples(spec).train)
    target = Target(params={}, loss_fn=lambda p, b: b, data=own)
    for examples, same in ((data, True), (Gaussian(num_data=21), False)):
        other = on_other_examples(target, spec, OtherData(data=examples, noise=label_noise)).data
        assert np.array_equal(other["y"], own["y"]) == same
        assert np.array_equal(other["likelihood"][0], own["likelihood"][0])


def test_other_examples_may_be_fewer_than_a_minibatch_of_the_training() -> None:
    network = MLP(widths=(3,))
    training = Adam(batch_size=16)
    spec = TrainedTarget(data=Gaussian(num_data=20), architecture=network, teacher=network, training=training)
    assert spec.num_examples(OtherData(data=Gaussian(num_data=8))) == 8
    assert len(spec.examples(OtherData(data=Gaussian(num_data=8)))["y"]) == 8
