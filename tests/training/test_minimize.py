import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llcray.training import SGD, Adam, AdamW, Training
from llcray.training.minimize import Minimum, minimize

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 3)) * [3.0, 1.0, 0.1]
Y = X @ [1.0, -2.0, 0.5] + 0.1 * RNG.standard_normal(200)
LEAST_SQUARES = np.linalg.lstsq(X, Y, rcond=None)[0]
# Each trace of a loss adds a line here.
TRACES: list[str] = []


def squared_error(params, batch):
    TRACES.append("traced")
    return 0.5 * (batch["y"] - batch["x"] @ params["w"]) ** 2


def train(spec: Training, y: np.ndarray = Y) -> Minimum:
    dtype = np.dtype(spec.precision)
    return minimize(spec, squared_error, {"w": np.zeros(3)}, {"x": X.astype(dtype), "y": y.astype(dtype)}, seed=0)


@pytest.mark.parametrize(
    "spec",
    [
        Adam(num_steps=300),
        AdamW(num_steps=300, batch_size=20, schedule="cosine", weight_decay=0.1),
        SGD(learning_rate=0.001, num_steps=300, momentum=0.5, nesterov=True, weight_decay=0.1),
        Adam(num_steps=0),
    ],
    ids=["adam", "adamw", "sgd", "polish alone"],
)
def test_every_optimizer_ends_at_the_least_squares_solution_whatever_its_weight_decay(spec: Training):
    minimum = train(spec)
    np.testing.assert_allclose(minimum.params["w"], LEAST_SQUARES, rtol=1e-4, atol=1e-6)
    assert float(minimum.gradient_norm) < spec.gradient_tolerance


def test_parameters_may_have_the_names_that_optax_looks_up():
    """Catches a polish that takes the weights of an attention layer, `value`, for the value of the loss."""
    names = ("value", "grad", "info")

    def loss(params, batch):
        return 0.5 * (batch["y"] - sum(params[name] * batch["x"][:, i] for i, name in enumerate(names))) ** 2

    minimum = minimize(Adam(num_steps=0), loss, dict.fromkeys(names, np.zeros(())), {"x": X, "y": Y}, seed=0)
    np.testing.assert_allclose([minimum.params[name] for name in names], LEAST_SQUARES, rtol=1e-4, atol=1e-6)


def test_without_polish_weight_decay_moves_the_minimum():
    spec = Adam(learning_rate=0.05, num_steps=3000, weight_decay=0.1, polish_steps=0, min_improvement=0, patience=99)
    ridge = np.linalg.solve(X.T @ X / 200 + 0.1 * np.eye(3), X.T @ Y / 200)
    np.testing.assert_allclose(train(spec).params["w"], ridge, atol=2e-3)


def test_training_stops_early_when_the_loss_no_longer_falls():
    stopped = train(Adam(num_steps=50_000, batch_size=20, polish_steps=0))
    assert 300 <= int(stopped.num_steps) < 20_000 and int(stopped.num_steps) % 100 == 0


def test_no_steps_leave_the_initial_weights():
    minimum = train(Adam(num_steps=0, polish_steps=0))
    assert not np.asarray(minimum.params["w"]).any() and int(minimum.num_steps) == 0


def test_numbers_of_the_training_do_not_compile_anew():
    train(Adam(num_steps=10, polish_steps=3))
    before = len(TRACES)
    train(Adam(num_steps=20, polish_steps=5, learning_rate=0.5, weight_decay=0.3, b1=0.8, gradient_tolerance=1e-3))
    assert len(TRACES) == before


def test_the_precision_asked_for_is_the_precision_of_the_minimum_and_jax_is_left_as_it_was():
    before = bool(jax.config.jax_enable_x64)  # pyright: ignore[reportAttributeAccessIssue]
    for precision in ("float32", "float64"):
        minimum = train(Adam(num_steps=10, polish_steps=3, precision=precision))
        assert minimum.params["w"].dtype == precision
    assert jnp.ones(1, float).dtype == (np.float64 if before else np.float32)


def test_the_same_seed_gives_the_same_bits():
    spec = SGD(learning_rate=0.001, num_steps=50, batch_size=10, polish_steps=5)
    np.testing.assert_array_equal(train(spec).params["w"], train(spec).params["w"])


def test_divergence_names_the_learning_rate():
    with pytest.raises(FloatingPointError, match=r"Lower training\.learning_rate, now 1e\+06"):
        train(SGD(learning_rate=1e6, num_steps=2000, polish_steps=10))
