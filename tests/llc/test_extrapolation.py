"""The limit that estimates at several temperatures point to, on exact values whose limit is known.

Noise is drawn around quadrature values; an answer is right if it is within the errors it states, over many draws.
"""

import numpy as np
import pytest

from llcray.llc.extrapolation import extrapolate_step_size, extrapolate_temperature
from llcray.targets.analytic.quadrature import monomial_excess

TEMPERATURES = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
BASE = 1085.7
# A normal posterior with curvatures h and gamma = 1 gives sum_i t h_i/(t h_i + 1)/2, and half their number as t grows.
CURVATURES = np.geomspace(0.01, 1.0, 20)


def excess(case: str, t: float) -> float:
    if case == "quadratic":
        return float(np.sum(0.5 * t * CURVATURES / (t * CURVATURES + 1.0)))
    value = monomial_excess({"(1, 1)": (1, 1), "(0, 2)": (0, 2)}[case], t, 1.0)
    assert value is not None
    return value


@pytest.mark.parametrize(("case", "limit"), [("quadratic", 10.0), ("(1, 1)", 0.5), ("(0, 2)", 0.25)])
def test_intervals_cover_the_limit_and_are_nearer_to_it_than_any_estimate(case: str, limit: float) -> None:
    t = BASE / TEMPERATURES
    exact = np.array([excess(case, value) for value in t])
    rng, relative = np.random.default_rng(0), 0.005
    found = [
        extrapolate_temperature(t, exact * (1 + relative * rng.normal(size=5)), relative * exact) for _ in range(40)
    ]
    covered = np.mean([abs(e.llc - limit) < 1.96 * e.se for e in found])
    assert covered >= 0.85  # of 40 at 95%: fewer than 34 happens once in 1,000
    # Coverage by wide intervals proves little: they are as narrow as what extrapolation gained, or a tenth.
    missing = abs(limit - exact[TEMPERATURES == 1.0][0])
    assert np.median([e.se for e in found]) < max(missing, 0.1 * limit)


def test_a_double_pole_is_told_from_a_simple_one_where_the_noise_is_small() -> None:
    """m = 2 of (w1 w2)^2 against m = 1 of w2^4: the latter approaches its limit like 1/sqrt(t)."""
    t = 144.8 / np.array([0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0])

    def multiplicity(case: str) -> float:
        exact = np.array([excess(case, value) for value in t])
        return extrapolate_temperature(t, exact, 0.002 * exact).multiplicity

    assert multiplicity("(1, 1)") > 1.8
    assert multiplicity("(0, 2)") < multiplicity("(1, 1)") - 0.4


def test_estimates_that_do_not_change_with_temperature_are_their_own_limit() -> None:
    e = extrapolate_temperature([50.0, 100.0, 200.0, 400.0], [3.0, 3.0, 3.0, 3.0], [0.01] * 4)
    assert abs(e.llc - 3.0) < e.se
    assert max(e.fits, key=lambda fit: fit.weight).model == "lambda"


def test_one_temperature_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        extrapolate_temperature([100.0], [3.0], [0.1])


def test_a_failed_estimate_gives_nan() -> None:
    assert np.isnan(extrapolate_temperature([100.0, 200.0], [3.0, float("nan")], [0.1, 0.1]).llc)


def test_two_steps_cancel_a_bias_proportional_to_them() -> None:
    """3 + 2 x at x = 0.5 and 0.25; the error is that of 2 y2 - y1."""
    line = extrapolate_step_size((0.5, 0.25), (4.0, 3.5), (0.3, 0.2))
    assert line.llc == pytest.approx(3.0)
    assert line.se == pytest.approx(np.hypot(0.3, 0.4))
