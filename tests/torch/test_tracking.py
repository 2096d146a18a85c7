"""A tracker in training loops of PyTorch: by hand, in Hugging Face's Trainer and in Lightning."""

import warnings
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import pytest

import llcray
from llcray import LLCTracker, SamplingSpec
from llcray.sampling.spec import Budget

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 4)).astype(np.float32)
Y = (X @ [1.0, -1.0, 0.5, 2.0]).astype(np.float32)
DATA = {"x": X, "y": Y}
SETTINGS: dict[str, Any] = {
    "sampler": {"kind": "sgld", "step_size": 1e-3},
    "sampling": SamplingSpec(num_chains=2, budget=Budget(num_gradients=600, num_draws=128)),
    "name": "run",
}


def regression() -> Any:
    """A linear layer at the minimum, behind a dropout and a batch norm's running statistics."""
    module = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(4, affine=False), torch.nn.Linear(4, 1))
    with torch.no_grad():
        module[2].weight.copy_(torch.tensor([[1.0, -1.0, 0.5, 2.0]]))
        module[2].bias.zero_()
    return module


def squared(module: Any, batch: Any) -> Any:
    return 0.5 * (module(batch["x"])[:, 0] - batch["y"]) ** 2


def squared_of_pair(module: Any, batch: Any) -> Any:
    x, y = batch
    return 0.5 * (module(x)[:, 0] - y) ** 2


def test_a_module_in_training_is_tracked_and_stays_in_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The LLC of a linear regression is half its dimension; running statistics and weights are those of the step."""
    from llcray.torch import target as module_of_target

    traced: list[int] = []
    trace = module_of_target.__globals__["target_of"]
    monkeypatch.setitem(module_of_target.__globals__, "target_of", lambda *args: traced.append(1) or trace(*args))
    module = regression().train()
    tracker = LLCTracker(
        squared, storage=str(tmp_path / "results"), every=10, components=["all", "2.weight"], **SETTINGS
    )
    assert tracker.track(5, module, DATA) is None
    first = tracker.track(10, module, DATA)
    with torch.no_grad():
        module[1].running_mean += 0.5
        module[2].bias += 0.5 * module[2].weight.sum()
    second = tracker.track(20, module, DATA)
    assert module.training and len(traced) == 1
    for tracked in (first, second):
        assert tracked is not None
        for component, dimension in (("all", 5), ("2.weight", 4)):
            row = tracked.rows[component]
            assert abs(row["llc"] - dimension / 2) < 4 * row["llc_mcse"] + 0.05
            assert row["loss_at_center"] < 1e-6
    with torch.no_grad():
        module[2].weight.zero_()
    third = tracker.track(30, module, DATA)
    assert third is not None and third.rows["all"]["loss_at_center"] == pytest.approx(0.5 * (Y**2).mean(), rel=0.3)


def test_a_module_that_computes_something_else_by_now_is_traced_again(tmp_path: Path):
    """Catches a graph that outlives what it is a graph of, as where a network grows or a coefficient is annealed."""

    def scaled(module: Any, batch: Any) -> Any:
        return module.scale * squared(module, batch)

    module = regression()
    module.scale = 1.0
    with torch.no_grad():
        module[2].bias += 1
    tracker = LLCTracker(scaled, storage=str(tmp_path / "results"), **SETTINGS)
    losses = []
    for step, scale in enumerate((1.0, 3.0)):
        module.scale = scale
        tracked = tracker.track(step, module, DATA)
        assert tracked is not None
        losses.append(tracked.rows["all"]["loss_at_center"])
    assert losses == pytest.approx([0.5, 1.5], rel=1e-3)


def test_batches_of_a_loader_are_pairs(tmp_path: Path):
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=100
    )
    tracker = LLCTracker(squared_of_pair, storage=str(tmp_path / "results"), num_data=300, **SETTINGS)
    tracked = tracker.track(0, regression(), loader)
    assert tracked is not None and tracked.rows["all"]["num_data"] == 300
    assert tracked.rows["all"]["loss_at_center"] < 1e-6


def test_the_trainer_of_hugging_face_is_tracked(tmp_path: Path):
    """Before the first step and after each due one; training goes on from the same random numbers as without."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    config = transformers.GPT2Config(vocab_size=16, n_embd=8, n_layer=1, n_head=2, n_positions=16,
                                     bos_token_id=0, eos_token_id=0)  # fmt: skip
    tokens = torch.randint(0, 16, (64, 8), generator=torch.Generator().manual_seed(0))
    weights = []
    for tracks in (False, True):
        torch.manual_seed(0)
        model = transformers.GPT2LMHeadModel(config)
        tracker = LLCTracker(llcray.torch.next_token_loss(model), storage=str(tmp_path / "results"), every=2,
                             components=["all", "l0h1"], is_likelihood=False, **SETTINGS)  # fmt: skip
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path / "run"), max_steps=3, per_device_train_batch_size=4, report_to=[],
            save_strategy="no", disable_tqdm=True, use_cpu=True, logging_strategy="no",
        )  # fmt: skip
        with warnings.catch_warnings(action="ignore"):  # of the trainer's own
            transformers.Trainer(
                model, arguments, train_dataset=[{"input_ids": row, "labels": row} for row in tokens],
                callbacks=[llcray.torch.LLCTrainerCallback(tracker, {"tokens": tokens})] if tracks else [],
            ).train()  # fmt: skip
        weights.append(model.transformer.wte.weight.detach().numpy())
    runs = ls.scan_runs(tmp_path / "results", sweep="run").collect().sort("step")
    assert runs["step"].to_list() == [0, 0, 2, 2] and set(runs["component"]) == {"all", "l0h1"}
    np.testing.assert_array_equal(*weights)


def test_lightning_is_tracked_once_a_step(tmp_path: Path):
    """Two batches a step: the step that both share is tracked once."""
    pl = pytest.importorskip("lightning.pytorch")

    class Regression(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x: Any) -> Any:
            return self.layer(x)

        def training_step(self, batch: Any, index: int) -> Any:
            return squared_of_pair(self, batch).mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=100
    )
    tracker = LLCTracker(squared, storage=str(tmp_path / "results"), **SETTINGS)
    with warnings.catch_warnings(action="ignore"):  # of the trainer's own
        trainer = pl.Trainer(
            max_epochs=1, accumulate_grad_batches=2, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
            callbacks=[llcray.torch.LLCLightningCallback(tracker, DATA)],
        )  # fmt: skip
        trainer.fit(Regression(), loader)
    runs = ls.scan_runs(tmp_path / "results", sweep="run").collect().sort("step")
    assert runs["step"].to_list() == [0, 1, 2]
    assert runs["loss_at_center"].is_sorted(descending=True)
