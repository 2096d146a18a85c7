"""Rules: each call of ATen that a graph may hold, as a JAX function. A file is a subject; no file needs torch.

A rule takes the call's arguments in ATen's order, and those that ATen takes by name by ATen's names: arrays of JAX,
types of NumPy, numbers. Devices, layouts and memory formats are left out when a loss is traced.
The result is cast to the type that torch gave it (`llcray.aten.loss`), so that a rule need not keep to torch's types.
"""

from collections.abc import Callable, Mapping
from typing import Any

from llcray.aten.rules import (
    arithmetic,
    complex_numbers,
    convolution,
    creation,
    grids,
    indexing,
    linear_algebra,
    normalization,
    pointwise,
    pooling,
    products,
    recurrent,
    reductions,
    resizing,
    shapes,
    sizes,
)

Rule = Callable[..., Any]

RULES: Mapping[str, Rule] = {
    **arithmetic.RULES,
    **complex_numbers.RULES,
    **convolution.RULES,
    **creation.RULES,
    **grids.RULES,
    **indexing.RULES,
    **linear_algebra.RULES,
    **normalization.RULES,
    **pointwise.RULES,
    **pooling.RULES,
    **products.RULES,
    **recurrent.RULES,
    **reductions.RULES,
    **resizing.RULES,
    **shapes.RULES,
    **sizes.RULES,
}
