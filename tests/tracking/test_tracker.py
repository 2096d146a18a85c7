"""A tracker in a training loop: rows, evolution, sparsity; its aliases; truth from a linear regression."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import llcray_storage as ls
import numpy as np
import pytest
from flax import nnx

from llcray import LLCTracker, SamplingSpec
from llcray.sampling.spec import Budget
from llcray.tracking.toolkit import LLCConfig, LLCEstimator, RefinedLLCEstimator, RLLLCTracker, SGLDSampler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 4)).astype(np.float32)
W = np.array([1.0, -1.0, 0.5, 2.0], np.float32)
DATA = {"x": X, "y": X @ W}
PARAMS = {"mlp": {"kernel": W}, "output": {"bias": np.zeros((), np.float32)}}
SHORT = SamplingSpec(num_chains=2, budget=Budget(num_gradients=600, num_draws=128))


def loss_fn(params: Any, batch: Any) -> Any:
    return 0.5 * (batch["x"] @ params["mlp"]["kernel"] + params["output"]["bias"] - batch["y"]) ** 2


def _batches() -> list[Any]:
    return [{name: leaf[start : start + 100] for name, leaf in DATA.items()} for start in range(0, 400, 100)]


def _tracker(tmp_path: Path, **settings: Any) -> LLCTracker:
    own: dict[str, Any] = {
        "storage": str(tmp_path / "results"),
        "name": "run",
        "components": ["all", "mlp"],
        "sampling": SHORT,
    }
    own["sampler"] = {"kind": "sgld", "step_size": 1e-3}
    own.update(settings)
    return LLCTracker(loss_fn, **own)


def test_a_tracked_training_is_in_the_dataset_while_it_runs(tmp_path: Path) -> None:
    """The LLC of a regular model is half its dimension, of the component half of the component's."""
    tracker = _tracker(tmp_path, every=10, learning_rate=0.1)
    assert tracker.track(5, PARAMS, DATA) is None
    tracked = tracker.track(10, PARAMS, DATA)
    assert tracked is not None and set(tracked.llc) == {"all", "mlp"}
    for component, dimension in (("all", 5), ("mlp", 4)):
        row = tracked.rows[component]
        assert abs(row["llc"] - dimension / 2) < 4 * row["llc_mcse"] + 0.05
    stored = ls.scan_runs(tmp_path / "results", sweep="run").collect()
    assert sorted(stored["component"]) == ["all", "mlp"] and set(stored["step"]) == {10}
    assert set(stored["loss_kind"]) == {"nll"}
    moved = {"mlp": {"kernel": W}, "output": {"bias": np.asarray(0.25, np.float32)}}
    tracker.track(20, moved, _batches)
    evolution = tracker.evolution()
    assert evolution["step"].to_list() == [10, 10, 20, 20] and (evolution["num_data"] == 400).all()
    changed = {row["component"]: row for row in tracker.subnetwork().iter_rows(named=True)}
    assert changed["all"]["sparsity_exact"] == 4 / 5 and changed["mlp"]["sparsity_exact"] == 1
    assert changed["all"]["learning_rate"] == 0.1 and changed["all"]["steps"] == 10
    assert changed["all"]["storage_dtype"] == "float32" and 0 <= changed["all"]["llc_change_q"] <= 1


def test_the_same_weights_give_the_same_estimate_at_every_step(tmp_path: Path) -> None:
    """Common random numbers: what differs between steps is the model."""
    tracker = _tracker(tmp_path, components=["all"])
    first, second = (tracker.track(step, PARAMS, DATA) for step in (1, 2))
    assert first is not None and second is not None and first.llc == second.llc
    assert first.rows["all"]["run_id"] != second.rows["all"]["run_id"]


def test_chains_of_auto_go_on_from_the_step_before(tmp_path: Path) -> None:
    """The first step starts at w*; later ones take less work, and their ids name the step before."""
    sampling = {"until": {"relative_mcse": 0.2, "rhat": 1.05}, "budget": {"num_gradients": 4000}}
    tracker = _tracker(tmp_path, components=["all"], sampler="auto", sampling=sampling)
    weights = [np.asarray(W + shift, np.float32) for shift in (0.0, 0.1, 0.2)]
    first, second, third = (
        tracker.track(step, PARAMS | {"mlp": {"kernel": w}}, DATA | {"y": X @ w}) for step, w in enumerate(weights)
    )
    assert first is not None and second is not None and third is not None
    rows = [tracked.rows["all"] for tracked in (first, second, third)]
    assert all(row["verdict"] == "ok" and abs(row["llc"] - 2.5) < 4 * row["llc_mcse"] + 0.1 for row in rows)
    assert rows[1]["num_gradients"] + rows[2]["num_gradients"] < 1.5 * rows[0]["num_gradients"]
    assert [json.loads(row["spec"]).get("follows") for row in rows] == [None, rows[0]["run_id"], rows[1]["run_id"]]
    cold = _tracker(tmp_path, components=["all"], sampler="auto", sampling=sampling, warm_start=False)
    again = cold.track(0, PARAMS, DATA)
    assert again is not None and again.rows["all"]["run_id"] == rows[0]["run_id"] and again.llc == first.llc


