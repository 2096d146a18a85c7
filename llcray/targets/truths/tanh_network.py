"""tanh networks with one input and one output that learn the zero function (Aoyagi and Watanabe)."""

import math


def tanh_zero_coefficient(hidden: int) -> float:
    """lambda of f(x) = sum_{k<=H} a_k tanh(b_k x) at f = 0: (H + i^2 + i)/(4 i + 2), i = floor(sqrt H)."""
    i = math.isqrt(hidden)
    return (hidden + i**2 + i) / (4 * i + 2)
