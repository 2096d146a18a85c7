"""Random arguments that rules are compared with torch on, and the forms of arguments that many operators share."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

Case = Callable[["Draw"], Sequence[Any]]


class Draw:
    """Random tensors of one floating-point type, of whole numbers and of Booleans; equal for each case."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._generator = torch.Generator().manual_seed(0)

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=self._generator).to(self.dtype)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        numbers = torch.rand(shape, dtype=torch.float64, generator=self._generator)
        return (low + (high - low) * numbers).to(self.dtype)

    def whole(self, end: int, *shape: int) -> torch.Tensor:
        return torch.randint(0, end, shape, generator=self._generator)

    def chance(self, *shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=self._generator) < 0.5


def of(shape: Sequence[int], *rest: Any) -> Case:
    """Normal numbers, then other arguments."""
    return lambda draw: (draw.normal(*shape), *rest)


def between(low: float, high: float) -> Case:
    return lambda draw: (draw.uniform(low, high, 3, 4),)


def two(low: float = -2, high: float = 2) -> list[Case]:
    """Two arrays of one shape, and two that broadcast."""
    return [
        lambda draw: (draw.uniform(low, high, 3, 4), draw.uniform(low, high, 3, 4)),
        lambda draw: (draw.uniform(low, high, 3, 1), draw.uniform(low, high, 4)),
    ]


def bits(draw: Draw) -> Sequence[Any]:
    return draw.whole(16, 3, 4), draw.whole(16, 3, 4)


def masks(draw: Draw) -> Sequence[Any]:
    return draw.chance(3, 4), draw.chance(3, 4)


def equals(draw: Draw) -> Sequence[Any]:
    """Arrays of which some elements are equal."""
    return draw.whole(3, 3, 4).to(draw.dtype), draw.whole(3, 3, 4).to(draw.dtype)


def images(axes: int, size: int = 7) -> tuple[int, ...]:
    return (2, 2, *(size - axis for axis in range(axes)))