def test_stages_of_components_come_in_the_order_in_which_they_move(tmp_path: Path) -> None:
    """Written rows stand in for a long training: b turns at step 30, a at step 300."""
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    steps = np.unique(np.round(np.logspace(0, 3, 40)).astype(int))
    for component, boundary in (("a", 300), ("b", 30)):
        for step in steps:
            value = 10.0 + 20.0 * np.exp(-(np.log(step / boundary) ** 2)) + RNG.normal() * 0.2
            names = {"run_id": f"{component}{step:015d}", "sweep": "run", "component": component, "step": int(step)}
            numbers = {"llc": value, "llc_mcse": 0.2, "num_chains": 4, "llc_between_chain_sd": 0.2}
            dataset.write_run(names | numbers | {"status": "done", "verdict": "ok", "target_kind": "tracked"})
    stages = _tracker(tmp_path).detect_transitions()
    assert stages["component"].unique(maintain_order=True).to_list() == ["b", "a"]
    ends = {row["component"]: row["end_step"] for row in stages.iter_rows(named=True) if row["stage"] == 0}
    assert 15 < ends["b"] < 60 and 150 < ends["a"] < 600


def test_a_surrogate_is_tracked_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="kl_to_center"):
        _tracker(tmp_path, loss_name="ppo")


def test_modules_are_taken_apart(tmp_path: Path) -> None:
    """A flax module with the loss its users write: `loss_fn(module, batch)`."""

    class Line(nnx.Module):
        def __init__(self) -> None:
            self.output = nnx.Linear(4, 1, rngs=nnx.Rngs(0))

        def __call__(self, x: Any) -> Any:
            return self.output(x)[:, 0]

    module = Line()
    module.output.kernel[...] = jnp.asarray(W)[:, None]
    tracker = LLCTracker(
        lambda model, batch: 0.5 * (model(batch["x"]) - batch["y"]) ** 2,
        storage=str(tmp_path / "results"),
        components=["unembed"],
        sampler={"kind": "sgld", "step_size": 1e-3},
        sampling=SHORT,
    )
    tracked = tracker.track(0, module, DATA)
    assert tracked is not None
    assert abs(tracked.llc["unembed"] - 2.5) < 4 * tracked.rows["unembed"]["llc_mcse"] + 0.05


CONFIG = LLCConfig(sgld_steps=2000, sgld_lr=1e-3, burn_in_ratio=0.2, batch_size=64, localization=1.0)


def test_the_aliases_have_the_factor_n() -> None:
    """d/2, not d/(2n): the formula in circulation lacks n."""
    found = LLCEstimator(PARAMS, CONFIG).estimate_llc([(X, DATA["y"])], _pair_loss)
    assert abs(found["llc_mean"] - 2.5) < 4 * found["llc_sampling_se"] + 0.05
    assert found["n_beta"] == pytest.approx(400 / np.log(400)) and found["temperature"] == pytest.approx(1.0)
    assert found["llc_std"] > 0 and found["loss_trace"].shape[0] == 4 and found["num_warmup_draws"] > 0
    refined = RefinedLLCEstimator(PARAMS, CONFIG).estimate_refined_llc([(X, DATA["y"])], _pair_loss)
    assert set(refined) == {"mlp", "output"}
    assert abs(refined["mlp"]["llc_mean"] - 2) < 4 * refined["mlp"]["llc_sampling_se"] + 0.05


def _pair_loss(params: Any, batch: Any) -> Any:
    return loss_fn(params, {"x": batch[0], "y": batch[1]})


def test_a_higher_temperature_is_hotter() -> None:
    """n beta = n / (T log n): the contradictory direction of the design is settled."""
    assert LLCConfig(temperature=2.0).n_beta(400) == pytest.approx(200 / np.log(400))
    assert LLCConfig(nbeta=7.0).n_beta(400) == 7.0
    with pytest.raises(ValueError, match="both set n beta"):
        LLCConfig(temperature=1.0, nbeta=7.0)


