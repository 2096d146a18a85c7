"""Arguments that each rule is compared with torch on, by operator; several where an operator has several meanings.

A case is a function of a `Draw`, which gives tensors of the type that is tested, and returns the operator's arguments;
a dict that ends them holds arguments by name. Torch itself says what the result is.
"""

from tests.aten.rules.cases import (
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
)
from tests.aten.rules.cases.draw import Case as Case
from tests.aten.rules.cases.draw import Draw as Draw

CASES: dict[str, list[Case]] = {
    **arithmetic.CASES,
    **complex_numbers.CASES,
    **convolution.CASES,
    **creation.CASES,
    **grids.CASES,
    **indexing.CASES,
    **linear_algebra.CASES,
    **normalization.CASES,
    **pointwise.CASES,
    **pooling.CASES,
    **products.CASES,
    **recurrent.CASES,
    **reductions.CASES,
    **resizing.CASES,
    **shapes.CASES,
}
