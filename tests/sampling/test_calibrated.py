"""The decisions of `kind: auto`, where the right decision is known."""

import numpy as np
import pytest

from llcray.api import estimate_llc
from llcray.targets.target import Target

NUM_DATA, NUM_PARAMS = 1000, 10


def regression(label_noise: float) -> Target:
    """Makes a least-squares target at its minimum; label noise alone makes its gradients noisy there."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_DATA, NUM_PARAMS))
    y = x @ rng.normal(size=NUM_PARAMS) + label_noise * rng.normal(size=NUM_DATA)
    w_star = np.linalg.lstsq(x, y)[0]

    def loss(w: np.ndarray, batch: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        inputs, labels = batch
        return 0.5 * (inputs @ w - labels) ** 2

    return Target(params=w_star, loss_fn=loss, data=(x, y))


def exact(target: Target, n_beta: float, localization: float) -> float:
    x, _ = target.data
    h = n_beta * np.linalg.eigvalsh(x.T @ x / NUM_DATA)
    return float(np.sum(h / (h + localization)) / 2)


@pytest.mark.parametrize(("label_noise", "wanted"), [(2.0, True), (0.0, False)])
def test_control_variates_are_chosen_where_gradients_are_noisy_at_the_center(label_noise: float, wanted: bool) -> None:
    """Without label noise gradients vanish at w*, and control variates have nothing to remove."""
    target = regression(label_noise)
    e = estimate_llc(target, "auto", seed=1)
    actions = [decision["action"] for decision in e.decisions]
    assert ("gradient: control_variate" in actions) == wanted
    assert e.verdict == "ok"
    assert abs(e.llc - exact(target, e.n_beta, e.localization)) < 3 * np.hypot(e.llc_mcse, e.step_size_bias_se)


def test_the_bias_subtracted_is_small_and_known_to_a_fraction_of_the_error() -> None:
    """Catches a return of the thermostat's noise, which made the heat's error larger than that of the loss."""
    e = estimate_llc(regression(0.5), "auto", seed=2)
    heat = e.draws.heat[:, e.num_warmup_draws :]
    assert abs(e.step_size_bias) < 0.05 * e.llc
    halves = np.concatenate(np.array_split(heat, 2, axis=1)).mean(axis=1)
    assert halves.std(ddof=1) / np.sqrt(len(halves)) < 0.5 * e.llc_mcse