def test_exactly_the_steps_asked_for_are_taken() -> None:
    """Whatever the criteria say; burn-in is the share asked for."""
    from llcray import Target

    config = LLCConfig(sgld_steps=300, sgld_lr=1e-4, burn_in_ratio=0.5, batch_size=40, n_chains=2)
    run = SGLDSampler(config).sample(Target(PARAMS, loss_fn, DATA))
    assert run.sampled.draws.num_draws * config.steps_per_draw == 300
    assert run.estimate.num_warmup_draws == 75


def test_episodes_are_tracked_under_the_old_names(tmp_path: Path) -> None:
    tracker = RLLLCTracker(PARAMS, CONFIG, storage=str(tmp_path / "results"), name="rl", loss_name="kl_to_center")
    found = tracker.track_episode(episode=3, dataloader=DATA, loss_fn=loss_fn, track_components={"ff": ["mlp/kernel"]})
    assert set(found) == {"overall_llc", "refined_llc"} and set(found["refined_llc"]) == {"ff"}
    assert abs(found["overall_llc"]["llc"] - 2.5) < 4 * found["overall_llc"]["llc_mcse"] + 0.1
    assert tracker.get_llc_evolution()["loss_kind"].unique().to_list() == ["kl_to_center"]


def test_an_episode_reads_a_generator_once(tmp_path: Path) -> None:
    """A generator that is read a second time has nothing left."""
    config = LLCConfig(sgld_steps=40, sgld_lr=1e-4, batch_size=40, n_chains=2)
    tracker = RLLLCTracker(PARAMS, config, storage=str(tmp_path / "results"))
    for episode in range(2):
        halves = ({"x": X[start : start + 200], "y": DATA["y"][start : start + 200]} for start in (0, 200))
        row = tracker.track_episode(episode=episode, dataloader=halves, loss_fn=loss_fn)["overall_llc"]
        assert row["num_data"] == 400


def test_the_temperature_of_an_episode_is_that_of_the_examples_kept(tmp_path: Path) -> None:
    """n beta = n / log n with the n of `num_data`, not of all that the source holds."""
    config = LLCConfig(sgld_steps=40, sgld_lr=1e-4, batch_size=40, n_chains=2)
    tracker = RLLLCTracker(PARAMS, config, storage=str(tmp_path / "results"), num_data=200)
    row = tracker.track_episode(episode=0, dataloader=DATA, loss_fn=loss_fn)["overall_llc"]
    assert row["num_data"] == 200 and row["n_beta"] == pytest.approx(200 / np.log(200))


@pytest.mark.parametrize("step", [np.int64(4), np.array(4), jnp.int32(4), 4.0, 4])
def test_a_step_is_a_whole_number_of_any_library(step: Any, tmp_path: Path) -> None:
    tracker = _tracker(tmp_path, components=["all"], every=np.int64(2), at=np.array([4, 8]), keep_params=False)
    tracked = tracker.track(step, PARAMS, DATA)
    assert tracked is not None and tracked.step == 4
    assert tracker.evolution()["step"].to_list() == [4]


@pytest.mark.parametrize("step", [4.5, "4", None, True])
def test_a_step_that_is_no_whole_number_is_refused_before_anything_is_paid_for(step: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"step is .*; give a whole number"):
        _tracker(tmp_path).track(step, PARAMS, DATA)
    assert not (tmp_path / "results").exists()


def test_of_a_step_that_a_resumed_training_tracks_again_the_newest_estimate_counts(tmp_path: Path) -> None:
    """The training goes on from the checkpoint of step 4, and comes to other weights at steps 6 to 12."""
    moved = PARAMS | {"mlp": {"kernel": W + np.float32(1e-3)}}
    for start, params in ((0, PARAMS), (6, moved)):
        tracker = _tracker(tmp_path, components=["all"], every=2)
        newest = {step: tracker.track(step, params, DATA) for step in range(start, 14, 2)}
    table = tracker.evolution()
    assert table["step"].to_list() == list(range(0, 14, 2))
    of_step = dict(zip(table["step"], table["llc"], strict=True))
    assert all(tracked is not None and of_step[step] == tracked.llc["all"] for step, tracked in newest.items())
    assert len(tracker.subnetwork()) == 1
    assert tracker.detect_transitions()["component"].unique().to_list() == ["all"]
