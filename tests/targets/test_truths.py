"""Known answers, against values printed in the literature and against each other."""

from itertools import pairwise

import numpy as np
import pytest

from llcray.targets.analytic.quadrature import even_power_excess, monomial_excess, product_at_zero_excess
from llcray.targets.deep_linear.truth import (
    deep_linear_coefficient,
    largest_tangent_dimension,
    reduced_rank_coefficient_at,
    tangent_dimension,
)


@pytest.mark.parametrize(
    ("widths", "rank", "value", "multiplicity"),
    [
        ((1, 1, 1), 0, 0.5, 2),
        ((2, 2, 2), 0, 1.5, 1),
        ((3, 3, 3), 1, 4, 1),
        ((5, 3, 5), 0, 6.5, 2),
        ((10, 10, 10), 5, 47, 2),
        ((10, 10, 10, 10), 5, 46, 3),
        ((20, 15, 10, 15, 20), 5, 109.5, 2),
        ((100,) * 5, 25, 3945.5, 4),
    ],
)
def test_deep_linear_coefficients_are_those_of_aoyagi_2024(widths, rank, value, multiplicity):
    assert deep_linear_coefficient(widths, rank) == (value, multiplicity)


def reduced_rank_by_cases(inputs: int, hidden: int, outputs: int, rank: int) -> float:
    """The four cases of Aoyagi and Watanabe 2005, theorem 1."""
    M, N, H, r = inputs, outputs, hidden, rank
    if N + r <= M + H and M + r <= N + H and H + r <= M + N:
        odd = (M + H + N + r) % 2
        return (-((H + r) ** 2) - M**2 - N**2 + 2 * (H + r) * M + 2 * (H + r) * N + 2 * M * N + odd) / 8
    if N + r > M + H:
        return (H * M - H * r + N * r) / 2
    if M + r > N + H:
        return (H * N - H * r + M * r) / 2
    return M * N / 2


def test_two_matrices_agree_with_the_theorem_on_reduced_rank_regression():
    rng = np.random.default_rng(0)
    for _ in range(300):
        widths = rng.integers(1, 12, size=3)
        rank = int(rng.integers(0, widths.min() + 1))
        inputs, hidden, outputs = (int(width) for width in widths)
        formula = reduced_rank_by_cases(inputs, hidden, outputs, rank)
        assert deep_linear_coefficient((inputs, hidden, outputs), rank).value == formula


@pytest.mark.parametrize(
    ("widths", "ranks", "rank", "value"),
    [
        ((3, 3, 3), (1, 1), 1, 4),
        ((3, 3, 3), (3, 1), 1, 4.5),
        ((100, 100, 100), (25, 25), 25, 4297),
        ((100, 100, 100), (100, 25), 25, 5000),
    ],
)
def test_the_coefficient_at_a_point_depends_on_the_ranks_of_its_factors(widths, ranks, rank, value):
    assert reduced_rank_coefficient_at(widths, ranks, rank).value == value


def test_the_coefficient_at_a_point_is_never_below_that_of_its_fibre():
    rng = np.random.default_rng(1)
    for _ in range(300):
        inputs, hidden, outputs = (int(width) for width in rng.integers(1, 9, size=3))
        first = int(rng.integers(0, min(inputs, hidden) + 1))
        second = int(rng.integers(0, min(hidden, outputs) + 1))
        rank = int(rng.integers(max(0, first + second - hidden), min(first, second) + 1))
        local = reduced_rank_coefficient_at((inputs, hidden, outputs), (first, second), rank).value
        assert local >= deep_linear_coefficient((inputs, hidden, outputs), rank).value


@pytest.mark.parametrize("widths", [(3, 4, 5), (4, 2, 6, 3), (5, 5, 5, 5, 5)])
def test_the_tangent_dimension_is_the_rank_of_the_jacobian(widths):
    """Rank-deficient factors included; the Jacobian by its definition, sum of Kronecker products."""
    rng = np.random.default_rng(0)
    for trial in range(5):
        matrices = [rng.standard_normal((after, before)) for before, after in pairwise(widths)]
        for matrix in matrices[:trial]:
            matrix[:, 0] = 0
        blocks, left_ranks, right_ranks = [], [], []
        for index in range(len(matrices)):
            left, right = np.eye(widths[-1]), np.eye(widths[0])
            for matrix in reversed(matrices[index + 1 :]):
                left = left @ matrix
            for matrix in matrices[:index]:
                right = matrix @ right
            blocks.append(np.kron(left, right.T))
            left_ranks.append(int(np.linalg.matrix_rank(left)))
            right_ranks.append(int(np.linalg.matrix_rank(right)))
        rank = int(np.linalg.matrix_rank(np.concatenate(blocks, axis=1)))
        assert tangent_dimension(left_ranks, right_ranks) == rank
        if trial == 0:
            assert rank == largest_tangent_dimension(widths)


