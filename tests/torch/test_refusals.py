"""Losses that JAX would compute otherwise than torch, or not at all: each is refused in a sentence with its remedy."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import llcray
from llcray.aten.errors import TorchLossError

torch = pytest.importorskip("torch")
X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


class Module(torch.nn.Module):
    """One weight vector, used by a function of the weights, the inputs and the module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.linspace(0.5, 1.5, 4))
        self.register_buffer("count", torch.zeros(()))
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(self.w, x, self)


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.sign()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0]


def no_grad(w: Any, x: Any, module: Any) -> Any:
    with torch.no_grad():
        scale = w.square().sum()
    return x * w * scale


def counted(w: Any, x: Any, module: Any) -> Any:
    module.count += 1
    return x * w


def kept(w: Any, x: Any, module: Any) -> Any:
    x += 1
    return x * w


def branched(w: Any, x: Any, module: Any) -> Any:
    return x * w if x.sum() > 0 else x + w


def autocast(w: Any, x: Any, module: Any) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return torch.nn.functional.linear(x, w.diag())


def looped(w: Any, x: Any, module: Any) -> Any:
    y = x * w
    while y.norm() > 1:
        y = y / 2
    return y


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "straight-through": (
        lambda w, x, m: x * w + ((x * w).round() - x * w).detach(),
        r"detach cuts .*\(at test_refusals.py:\d+.*'losses'",
    ),
    "detached": (lambda w, x, m: x * w * w.detach(), r"not the derivative.*detach cuts .*\(at test_refusals.py"),
    "rounded by a backward": (lambda w, x, m: Sign.apply(x * w), "gradient of w is not.*backward of its own"),
    "no_grad": (no_grad, r"gradient of w is not.*torch.no_grad cuts .*\(at test_refusals.py:\d+, return"),
    "a number": (lambda w, x, m: x * w * x.sum().item(), r"takes a number.*\(at test_refusals.py:\d+.*no .item\(\)"),
    "an index of Booleans": (lambda w, x, m: (x * w)[:, w > 0], "takes a number or a size.*torch.where"),
    "a branch": (branched, r"branches on values .*\(at test_refusals.py:\d+, return x \* w if.*torch.where"),
    "a loop": (looped, r"branches on values of its arrays \(at test_refusals.py:\d+, while y.norm"),
    "random numbers": (
        lambda w, x, m: x * w + torch.randn_like(x),
        r"draws random numbers: aten.randn_like.* \(at test_refus.*keep them",
    ),
    "dropout all the same": (
        lambda w, x, m: torch.nn.functional.dropout(x * w, 0.5, training=True),
        r"draws random numbers: .*dropout.*module.eval\(\)",
    ),
    "a counter": (counted, "changes an array of the module or of the batch in place .*count.*work on a copy"),
    "a changed batch": (kept, "changes an array .* in place .*x.*work on a copy"),
    "an operator without a rule": (
        lambda w, x, m: torch.special.bessel_j0(x * w),
        r"no JAX rule for aten.special_bessel_j0.default \(at test_refusals.py:\d+",
    ),
    "strides of a view": (
        lambda w, x, m: x * w + (x * w).T.as_strided((4,), (1,)),
        r"elements of an array that is a view of another \(at test_refusals.py:\d+.*contiguous",
    ),
    "autocast": (autocast, "rounds to bfloat16, by steps.*Leave out autocast"),
    "half precision": (
        lambda w, x, m: (x * w).half().float(),
        r"rounds to float16 \(at test_refusals.py:\d+.*casts to half precision",
    ),
    "a number of examples": (lambda w, x, m: (x * w)[: len(x)], r"takes 13 examples only.*x.shape\[0\]"),
    "one number of examples": (
        lambda w, x, m: (x * w).reshape(6, 4),
        r"fails .* 11 examples \(at test_refus.*any size",
    ),
    "a batch that is mixed": (lambda w, x, m: (x - x.mean(0)) * w, "depends on the batch"),
    "NumPy": (lambda w, x, m: x * w * torch.from_numpy(x.numpy()), r"cannot trace the loss \(at test_refusals.py:\d+"),
    "indices of a pool": (
        lambda w, x, m: torch.nn.functional.max_pool1d(x * w, 2, return_indices=True)[1] * w[:2],
        "cannot be computed in JAX.* has no rule",
    ),
}


def squares(module: Any, batch: Any) -> Any:
    return module(batch["x"]).square().sum(-1)


@pytest.mark.parametrize("case", REFUSED)
def test_a_loss_that_jax_would_not_compute_as_torch_does_is_refused(case: str):
    function, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as refused:
        llcray.torch.target(Module(function).eval(), squares, {"x": X})
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600


LOSSES: dict[str, tuple[Callable[..., Any], str]] = {
    "a mean over the batch": (
        lambda m, b: squares(m, b).mean(),
        r"returned shape \(\) for 11 examples.*reduction='none'",
    ),
    "a number": (lambda m, b: 3.0, "returned a float; return a tensor"),
    "another module": (lambda m, b: squares(OTHER, b), "do not depend on a parameter.*first argument"),
    "random numbers": (
        lambda m, b: squares(m, b) + torch.rand_like(b["x"][:, 0]),
        r"draws .*rand.* \(at test_refusals.*rand_like",
    ),
    "infinite losses": (lambda m, b: squares(m, b) / 0, "torch gives losses that are not finite, such as inf"),
}


