"""Samplers as specs: their versions, and which of them share a kernel. Nothing is sampled."""

from typing import get_args

import pytest
from pydantic import ValidationError

from llcray.samplers import HMC, SGLD, Sampler, SamplerVariant
from llcray.samplers.kernel import build_kernel

KINDS: tuple[type[SamplerVariant], ...] = get_args(get_args(Sampler)[0])


@pytest.mark.parametrize("sampler", KINDS)
def test_a_sampler_refuses_every_version_but_its_own(sampler: type[SamplerVariant]) -> None:
    """Catches a run whose fields had another meaning when it was written."""
    version = sampler().version
    assert sampler(version=version) == sampler()
    for other in (version - 1, version + 1, str(version), None):
        with pytest.raises(ValidationError, match=f"must be {version}"):
            sampler.model_validate({"version": other})


def test_samplers_that_differ_in_traced_numbers_share_a_kernel_and_others_do_not() -> None:
    assert build_kernel(SGLD(step_size=1e-3)) is build_kernel(SGLD(step_size=2e-3))
    assert build_kernel(SGLD(batch_size=32)) is not build_kernel(SGLD(batch_size=64))
    assert build_kernel(HMC(num_integration_steps=3)) is not build_kernel(HMC(num_integration_steps=4))


@pytest.mark.parametrize("sampler", KINDS)
def test_a_sampler_of_directions_refuses_a_single_parameter(sampler: type[SamplerVariant]) -> None:
    """On one parameter the turn of a direction of unit length divides by d - 1: chains would be NaN."""
    turns_directions = sampler().model_dump()["kind"] in ("mclmc", "adjusted_mclmc", "sg_mclmc")
    reason = sampler().unsuited(1.0, 1)
    assert (reason is not None) == turns_directions
    assert reason is None or "Use auto or hmc" in reason
    assert sampler().unsuited(1.0, 2) is None
