"""Cases of determinants, factorizations and solutions of equations."""

import torch

from tests.aten.rules.cases.draw import Case, Draw, of


def positive(draw: Draw, *shape: int) -> torch.Tensor:
    """Positive definite matrices."""
    x = draw.normal(*shape)
    return x @ x.mT + torch.eye(shape[-1], dtype=draw.dtype)


def triangular(draw: Draw, *shape: int) -> torch.Tensor:
    return draw.normal(*shape).tril() + 3 * torch.eye(shape[-1], dtype=draw.dtype)


CASES: dict[str, list[Case]] = {
    "aten._linalg_det.default": [of((3, 3)), of((2, 3, 3))],
    "aten._linalg_eigh.default": [lambda draw: (positive(draw, 2, 3, 3),),
        lambda draw: (positive(draw, 3, 3), "U", False)],
    "aten._linalg_slogdet.default": [of((2, 3, 3))],
    "aten._linalg_solve_ex.default": [
        lambda draw: (draw.normal(3, 3), draw.normal(3)), lambda draw: (draw.normal(2, 3, 3), draw.normal(2, 3)),
        lambda draw: (draw.normal(2, 3, 3), draw.normal(3, 4)),
        lambda draw: (draw.normal(2, 3, 3), draw.normal(2, 4, 3), {"left": False}),
    ],
    "aten._linalg_svd.default": [of((3, 4), False, False)],
    **{f"aten.{name}.default": [lambda draw: (positive(draw, 2, 3, 3),), upper]
       for name, upper in (("cholesky", lambda draw: (positive(draw, 3, 3), True)),
                           ("linalg_cholesky_ex", lambda draw: (positive(draw, 3, 3), {"upper": True})))},
    "aten.cholesky_inverse.default": [lambda draw: (triangular(draw, 3, 3),),
        lambda draw: (triangular(draw, 3, 3).mT, True)],
    "aten.cholesky_solve.default": [
        lambda draw: (draw.normal(3, 2), triangular(draw, 3, 3)),
        lambda draw: (draw.normal(2, 3, 2), triangular(draw, 3, 3).mT, True),
    ],
    "aten.linalg_householder_product.default": [lambda draw: (draw.normal(2, 4, 3), draw.normal(2, 3)),
        lambda draw: (draw.normal(4, 4), draw.normal(2))],
    "aten.linalg_inv_ex.default": [of((3, 3)), of((2, 3, 3))],
    "aten.linalg_matrix_exp.default": [of((3, 3)), of((2, 3, 3))],
    "aten.linalg_pinv.atol_rtol_tensor": [of((4, 3)),
        lambda draw: (draw.normal(2, 3, 4), {"rtol": draw.uniform(0, 1e-3)})],
    "aten.linalg_qr.default": [of((2, 4, 3)), of((3, 3), "complete"), of((4, 3), "r")],
    "aten.linalg_solve_triangular.default": [
        lambda draw: (triangular(draw, 3, 3), draw.normal(2, 3, 4), {"upper": False}),
        lambda draw: (triangular(draw, 2, 3, 3).mT, draw.normal(2, 4, 3), {"upper": True, "left": False}),
        lambda draw: (triangular(draw, 3, 3), draw.normal(3, 4), {"upper": False, "unitriangular": True}),
    ],
    "aten.triangular_solve.default": [
        lambda draw: (draw.normal(3, 2), triangular(draw, 3, 3).mT),
        lambda draw: (draw.normal(3, 2), triangular(draw, 3, 3), False, True),
    ],
}  # fmt: skip