def product(w: Any, x: Any, module: Any) -> Any:
    return x * w


OTHER = Module(product).eval()


@pytest.mark.parametrize("case", LOSSES)
def test_a_loss_that_is_none_of_single_examples_is_refused(case: str):
    loss, message = LOSSES[case]
    with pytest.raises(TorchLossError, match=message):
        llcray.torch.target(Module(product).eval(), loss, {"x": X})


DATA: dict[str, tuple[Any, str]] = {
    "no dict": ((X,), "data is a tuple; give data as a dict"),
    "unlike lengths": ({"x": X, "y": X[:2]}, "6 of x, 2 of y"),
    "texts": ({"x": ["a", "b"]}, "data 'x', a list, is no array"),
    "nothing": ({}, "data is a dict; give"),
}


@pytest.mark.parametrize("case", DATA)
def test_data_that_are_no_arrays_of_examples_are_refused(case: str):
    data, message = DATA[case]
    with pytest.raises(TorchLossError, match=message):
        llcray.torch.target(Module(product).eval(), squares, data)


MODULES: dict[str, tuple[Callable[[], Any], str]] = {
    "training mode": (
        lambda: torch.nn.Sequential(torch.nn.Linear(4, 4)),
        r"Sequential is in training mode.*module.eval\(\)",
    ),
    "fixed parameters": (
        lambda: torch.nn.Linear(4, 4).requires_grad_(False).eval(),
        "no parameters that may move; call module.req",
    ),
    "no parameters": (lambda: torch.nn.ReLU().eval(), "no parameters that may move; give a module that has some"),
    "several types": (
        lambda: torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4).double()).eval(),
        "several types .*float32, .*float64",
    ),
    "a function": (lambda: product, "module is a function; give a torch.nn.Module"),
}


@pytest.mark.parametrize("case", MODULES)
def test_a_module_that_cannot_be_sampled_is_refused(case: str):
    make, message = MODULES[case]
    with pytest.raises(TorchLossError, match=message):
        llcray.torch.target(make(), squares, {"x": X})


@pytest.mark.parametrize("case", ["straight-through", "detached", "no_grad", "rounded by a backward"])
def test_surrogates_are_sampled_by_the_derivative_of_the_losses_where_that_is_asked_for(case: str):
    import jax

    target = llcray.torch.target(Module(REFUSED[case][0]).eval(), squares, {"x": X}, gradients="losses")
    gradient = jax.grad(lambda p: target.loss_fn(p, target.data).mean())(target.params)["w"]
    w = torch.linspace(0.5, 1.5, 4, dtype=torch.float64)
    size = w.square().sum()
    expected = {
        "straight-through": torch.zeros(4),
        "rounded by a backward": torch.zeros(4),
        "detached": 4 * (X**2).mean(0) * w**3,
        "no_grad": 2 * (X**2).mean(0) * w * size**2 + 4 * w * size * ((X * w) ** 2).sum(1).mean(),
    }[case]
    assert abs(gradient - expected.numpy()).max() < 1e-4 * (1 + float(abs(expected).max()))


def test_the_gradient_of_a_padding_row_is_that_of_the_losses_and_it_is_said():
    embedding = torch.nn.Embedding(5, 3, padding_idx=0)
    torch.nn.init.normal_(embedding.weight)
    tokens = torch.tensor([[0, 1], [2, 3], [4, 0]])
    with pytest.warns(UserWarning, match=r"row 0 of weight no gradient \(padding_idx=0\)"):
        llcray.torch.target(embedding.eval(), squares_of_tokens, {"tokens": tokens})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llcray.torch.target(embedding.eval(), squares_of_tokens, {"tokens": tokens.clamp(min=1)})


def squares_of_tokens(module: Any, batch: Any) -> Any:
    return module(batch["tokens"]).square().sum((1, 2))


def test_a_loss_that_turns_within_a_short_distance_is_a_target():
    """A difference quotient over 1e-5 of the size of w* was off by more than rounding in sharp ReLU networks."""
    llcray.torch.target(Module(lambda w, x, m: x + torch.sin(3e4 * w)).eval(), squares, {"x": X})


def test_what_jumps_without_a_parameter_is_not_suspected():
    """Comparisons of labels, as cross_entropy makes them, are no reason."""
    module = Module(lambda w, x, m: torch.where(x > 0, x, 1.0) + (1e9 * x * w).round() / 1e9).eval()
    with pytest.raises(TorchLossError, match=r"aten\.round\.default jumps"):
        llcray.torch.target(module, squares, {"x": X})


def test_a_module_is_left_as_it_is():
    """Export of some modules leaves fake tensors in them."""
    module = Module(lambda w, x, m: keep(m, x * w)).eval()
    before = {name: array.clone() for name, array in module.state_dict().items()}
    llcray.torch.target(module, squares, {"x": X})
    assert not hasattr(module, "last")
    assert all(torch.equal(before[name], array) for name, array in module.state_dict().items())
    module(X)


def keep(module: Any, y: Any) -> Any:
    module.last = y
    return y