TEMPERATURES = (144.8, 1085.7, 8685.9, 72382)


@pytest.mark.parametrize(
    ("powers", "localization", "values"),
    [
        ((0, 1), 1, (0.4983, 0.4998, 0.5000, 0.5000)),
        ((1, 1), 1, (0.3614, 0.3912, 0.4112, 0.4253)),
        ((0, 2), 1, (0.2431, 0.2475, 0.2491, 0.2497)),
        ((2, 2), 1, (0.1504, 0.1658, 0.1778, 0.1872)),
        ((1, 1), 100, (0.0130, 0.0644, 0.1737, 0.2779)),
    ],
)
def test_normal_crossings_at_finite_temperature_have_the_tabulated_values(powers, localization, values):
    """Values from an independent quadrature, tabulated to four digits."""
    computed = [monomial_excess(powers, n_beta, localization) for n_beta in TEMPERATURES]
    assert computed == pytest.approx(values, abs=6e-5)


def test_a_square_is_the_normal_posterior_and_without_localization_any_power_is_its_reciprocal():
    assert even_power_excess(2, 50.0, 3.0) == pytest.approx(0.5 * 100 / 103, rel=1e-9)
    for power in (2, 4, 8):
        assert even_power_excess(power, 200.0, 0.0) == pytest.approx(1 / power, rel=1e-9)


def test_what_has_no_finite_mass_or_no_formula_is_not_answered():
    assert monomial_excess((1, 1), 100.0, 0.0) is None
    assert monomial_excess((1, 1, 1), 100.0, 1.0) is None
    assert product_at_zero_excess((3, 3, 3), 100.0, 1.0, 1.0) is None


def test_a_product_of_two_numbers_is_a_normal_crossing():
    # curvature/2 (w2 w1)^2 with curvature 2.
    value = product_at_zero_excess((1, 1, 1), 144.8, 1.0, 2.0)
    assert value == pytest.approx(monomial_excess((1, 1), 144.8, 1.0), rel=1e-6)


@pytest.mark.parametrize("widths", [(2, 2, 2), (4, 1, 3), (3, 4, 2), (2, 5, 7)])
def test_products_at_the_origin_tend_to_the_asymptotic_coefficient_and_may_be_transposed(widths):
    limit = deep_linear_coefficient(widths, 0)
    cold = product_at_zero_excess(widths, 1e9, 1.0, 1.0)
    # Corrections are of order (m - 1)/log t.
    assert cold == pytest.approx(limit.value, abs=1e-3 if limit.multiplicity == 1 else 0.1)
    assert product_at_zero_excess(widths[::-1], 100.0, 2.0, 3.0) == pytest.approx(
        product_at_zero_excess(widths, 100.0, 2.0, 3.0), rel=1e-4
    )


@pytest.mark.parametrize("widths", [(2, 2, 2), (3, 4, 2), (4, 1, 3)])
def test_products_at_the_origin_agree_with_importance_sampling(widths):
    inputs, hidden, outputs = widths
    W = np.random.default_rng(0).standard_normal((200_000, hidden, inputs))
    gain = 20.0 * np.clip(np.linalg.eigvalsh(W @ W.transpose(0, 2, 1)), 0, None)
    weight = np.prod(1 + gain, axis=1) ** (-outputs / 2)
    energy = (outputs / 2 * gain / (1 + gain)).sum(1)
    mean = np.average(energy, weights=weight)
    error = np.sqrt(np.sum((weight * (energy - mean)) ** 2)) / weight.sum()
    assert abs(product_at_zero_excess(widths, 20.0, 1.0, 1.0) - mean) < 4 * error
