"""Losses that are no function of single examples are refused before sampling; those that are, are not."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from llcray.api import estimate_llc
from llcray.jax_settings import own_settings
from llcray.posterior.density import make_posterior
from llcray.posterior.loss_checks import check_single_examples
from llcray.targets.target import Target
from llcray.tracking.sources import params_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = RNG.normal(size=40).astype(np.float32)
LABELS = RNG.integers(0, 3, 40)
W = RNG.normal(size=3).astype(np.float32)

Loss = Callable[[Any, Any], Any]


def squares(w: Any, x: Any, y: Any) -> Any:
    return 0.5 * (x @ w - y) ** 2


def scaled_by_the_batch(w: Any, batch: Any) -> Any:
    x, y = batch
    return squares(w, (x - x.mean(0)) / x.std(0), y)


def centred_by_the_batch(w: Any, batch: Any) -> Any:
    x, y = batch
    return squares(w, x - x.mean(0), y)


def with_dropout(w: Any, batch: Any) -> Any:
    x, y = batch
    return squares(w, x * jax.random.bernoulli(jax.random.key(0), 0.5, x.shape), y)


def with_other_noise_each_time() -> Loss:
    rng = np.random.default_rng(0)
    return lambda w, batch: squares(w, batch[0] + rng.normal(size=batch[0].shape), batch[1])


def contrastive(w: Any, batch: Any) -> Any:
    scores = (batch[0] * w) @ batch[0].T
    return optax.softmax_cross_entropy_with_integer_labels(scores, jnp.arange(len(batch[0])))


def divided_by_the_batch_size(w: Any, batch: Any) -> Any:
    return squares(w, *batch) / len(batch[1])


def exact_fit_of_the_batch(w: Any, batch: Any) -> Any:
    """Zero at w* in every batch: only beside w* does it show what it depends on."""
    x = (batch[0] - batch[0].mean(0)) / batch[0].std(0)
    return squares(w, x, x @ W)


def mean_given_to_each(w: Any, batch: Any) -> Any:
    return jnp.broadcast_to(jnp.mean(squares(w, *batch)), batch[1].shape)


DEPEND: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        scaled_by_the_batch,
        centred_by_the_batch,
        with_dropout,
        contrastive,
        divided_by_the_batch_size,
        exact_fit_of_the_batch,
        mean_given_to_each,
    )
} | {"with_other_noise_each_time": with_other_noise_each_time()}
SINGLE: dict[str, Loss] = {
    "squares": lambda w, b: squares(w, *b),
    "computed in float32": lambda w, b: squares(w.astype(jnp.float32), b[0].astype(jnp.float32), b[1]),
    "computed in bfloat16": lambda w, b: squares(w.astype(jnp.bfloat16), b[0].astype(jnp.bfloat16), b[1]).astype(float),
    "returned in bfloat16": lambda w, b: squares(*(x.astype(jnp.bfloat16) for x in (w, *b))),
    "an exact fit": lambda w, b: squares(w, b[0], b[0] @ W),
    "a huge constant": lambda w, b: 1e9 + squares(w, *b),
    "a tiny loss": lambda w, b: 1e-12 * squares(w, *b),
    "constant": lambda w, b: jnp.full(b[1].shape, 2.5),
    "mapped": lambda w, b: jax.vmap(squares, (None, 0, 0))(w, *b),
    "statistics of all data": lambda w, b: squares(w, (b[0] - X.mean(0)) / X.std(0), b[1]),
    "infinite beyond a wall": lambda w, b: jnp.where(jnp.abs(w).max() < 9, squares(w, *b), jnp.inf),
}


@pytest.mark.parametrize("name", DEPEND)
def test_a_loss_that_depends_on_its_batch_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"depends on the batch: example \d has loss .*model\.eval\(\)"):
        estimate_llc(Target(W, DEPEND[name], (X, Y)))


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("num_data", [1, 2, 3, 40])
def test_a_loss_of_single_examples_is_not_refused(name: str, num_data: int) -> None:
    with own_settings(float64=True):
        target = Target(W, SINGLE[name], (X[:num_data], Y[:num_data]))
        check_single_examples(make_posterior(target, 1.0, None, jnp.float64))


class Network(nnx.Module):
    """A layer with batch normalization and dropout."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.layer, self.norm = nnx.Linear(3, 3, rngs=rngs), nnx.BatchNorm(3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """Logits."""
        return self.dropout(self.norm(self.layer(x)))


def cross_entropy(model: Any, batch: Any) -> Any:
    return optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1])


@pytest.mark.filterwarnings("ignore:scatter inputs have incompatible types")
def test_a_flax_module_in_training_mode_is_refused_with_the_remedy() -> None:
    model = Network()
    model.train()
    with pytest.raises(ValueError, match=r"model\.eval\(\)"):
        estimate_llc(Target(*params_of(model, cross_entropy), (X, LABELS)))
    model.eval()
    with own_settings(float64=True):
        target = Target(*params_of(model, cross_entropy), (X, LABELS))
        check_single_examples(make_posterior(target, 1.0, None, jnp.float64))


def test_a_flax_module_that_a_loss_changes_is_refused_with_the_remedy() -> None:
    model = Network()
    params = nnx.to_pure_dict(nnx.state(model, nnx.Param))

    def loss_fn(params: Any, batch: Any) -> Any:
        nnx.update(model, params)
        return cross_entropy(model, batch)

    with pytest.raises(ValueError, match=r"model\.eval\(\).*nnx\.merge"):
        estimate_llc(Target(jax.tree.map(np.asarray, params), loss_fn, (X, LABELS)))


def test_a_loss_that_cannot_be_hashed_is_refused_with_the_remedy() -> None:
    class Loss:
        __hash__ = None  # pyright: ignore[reportAssignmentType]

        def __call__(self, w: Any, batch: Any) -> Any:
            return squares(w, *batch)

    with pytest.raises(ValueError, match="loss_fn, a Loss, cannot be hashed"):
        estimate_llc(Target(W, Loss(), (X, Y)))


def test_a_loss_that_returns_something_else_than_an_array_is_refused() -> None:
    with pytest.raises(ValueError, match="loss_fn returned a tuple"):
        estimate_llc(Target(W, lambda w, b: (squares(w, *b), b[1]), (X, Y)))


UNSUITED: dict[str, tuple[Loss, str]] = {
    "complex numbers": (lambda w, batch: squares(w, *batch) + 0j, "type complex128, which have no gradient"),
    "whole numbers": (lambda w, batch: squares(w, *batch).astype(int), "type int64, which have no gradient"),
    "truths": (lambda w, batch: squares(w, *batch) > 0, "type bool, which have no gradient"),
    "a column": (lambda w, batch: squares(w, *batch)[:, None], r"shape \(40, 1\) for 40 examples"),
    "their mean": (lambda w, batch: squares(w, *batch).mean(), r"shape \(\) for 40 examples"),
    "NumPy's functions": (
        lambda w, batch: np.square(np.asarray(batch[0]) @ np.asarray(w)),
        "cannot be traced by JAX: ",
    ),
    "numbers of Python": (
        lambda w, batch: jnp.array([float(x) for x in squares(w, *batch)]),
        "cannot be traced by JAX",
    ),
    "a branch": (
        lambda w, batch: squares(w, *batch) if w[0] > 0 else 2 * squares(w, *batch),
        "jnp.where in place of `if`",
    ),
}


@pytest.mark.parametrize("name", UNSUITED)
def test_a_loss_that_cannot_be_sampled_is_refused_in_a_line_with_the_remedy(name: str) -> None:
    """Whole numbers were sampled as they are, without a gradient; the others were JAX's own pages of text."""
    loss_fn, said = UNSUITED[name]
    with pytest.raises(ValueError, match=said) as error:
        estimate_llc(Target(params=W, loss_fn=loss_fn, data=(X, Y)), "hmc")
    assert "\n" not in str(error.value)
