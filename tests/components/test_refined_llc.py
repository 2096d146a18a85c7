"""Refined LLCs: exact identities, and what the frozen parameters cost."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llcray import SamplingSpec, Target, estimate_llc
from llcray.llc.estimate import Estimate
from llcray.posterior.density import make_posterior
from llcray.samplers import SGLD
from llcray.samplers.kernel import build_kernel
from llcray.sampling import block
from llcray.sampling.spec import Budget
from llcray.targets import EvenPowersTarget, QuadraticTarget
from llcray.targets.build import build_target

SHORT = SamplingSpec(budget=Budget(num_gradients=400, num_draws=64), num_warmup=20, spectrum="off")
SGLD_FULL = {"kind": "sgld", "step_size": 1e-3, "batch_size": 64}


def _llc(target: Target, sampler: Any, component: Any = None) -> tuple[Estimate, np.ndarray]:
    found = estimate_llc(target, sampler, num_chains=2, component=component, sampling=SHORT)
    return found.estimate, found.draws.centered_loss


@pytest.mark.parametrize("sampler", ["hmc", SGLD_FULL])
def test_the_component_of_everything_has_the_llc_of_the_whole(sampler: Any) -> None:
    """Not nearly: the same draws. Catches another key, another layout, another localization."""
    target = build_target(QuadraticTarget(num_params=5, num_data=200))
    whole, draws = _llc(target, sampler)
    for component in ("*", "w", {"w": np.ones(5, bool)}):
        refined, refined_draws = _llc(target, sampler, component)
        assert np.array_equal(refined_draws, draws)
        assert refined.llc == whole.llc and refined.llc_mcse == whole.llc_mcse


@pytest.mark.parametrize("sampler", ["hmc", SGLD_FULL])
def test_a_masked_polynomial_is_its_lower_dimensional_self(sampler: Any) -> None:
    """sum w_i^p_i over (2, 4, 6) with w_2 held at 0 is the sum over (2, 6)."""
    masked, masked_draws = _llc(
        build_target(EvenPowersTarget(powers=(2, 4, 6), num_data=200)), sampler, {"w": np.array([True, False, True])}
    )
    lower, lower_draws = _llc(build_target(EvenPowersTarget(powers=(2, 6), num_data=200)), sampler)
    np.testing.assert_allclose(masked_draws, lower_draws, rtol=1e-6, atol=1e-12)
    assert masked.llc == pytest.approx(lower.llc, rel=1e-6)


def _loss(params: Any, batch: Any) -> Any:
    return jnp.tanh(batch["x"] @ params["frozen"])[:, 0] * params["free"].sum()


def test_frozen_parameters_cost_no_memory_per_chain() -> None:
    """Chains differ in 3 numbers; 250,000 parameters stand still and are kept once, not once a chain."""
    frozen = np.ones((500, 500), np.float32)
    params = {"free": np.ones(3, np.float32), "frozen": frozen}
    target = Target(params=params, loss_fn=_loss, data={"x": np.ones((64, 500), np.float32)})
    with jax.enable_x64(True):
        used = [_bytes(target, {"free": True, "frozen": False}, num_chains) for num_chains in (1, 9)]
    # 8 more chains may cost activations (64 x 500 float32 each, a few times), not 8 copies of the parameters (8 MB).
    assert used[1] - used[0] < 8 * 64 * 500 * 4 * 4


def _bytes(target: Target, mask: Any, num_chains: int) -> int:
    """Arguments, outputs and temporaries of the compiled sampling loop."""
    posterior = make_posterior(target, 1.0, mask, jnp.float32)
    kernel = build_kernel(SGLD(batch_size=64))
    one = partial(jax.tree.map, lambda leaf: np.asarray(leaf)[None])
    hyper = {name: np.full(num_chains, 1e-5, np.float32) for name in SGLD.traced}
    args = (jax.random.split(jax.random.key(0), (1, num_chains)), one(posterior), one(hyper))
    state = block.start((kernel,), *args)
    lowered = block.advance.lower((kernel, 4, 0), args[0], state, args[1], args[2], np.zeros(1, np.int32), np.int32(2))
    memory = lowered.compile().memory_analysis()
    assert memory is not None
    return memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
