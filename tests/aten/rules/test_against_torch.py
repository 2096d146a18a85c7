"""Each rule gives what torch gives, and has torch's gradient, in float32 and float64."""

import math
import operator
import runpy
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llcray.aten.rules import RULES
from llcray.aten.rules.sizes import RULES as SIZES

torch = pytest.importorskip("torch")
TABLE = runpy.run_path(str(Path(__file__).with_name("cases") / "table.py"))
CASES: dict[str, list[Any]] = TABLE["CASES"]
TOLERANCE = {"float32": 3e-5, "float64": 1e-9}
"""Shares of the largest number. Float64 leaves room for series of special functions, float32 for sums."""
MAKES_ANYTHING = {
    "aten.empty.memory_format": ([2, 3],), "aten.empty_permuted.default": ([2, 3], [1, 0]),
    "aten.empty_strided.default": ([2, 3], [3, 1]),
    "aten.new_empty_strided.default": (np.zeros(4), [2, 3], [3, 1]),
}  # fmt: skip
"""Operators whose result has no values, and arguments for one of shape (2, 3)."""
OF_SIZES = {"aten.sym_size.int": 3, "aten.sym_numel.default": 12}
NUMBERS: dict[str, tuple[Any, ...]] = {
    "math.ceil": (2.5,), "math.floor": (2.5,), "operator.neg": (3,), "torch.sym_float": (3,), "torch.sym_int": (3.7,),
    "torch.sym_max": (3, 5), "torch.sym_min": (3, 5), "operator.getitem": ((4, 5), 1), "torch.sym_not": (False,),
    "torch.sym_sum": ((3, 4),),
}  # fmt: skip
NEVER_MOVE: dict[str, tuple[int, ...]] = {
    "aten._native_batch_norm_legit_no_training.default": (3, 4), "aten.igamma.default": (0,),
    "aten.igammac.default": (0,), "aten.linalg_pinv.atol_rtol_tensor": (1,),
    "aten._embedding_bag_forward_only.default": (0, 6),
}  # fmt: skip
"""Arguments of which torch has no derivative, such as running statistics."""
WITHOUT_DERIVATIVE = {
    "aten.copy.default", "aten.detach.default", "aten.remainder.Scalar_Tensor", "aten.scatter.reduce",
    "aten.scatter.value_reduce",
}  # fmt: skip
"""Operators that torch has no derivative of, or another one on purpose."""
FOR_VALUES = [
    ("aten._linalg_eigh.default", 1), ("aten._linalg_svd.default", 0), ("aten.linalg_qr.default", 2),
    ("aten.upsample_nearest1d.vec", 2),
]  # fmt: skip
"""Cases that torch has no derivative of (eigenvalues and singular values without vectors, R without Q), and one whose
derivative rounds places otherwise than its values, in float64."""
TRIANGULAR = {"aten.cholesky_inverse.default", "aten.cholesky_solve.default"}
"""Operators that read a triangle of a matrix, and of which torch gives the other triangle a derivative too."""
PARAMS = [(op, number, dtype) for op, cases in CASES.items() for number in range(len(cases)) for dtype in TOLERANCE]


def test_every_rule_has_a_case():
    """A rule that nothing compared with torch is not shipped."""
    assert set(CASES) | set(MAKES_ANYTHING) | set(OF_SIZES) | set(SIZES) == set(RULES)


