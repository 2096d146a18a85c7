"""The localization of badly scaled regular models, whose LLC is d/2: it is named where it decides."""

import numpy as np
import pytest

from llcray.api import LLCEstimate, estimate_llc
from llcray.targets.target import Target

NUM_DATA = 1000


def loss(w: np.ndarray, batch: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    inputs, labels = batch
    return 0.5 * (inputs @ w - labels) ** 2


def regression(scale: float, offset: float = 0.0) -> Target:
    """Four features, one in other units and one off its center: the LLC is 2 (arXiv 2402.03698 on rescaling)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_DATA, 4)) * np.array([scale, 1.0, 1.0, 1.0]) + np.array([0.0, offset, 0.0, 0.0])
    y = x @ rng.normal(size=4) + rng.normal(size=NUM_DATA)
    return Target(params=np.linalg.lstsq(x, y)[0], loss_fn=loss, data=(x, y))


def quadratic_llc(target: Target, e: LLCEstimate, localization: float) -> float:
    inputs, _ = target.data
    mu = e.n_beta * np.linalg.eigvalsh(inputs.T @ inputs / NUM_DATA)
    return float(0.5 * np.sum(mu / (mu + localization)))


@pytest.mark.parametrize(
    ("scale", "offset", "verdict", "is_warned"),
    [
        (1.0, 0.0, "ok", False),
        (30.0, 0.0, "ok", True),
        (100.0, 0.0, "gamma_decides", True),
        (1000.0, 0.0, "gamma_decides", True),
        (1e4, 0.0, "gamma_decides", True),
        (1.0, 300.0, "gamma_decides", True),
    ],
)
def test_an_automatic_gamma_that_decides_is_named(scale: float, offset: float, verdict: str, is_warned: bool) -> None:
    """Without it, 1.67, .87 and .50 were called `ok` where 2 is right."""
    target = regression(scale, offset)
    e = estimate_llc(target, "auto")
    right = quadratic_llc(target, e, e.localization)
    assert e.llc_quadratic == pytest.approx(right, rel=1e-3)
    assert e.num_held_quadratic == pytest.approx(4 - 2 * right, abs=1e-2)
    assert e.verdict == verdict
    assert any("decides this number" in warning for warning in e.record["warnings"]) == is_warned
    assert abs(e.llc_unlocalized - 2.0) < 0.1 + 3 * e.llc_mcse
    assert abs(e.virial - 4.0) < 4 * e.virial_se + 0.1
    assert e.loss_degree == pytest.approx(2.0, abs=0.15)  # from gradients of minibatches


def test_a_gamma_set_by_hand_is_part_of_the_question() -> None:
    target = regression(100.0)
    e = estimate_llc(target, "hmc", posterior={"localization": 500.0}, sampling={"num_warmup": 500})
    assert e.verdict == "ok"
    assert any("decides this number" in warning for warning in e.record["warnings"])


def test_chains_that_have_not_spread_are_not_trusted() -> None:
    """R-hat and effective draws are good: all chains start at w*, and three of four directions hardly move."""
    e = estimate_llc(regression(1000.0), "mclmc", posterior={"localization": 1.0})
    assert e.rhat < 1.02 and e.ess_bulk > 1000
    assert e.virial < 2.0
    assert e.verdict == "not_converged" and "virial" in e.verdict_reason


def test_without_the_spectrum_there_is_no_quadratic_approximation() -> None:
    e = estimate_llc(regression(1.0), "auto", sampling={"spectrum": "off"})
    on = estimate_llc(regression(1.0), "auto")
    assert np.isnan(e.llc_quadratic) and e.record["spectrum_gradients"] is None
    assert on.record["spectrum_gradients"] == 8.0
    assert (e.llc, e.llc_mcse) == (on.llc, on.llc_mcse)


@pytest.mark.parametrize(
    ("scale", "sampler"),
    [
        (30.0, "auto"),
        pytest.param(100.0, "auto", marks=pytest.mark.slow),
        (1000.0, "auto"),
        pytest.param(1000.0, "hmc", marks=pytest.mark.slow),
    ],
)
def test_a_ladder_gives_half_the_number_of_parameters_at_any_scale(scale: float, sampler: str) -> None:
    target = regression(scale)
    sampling = {"num_warmup": 500, "budget": {"num_gradients": 20_000}}
    e = estimate_llc(target, sampler, posterior={"localization": "ladder"}, sampling=sampling)
    assert e.verdict == "ok"
    assert abs(e.llc - 2.0) < 3 * e.llc_se < 0.5
    assert abs(e.llc_plateau - 2.0) < 3 * e.llc_plateau_se + 0.05
    gammas, llcs = e.record["ladder_gamma"], e.record["ladder_llc"]
    assert gammas[0] / gammas[-1] == pytest.approx(1e5)
    for gamma, llc, se in zip(gammas, llcs, e.record["ladder_llc_se"], strict=True):
        assert abs(llc - quadratic_llc(target, e, gamma)) < 4 * se


def test_a_ladder_without_a_plateau_says_that_gamma_decides() -> None:
    """All curvatures are about 145: between gamma 2,000 and 200 the LLC rises from .14 to .84."""
    target = regression(1.0)
    e = estimate_llc(target, "hmc", posterior={"localization": {"ladder": [2000.0, 200.0]}})
    assert e.verdict == "gamma_decides" and e.verdict_reason.startswith("No plateau")
    assert np.isnan(e.llc_plateau) and len(e.record["ladder_llc"]) == 2


def test_a_loss_that_cannot_be_differentiated_forwards_is_sampled_without_the_spectrum() -> None:
    """A `custom_vjp` has no Hessian-vector products."""
    import jax

    @jax.custom_vjp
    def half_square(x: jax.Array) -> jax.Array:
        return 0.5 * x**2

    half_square.defvjp(lambda x: (half_square(x), x), lambda x, g: (g * x,))
    target = regression(1.0)
    opaque = Target(target.params, lambda w, batch: half_square(batch[0] @ w - batch[1]), data=target.data)
    sampler = {"kind": "sgld", "step_size": 1e-3}
    e = estimate_llc(opaque, sampler, posterior={"localization": 1.0}, sampling={"budget": {"num_gradients": 3000}})
    assert abs(e.llc - 2) < 3 * e.llc_mcse + 0.1
    assert np.isnan(e.llc_quadratic)
