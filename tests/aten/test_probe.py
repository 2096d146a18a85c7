"""A committed file that torch made: it is read, computed and sampled where torch is not installed."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

import llcray
from llcray.aten.loss import GraphLoss

FIXTURES = Path(__file__).parent / "fixtures"
PROBE = FIXTURES / "probe.llcray"
WITHOUT_TORCH = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name=name)
sys.meta_path.insert(0, NoTorch())
import llcray
target = llcray.torch.load({path!r})
short = {{"spectrum": "off", "budget": {{"num_gradients": 20, "num_draws": 10}}}}
sampler = {{"kind": "sgld", "step_size": 1e-5, "batch_size": 8}}
e = llcray.estimate_llc(target, sampler, num_chains=2, component="head", sampling=short)
print(e.llc)
"""


@pytest.fixture(scope="module")
def probe() -> llcray.Target:
    return llcray.torch.load(PROBE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_file_computes_what_torch_computed(probe: llcray.Target, dtype: str):
    """Float64 agrees as well as float32 does: torch computed the expected numbers in float32."""
    expected = load_file(FIXTURES / "in_torch.safetensors")
    with jax.enable_x64(True):
        params = {name: array.astype(dtype) for name, array in probe.params.items()}
        losses = np.asarray(probe.loss_fn(params, probe.data, probe.buffers))
        gradient = jax.jit(jax.grad(lambda p: probe.loss_fn(p, probe.data, probe.buffers).mean()))(params)
    assert losses.dtype == dtype
    np.testing.assert_allclose(losses, expected["losses"], rtol=1e-5)
    for name, array in gradient.items():
        np.testing.assert_allclose(array, expected[f"gradient/{name}"], rtol=1e-3, atol=1e-6, err_msg=name)


def test_losses_of_one_graph_are_equal_whatever_their_buffers(probe: llcray.Target):
    """Checkpoints that differ in running statistics share a compiled program."""
    again = llcray.torch.load(PROBE)
    assert isinstance(probe.loss_fn, GraphLoss)
    assert probe.loss_fn == again.loss_fn and hash(probe.loss_fn) == hash(again.loss_fn)
    assert set(probe.buffers) == {"places.weight", "norm.running_mean", "norm.running_var"}
    moved = {name: array + 1 for name, array in probe.buffers.items()}
    one, other = (probe.loss_fn(probe.params, probe.data, buffers) for buffers in (probe.buffers, moved))
    assert np.abs(one - other).max() > 1e-3


def test_a_file_saved_again_has_the_same_bytes(probe: llcray.Target, tmp_path: Path):
    again = llcray.torch.save(probe, tmp_path / "again.llcray")
    assert again.read_bytes() == PROBE.read_bytes()


def test_a_file_is_sampled_where_torch_cannot_be_imported():
    script = WITHOUT_TORCH.format(path=str(PROBE))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert np.isfinite(float(done.stdout.split()[-1]))


def test_components_find_the_parameters_by_the_names_of_torch(probe: llcray.Target):
    from llcray.components.masks import mask_of

    mask = mask_of("head", probe.params)
    assert {name for name, part in mask.items() if np.any(part)} == {"head.weight", "head.bias"}
