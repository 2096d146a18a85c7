"""Pairs of targets that only their LLC tells apart: `auto`, with one setting for all, tells them apart."""

from math import hypot

import pytest

from llcray.api import LLCEstimate, estimate_llc
from llcray.architectures import MLP
from llcray.architectures.network import Activation
from llcray.data import Gaussian
from llcray.posterior.spec import PosteriorSpec
from llcray.sampling.spec import SamplingSpec, StoppingCriteria
from llcray.targets import DeepLinearTarget, RealisableTarget
from llcray.targets.build import build_target
from llcray.validation.suite import WELL_CONDITIONED

PRECISE = SamplingSpec(until=StoppingCriteria(relative_mcse=0.01))
MORE_DATA = SamplingSpec(until=StoppingCriteria(relative_mcse=0.015))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def separation(larger: LLCEstimate, smaller: LLCEstimate) -> float:
    return (larger.llc - smaller.llc) / hypot(larger.llc_mcse, smaller.llc_mcse)


def network(activation: Activation) -> LLCEstimate:
    data = Gaussian(input_dimension=5, output_dimension=3)
    target = RealisableTarget(data=data, architecture=MLP(widths=(4,), activation=activation))
    return estimate_llc(build_target(target), sampling=PRECISE)


def test_relu_has_the_smaller_coefficient_than_tanh_of_the_same_shape() -> None:
    """(5, 4, 3), n = 1,000: 17.5 against 19.5, for the four scalings that leave a ReLU network as it is."""
    tanh, relu = network("tanh"), network("relu")
    assert {tanh.verdict, relu.verdict} == {"ok"}
    assert separation(tanh, relu) > 5
    # n and gamma are finite: what is missing to the limits is a few percent.
    assert relu.llc == pytest.approx(17.5, rel=0.05)
    assert tanh.llc == pytest.approx(19.5, rel=0.05)


def test_an_aligned_teacher_has_the_smaller_coefficient_than_a_generic_one_with_the_same_loss() -> None:
    """(3, 3, 3) of rank 1, n = 20,000: 4 against 4.5. Catches estimates that are of the fibre and not of w*."""

    def teacher(name) -> LLCEstimate:
        target = DeepLinearTarget(widths=(3, 3, 3), rank=1, teacher=name, num_data=20_000, seed=WELL_CONDITIONED)
        return estimate_llc(build_target(target), posterior=PosteriorSpec(localization=20.0), sampling=MORE_DATA)

    aligned, generic = teacher("aligned"), teacher("generic")
    assert {aligned.verdict, generic.verdict} == {"ok"}
    assert separation(generic, aligned) > 5
    # Long exact chains gave 3.91 +- 0.03 and 4.55 +- 0.04 at this gamma.
    assert aligned.llc == pytest.approx(4, rel=0.05)
    assert generic.llc == pytest.approx(4.5, rel=0.05)
