"""A tracker on a Ray actor: the training loop hands weights over and goes on; rows are what a local tracker writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import pytest

from llcray import LLCTracker, SamplingSpec
from llcray.driver.cluster.connect import Cluster
from llcray.driver.remote_tracker import RemoteTracker
from llcray.sampling.spec import Budget

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3)).astype(np.float32)
DATA = {"x": X, "y": X @ np.array([1.0, -1.0, 0.5], np.float32)}
SETTINGS: dict[str, Any] = {
    "name": "remote",
    "every": 10,
    "sampler": {"kind": "sgld", "step_size": 1e-3},
    "sampling": SamplingSpec(num_chains=2, budget=Budget(num_gradients=300, num_draws=64)),
}


def squared_error() -> Callable[..., Any]:
    """Made inside a function, as users' losses in scripts are: it travels by value."""

    def loss_fn(params: Any, batch: Any) -> Any:
        return 0.5 * (batch["x"] @ params["kernel"] - batch["y"]) ** 2

    return loss_fn


def weights(shift: float) -> dict[str, np.ndarray]:
    return {"kernel": np.array([1.0, -1.0, 0.5 + shift], np.float32)}


def test_a_tracker_on_an_actor_writes_what_a_local_one_does(tmp_path: Path, cluster: Cluster) -> None:
    """Catches weights that the loop changes after it handed them over, and steps done out of turn or twice."""
    remote = RemoteTracker(squared_error(), storage=str(tmp_path / "remote"), **SETTINGS)
    local = LLCTracker(squared_error(), storage=str(tmp_path / "local"), **SETTINGS)
    assert remote.track(5, weights(0.0), DATA) is None
    for step, shift in ((10, 0.0), (20, 0.25)):
        params = weights(shift)
        assert remote.track(step, params, DATA) is not None
        local.track(step, params, DATA)
        params["kernel"] += 100
    remote.wait()
    found, expected = (tracker.evolution() for tracker in (remote, local))
    assert found["step"].to_list() == [10, 20]
    columns = ["step", "component", "llc", "llc_mcse", "rhat", "verdict", "target_id"]
    assert found.select(columns).equals(expected.select(columns))
    changed = remote.subnetwork()
    assert changed["sparsity_exact"].to_list() == [pytest.approx(2 / 3)]
    assert ls.scan_runs(tmp_path / "remote", sweep="remote").collect().height == 2


def test_what_goes_wrong_on_the_actor_is_raised_where_one_waits(tmp_path: Path, cluster: Cluster) -> None:
    """A loss that is not one number per example: the loop goes on, `wait` says it."""

    def scalar(params: Any, batch: Any) -> Any:
        return ((batch["x"] @ params["kernel"] - batch["y"]) ** 2).mean()

    tracker = RemoteTracker(scalar, storage=str(tmp_path / "remote"), **SETTINGS)
    tracker.track(10, weights(0.0), DATA)
    with pytest.raises(ValueError, match="one loss per example"):
        tracker.wait()
    tracker.track(20, weights(0.0), DATA)
    with pytest.raises(ValueError, match="one loss per example"):
        tracker.wait()


def test_a_module_of_torch_is_copied_to_the_actor(tmp_path: Path, cluster: Cluster) -> None:
    """Weights that move after the call are not those of the estimate, and training mode stays on."""
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 1, bias=False), torch.nn.Dropout(0.5))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[1.0, -1.0, 0.5]]))

    def loss_fn(module: Any, batch: Any) -> Any:
        return 0.5 * (module(batch["x"])[:, 0] - batch["y"]) ** 2

    remote = RemoteTracker(loss_fn, storage=str(tmp_path / "remote"), **SETTINGS)
    remote.track(0, module, DATA)
    with torch.no_grad():
        module[0].weight += 10
    remote.wait()
    [run] = ls.scan_runs(tmp_path / "remote", sweep="remote").collect().to_dicts()
    assert module.training and run["loss_at_center"] < 1e-6
    assert abs(run["llc"] - 3 / 2) < 4 * run["llc_mcse"] + 0.1