def test_core_operators_without_a_rule_are_those_that_a_loss_cannot_have():
    """Of torch's core set: backward passes, random numbers, sizes by values, changes in place, places in memory."""
    packets = [getattr(torch.ops.aten, name) for name in dir(torch.ops.aten)]
    packets = [packet for packet in packets if hasattr(packet, "overloads")]
    operators = {getattr(packet, name) for packet in packets for name in packet.overloads()}
    decomposed = {str(operator) for operator in torch.export.default_decompositions()}
    apart = {torch.Tag.nondeterministic_seeded, torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
    missing = {
        str(operator) for operator in operators
        if torch.Tag.core in operator.tags and not apart & set(operator.tags)
        and not operator._schema.is_mutable and "backward" not in str(operator)
    } - set(RULES) - decomposed  # fmt: skip
    assert missing == {"aten.sym_storage_offset.default"}


@pytest.mark.parametrize(("op", "number", "dtype"), PARAMS)
def test_a_rule_agrees_with_torch(op: str, number: int, dtype: str):
    draw = TABLE["Draw"](getattr(torch, dtype))
    args, kwargs = _named(CASES[op][number](draw))
    in_torch = _operator(op)
    leaves, rebuild = jax.tree.flatten(args, is_leaf=lambda x: x is None)
    real = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()]
    moving = [i for i in real if i not in NEVER_MOVE.get(op, ())]
    for i in moving:
        leaves[i].requires_grad_(True)

    theirs = _tensors(in_torch(*rebuild.unflatten(leaves), **kwargs))
    weights = [torch.randn(t.shape, dtype=torch.float64).to(t.dtype) if t.requires_grad else None for t in theirs]
    total = sum((t * w).sum().real for t, w in zip(theirs, weights, strict=True) if w is not None)

    def ours(numbers: list[Any]) -> tuple[Any, list[Any]]:
        given = [jnp.asarray(_plain(leaf)) if isinstance(leaf, torch.Tensor) else _plain(leaf) for leaf in leaves]
        for i, x in zip(moving, numbers, strict=True):
            given[i] = x
        result = RULES[op](*rebuild.unflatten(given), **{name: _plain(value) for name, value in kwargs.items()})
        results = list(result) if isinstance(result, tuple | list) else [result]
        cast = [None if r is None else r.astype(_type(t)) for r, t in zip(results, theirs, strict=True)]
        pairs = [(r, w.numpy()) for r, w in zip(cast, weights, strict=True) if r is not None and w is not None]
        return sum((r * w).sum().real for r, w in pairs), cast

    with jax.enable_x64(True):
        start = [leaves[i].detach().numpy() for i in moving]
        if isinstance(total, torch.Tensor):
            gradient, results = jax.jit(jax.grad(ours, has_aux=True))(start)
        else:
            gradient, results = [], jax.jit(ours)(start)[1]

    for r, t in zip(results, theirs, strict=True):
        if r is not None:
            assert r.shape == tuple(t.shape)
            _compare(np.asarray(r), _plain(t), dtype)
    if gradient and op not in WITHOUT_DERIVATIVE and (op, number) not in FOR_VALUES:
        expected = torch.autograd.grad(total, [leaves[i] for i in moving], allow_unused=True)
        for g, e, x in zip(gradient, expected, start, strict=True):
            e = np.zeros_like(x) if e is None else e.numpy(force=True)
            _compare(np.asarray(g), np.where(x == 0, 0, e) if op in TRIANGULAR else e, dtype)


@pytest.mark.parametrize("op", SIZES)
def test_arithmetic_of_sizes_is_that_of_python(op: str):
    args = NUMBERS.get(op, (7, 3))
    module, name = op.split(".")
    expected = {"math": math, "operator": operator, "torch": torch}[module]
    assert RULES[op](*args) == getattr(expected, name)(*args)


@pytest.mark.parametrize("op", OF_SIZES)
def test_sizes_are_numbers_of_python(op: str):
    array = np.zeros((4, 3))
    result = RULES[op](array, 1) if "size" in op else RULES[op](array)
    assert result == OF_SIZES[op] and type(result) is int


@pytest.mark.parametrize("op", MAKES_ANYTHING)
def test_an_array_without_values_has_its_shape_and_type(op: str):
    result = RULES[op](*MAKES_ANYTHING[op], dtype=np.dtype("int32"))
    assert result.shape == (2, 3) and result.dtype == "int32"


def test_what_is_detached_has_no_gradient():
    """Torch's decomposition of detach is an alias, whose gradient would be that of what is detached."""
    assert jax.grad(RULES["aten.detach.default"])(2.0) == 0


def test_singular_vectors_are_torch_s_but_for_their_signs():
    """A function of them that no sign changes has torch's values and gradient."""
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = np.arange(12.0).reshape(4, 3)

    def function(svd: Any, numbers: Any, x: Any) -> Any:
        u, s, v = svd(x)
        return ((u * numbers.tanh(s)) @ v * numbers.asarray(weights)).sum()

    theirs = function(torch.ops.aten._linalg_svd, torch, x.requires_grad_(True))
    with jax.enable_x64(True):
        ours = jax.value_and_grad(partial(function, RULES["aten._linalg_svd.default"], jnp))(x.detach().numpy())
    theirs.backward()
    _compare(np.asarray(ours[0]), np.asarray(theirs.item()), "float64")
    _compare(np.asarray(ours[1]), x.grad.numpy(), "float64")


def _operator(op: str) -> Any:
    namespace, packet, overload = op.split(".")
    if namespace == "transformers":
        pytest.importorskip("transformers.integrations.moe")  # which registers the operator
    return getattr(getattr(getattr(torch.ops, namespace), packet), overload)


def _named(case: Any) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by position, and by name where a dict ends them."""
    case = list(case)
    return (case[:-1], case[-1]) if case and isinstance(case[-1], dict) else (case, {})


def _tensors(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().resolve_conj().resolve_neg().numpy()
    return np.dtype(_name(value)) if isinstance(value, torch.dtype) else value


def _type(tensor: Any) -> np.dtype:
    return np.dtype(_name(tensor.dtype))


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _compare(ours: np.ndarray, theirs: np.ndarray, dtype: str) -> None:
    tolerance = max(TOLERANCE[dtype], TOLERANCE.get(str(theirs.dtype), 0))
    size = max(1.0, float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0))) if theirs.dtype != bool else 1.0
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * size)
