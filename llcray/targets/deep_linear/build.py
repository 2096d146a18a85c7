"""Builds deep linear teachers: matrices, exact labels, and the answer that is known at w*."""

from functools import reduce
from itertools import pairwise

import numpy as np

from llcray.architectures import DeepLinear
from llcray.jax_settings import own_settings
from llcray.likelihoods import GaussianLikelihood
from llcray.targets.analytic.oracles import DeepLinearOracle
from llcray.targets.deep_linear.recipe import DeepLinearRecipe
from llcray.targets.deep_linear.truth import (
    deep_linear_coefficient,
    largest_tangent_dimension,
    reduced_rank_coefficient_at,
    tangent_dimension,
)
from llcray.targets.model_loss import ModelLoss
from llcray.targets.random_streams import generator
from llcray.targets.target import Target, TargetFacts, TrueLLC
from llcray.training.minimize import loss_and_gradient_norm

Matrices = list[np.ndarray]


def build_deep_linear(spec: DeepLinearRecipe) -> Target:
    """A deep linear teacher at its own weights."""
    matrices = teacher_matrices(spec)
    x = _inputs(spec)
    y = x @ reduce(lambda product, matrix: matrix @ product, matrices).T
    data = {"x": x, "y": y, "likelihood": GaussianLikelihood(scale=spec.noise_scale).coefficients(x)}
    widths = spec.widths
    loss = ModelLoss(DeepLinear(widths=widths[1:-1]), "gaussian", (widths[0],), widths[-1])
    names = [f"hidden_{layer}" for layer in range(len(matrices) - 1)] + ["output"]
    params = {name: {"kernel": np.ascontiguousarray(m.T)} for name, m in zip(names, matrices, strict=True)}
    with own_settings(float64=True):
        at_center, gradient_norm = loss_and_gradient_norm(loss, "float64", params, data)
    return Target(
        params=params,
        loss_fn=loss,
        data=data,
        oracle=oracle_of(spec, matrices),
        facts=TargetFacts(loss_at_center=float(at_center), gradient_norm_at_center=float(gradient_norm)),
    )


def oracle_of(spec: DeepLinearRecipe, matrices: Matrices) -> DeepLinearOracle:
    """The answer known at these matrices."""
    curvature = spec.noise_scale**-2 if spec.inputs == "whitened" else None
    at_origin = not any(matrix.any() for matrix in matrices)
    return DeepLinearOracle(_asymptotic(spec, matrices), spec.widths, curvature, at_origin)


def _asymptotic(spec: DeepLinearRecipe, matrices: Matrices) -> TrueLLC:
    widths = spec.widths
    reached = largest_tangent_dimension(widths)
    if tangent_dimension(*_partial_ranks(spec, matrices)) == reached:
        source = "the product has constant rank near w*: half the dimension of its image"
        return TrueLLC(reached / 2, "local", source, 1)
    if len(widths) == 3:
        first, second = (int(np.linalg.matrix_rank(matrix)) for matrix in matrices)
        answer = reduced_rank_coefficient_at((widths[0], widths[1], widths[2]), (first, second), spec.rank)
        return TrueLLC(answer.value, "local", "reduced-rank regression at w* of given ranks", answer.multiplicity)
    answer = deep_linear_coefficient(widths, spec.rank)
    kind = "local" if spec.teacher == "aligned" else "global"
    return TrueLLC(answer.value, kind, "Aoyagi 2024, Neural Networks 172, 106132, main theorem", answer.multiplicity)


def _partial_ranks(spec: DeepLinearRecipe, matrices: Matrices) -> tuple[list[int], list[int]]:
    """Ranks of the products of the matrices to the left and to the right of each."""
    left, right = [np.eye(spec.widths[-1])], [np.eye(spec.widths[0])]
    for matrix in reversed(matrices[1:]):
        left.insert(0, left[0] @ matrix)
    for matrix in matrices[:-1]:
        right.append(matrix @ right[-1])

    def ranks(products: Matrices) -> list[int]:
        return [int(np.linalg.matrix_rank(product)) for product in products]

    return ranks(left), ranks(right)


def teacher_matrices(spec: DeepLinearRecipe) -> Matrices:
    """W_1, ..., W_L, each (H_s, H_{s-1})."""
    rng = generator("teacher", spec.seed, list(spec.widths), spec.rank, spec.teacher)
    if spec.teacher == "aligned":
        bases = [np.linalg.qr(rng.standard_normal((width, width)))[0][:, : spec.rank] for width in spec.widths]
        return [after @ before.T for before, after in pairwise(bases)]
    matrices = [rng.standard_normal((after, before)) / np.sqrt(before) for before, after in pairwise(spec.widths)]
    if spec.rank == min(spec.widths):
        return matrices
    cut = rng.random(len(matrices)) < 0.5 if spec.teacher == "published" else np.zeros(len(matrices), bool)
    if not cut.any():
        cut[0] = True
    return [_of_rank(matrix, spec.rank) if chosen else matrix for matrix, chosen in zip(matrices, cut, strict=True)]


def _of_rank(matrix: np.ndarray, rank: int) -> np.ndarray:
    """The nearest matrix of a rank."""
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ v[:rank]


def _inputs(spec: DeepLinearRecipe) -> np.ndarray:
    """Normal inputs (n, H_0), whitened if asked for."""
    rng = generator("inputs", spec.seed, spec.num_data, spec.widths[0])
    x = rng.standard_normal((spec.num_data, spec.widths[0]))
    if spec.inputs == "gaussian":
        return x
    return x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / spec.num_data)).T
