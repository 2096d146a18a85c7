"""Learning coefficients of deep linear networks and reduced-rank regression.

References:
    Aoyagi 2024, Neural Networks 172, 106132 (deep linear networks); Aoyagi and Watanabe 2005, Neural Networks 18, 924
    (reduced-rank regression).
"""

import math
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import NamedTuple


class Coefficient(NamedTuple):
    """A learning coefficient and its multiplicity."""

    value: float
    multiplicity: int


def deep_linear_coefficient(widths: Sequence[int], rank: int) -> Coefficient:
    """The smallest learning coefficient over all weights whose product is a given matrix (Aoyagi 2024, main theorem).

    lambda = [-r^2 + r (H_0 + H_L)]/2 + a (l - a)/(4 l) - (l - 1) Sigma^2/(4 l) + 1/2 sum_{i<j in S} M_i M_j,
    m = a (l - a) + 1, where M_s = H_s - r ascending, S its longest prefix with sum >= (|S| - 1) max, l = |S| - 1,
    Sigma = sum of S, a = Sigma - (ceil(Sigma/l) - 1) l.

    Args:
        widths: H_0, ..., H_L.
        rank: r, of the product.
    """
    excess = sorted(width - rank for width in widths)
    size = max(k for k in range(2, len(excess) + 1) if sum(excess[:k]) >= (k - 1) * excess[k - 1])
    chosen = excess[:size]
    steps, total = size - 1, sum(chosen)
    a = total - (math.ceil(total / steps) - 1) * steps
    pairs = sum(first * second for first, second in combinations(chosen, 2))
    regular = (-(rank**2) + rank * (widths[0] + widths[-1])) / 2
    value = regular + (a * (steps - a) - (steps - 1) * total**2) / (4 * steps) + pairs / 2
    return Coefficient(value, a * (steps - a) + 1)


def reduced_rank_coefficient_at(widths: tuple[int, int, int], ranks: tuple[int, int], rank: int) -> Coefficient:
    """The learning coefficient *at* W2 W1 of given ranks, rather than the smallest of their fibre.

    [r1 N + r2 (M - r1)]/2 + lambda(M - r1, H - r1 - r2 + r, N - r2; rank 0): the blocks in which W1 or W2 has full rank
    are regular, the rest is a product of two matrices at the origin.

    Args:
        widths: M inputs, H hidden, N outputs.
        ranks: r1 of W1 (H, M), r2 of W2 (N, H).
        rank: r of W2 W1.
    """
    num_inputs, hidden, num_outputs = widths
    first, second = ranks
    singular = (num_inputs - first, hidden - first - second + rank, num_outputs - second)
    regular = (first * num_outputs + second * (num_inputs - first)) / 2
    if min(singular) == 0:
        return Coefficient(regular, 1)
    rest = deep_linear_coefficient(singular, 0)
    return Coefficient(regular + rest.value, rest.multiplicity)


def tangent_dimension(left_ranks: Sequence[int], right_ranks: Sequence[int]) -> int:
    """Rank of the derivative of the product W_L ... W_1 in its factors.

    Its image is sum_s col(A_s) x row(B_s) with A_s = W_L ... W_{s+1}, B_s = W_{s-1} ... W_1; the column spaces grow
    with s and the row spaces shrink, so a basis fills a staircase of dimension sum_s (a_s - a_{s-1}) b_s.

    Args:
        left_ranks: a_s of A_s, s = 1..L; the last is H_L.
        right_ranks: b_s of B_s, s = 1..L; the first is H_0.
    """
    steps = [after - before for before, after in pairwise((0, *left_ranks))]
    return sum(step * right for step, right in zip(steps, right_ranks, strict=True))


def largest_tangent_dimension(widths: Sequence[int]) -> int:
    """Dimension of the matrices that a product of these widths reaches: those of rank up to the narrowest width."""
    narrowest = min(widths)
    return narrowest * (widths[0] + widths[-1] - narrowest)
