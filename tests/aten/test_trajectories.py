"""Files of one training, named by a pattern: a target each, by step, and one program for all. Torch is not needed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import llcray
from llcray.aten.file import read_file, write_file
from llcray.sampling.program import compilations
from llcray.spec import load_sweep
from llcray.targets.torch.spec import TorchTarget

PROBE = Path(__file__).parent / "fixtures" / "probe.llcray"
SWEEP = """
question: Does the LLC grow along the training?
targets:
  - {{kind: torch, path: "{path}"}}
samplers: [{{kind: sgld, step_size: 1.0e-4, batch_size: 8}}]
sampling: {{num_chains: 2}}
"""


@pytest.fixture
def pattern(tmp_path: Path) -> Path:
    """The probe at two steps: other parameters, other running statistics, one graph."""
    traced = read_file(PROBE)
    for step in (20, 3):
        rng = np.random.default_rng(step)
        params = {k: (v + 0.1 * rng.normal(size=v.shape)).astype(v.dtype) for k, v in traced.params.items()}
        buffers = {k: (v * 1.1).astype(v.dtype) for k, v in traced.buffers.items()}
        write_file(replace(traced, params=params, buffers=buffers), tmp_path / f"probe-{step}.llcray")
    return tmp_path / "probe-*.llcray"


def test_files_of_a_training_are_its_checkpoints(pattern: Path):
    first, last = TorchTarget(path=pattern).checkpointed()
    assert (first.step, last.step) == (3, 20)
    assert first.trajectory_id == last.trajectory_id is not None
    assert first.signature() == last.signature()
    assert first.sha256 != last.sha256
    alone = TorchTarget(path=pattern.with_name("probe-3.llcray"))
    assert alone.trajectory_id is None and alone.sha256 == first.sha256


def test_a_sweep_of_a_pattern_has_a_run_for_each_step(pattern: Path, tmp_path: Path):
    (tmp_path / "along.yaml").write_text(SWEEP.format(path=pattern))
    runs = load_sweep(tmp_path / "along.yaml").runs
    assert [run.target.step for run in runs if isinstance(run.target, TorchTarget)] == [3, 20]
    assert len({run.trajectory_id for run in runs}) == 1


def test_files_of_a_training_share_compiled_programs(pattern: Path):
    """Running statistics are arguments of the loss: as constants they would make a program for each file."""
    targets = [spec.build() for spec in TorchTarget(path=pattern).checkpointed()]
    assert targets[0].loss_fn == targets[1].loss_fn
    sampling = {"spectrum": "off", "budget": {"num_gradients": 20, "num_draws": 10}}
    settings: dict[str, Any] = {"num_chains": 2, "component": "head", "sampling": sampling}
    sampler = {"kind": "sgld", "step_size": 1e-5, "batch_size": 8}
    one = llcray.estimate_llc(targets[0], sampler, **settings)
    before = compilations.count
    other = llcray.estimate_llc(targets[1], sampler, **settings)
    assert compilations.count == before
    assert one.draws.centered_loss[0, -1] != other.draws.centered_loss[0, -1]


@pytest.mark.parametrize(
    ("name", "message"),
    [("none-*.llcray", "there is no file .*none"), ("*.llcray", "names last.llcray, which ends in no step")],
)
def test_a_pattern_without_steps_is_refused(pattern: Path, name: str, message: str):
    pattern.with_name("last.llcray").write_bytes(PROBE.read_bytes())
    with pytest.raises(ValueError, match=message):
        TorchTarget(path=pattern.with_name(name))
