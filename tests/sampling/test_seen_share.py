"""The share of the heat that the loss sees, on a loss that is blind to most of its gradient noise."""

import numpy as np
import pytest

from llcray.api import estimate_llc
from llcray.posterior.spec import PosteriorSpec
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets.target import Target

NUM_DATA, NUM_SEEN, LOCALIZATION = 1000, 10, 10.0


def half_blind(num_unseen: int) -> Target:
    """Makes a regression, with a term added to each example's loss that is linear in further parameters.

    The terms sum to zero: they make gradients noisy in directions in which L_n is flat.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_DATA, NUM_SEEN))
    y = x @ rng.normal(size=NUM_SEEN) + rng.normal(size=NUM_DATA)
    slopes = rng.normal(size=(NUM_DATA, num_unseen))
    slopes -= slopes.mean(axis=0)
    w_star = np.concatenate([np.linalg.lstsq(x, y)[0], np.zeros(num_unseen)])

    def loss(w: np.ndarray, batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        inputs, labels, slopes = batch
        return 0.5 * (inputs @ w[:NUM_SEEN] - labels) ** 2 + slopes @ w[NUM_SEEN:]

    return Target(params=w_star, loss_fn=loss, data=(x, y, slopes))


def exact(target: Target, n_beta: float) -> float:
    x, *_ = target.data
    h = n_beta * np.linalg.eigvalsh(x.T @ x / NUM_DATA)
    return float(np.sum(h / (h + LOCALIZATION)) / 2)


def test_the_bias_of_baoab_is_the_share_of_its_heat_that_the_loss_sees() -> None:
    """Most of the heat lies where L_n is flat. Lanczos at four positions knows its share to a fifth."""
    target = half_blind(30)
    e = estimate_llc(
        target,
        {"kind": "baoab", "step_size": 0.01, "damping": 0.1},
        posterior=PosteriorSpec(localization=LOCALIZATION),
        sampling=SamplingSpec(budget=Budget(num_gradients=8000), until=StoppingCriteria(relative_mcse=0.01)),
    )
    heat = float(e.draws.heat[:, e.num_warmup_draws :].mean())
    bias = e.llc - exact(target, e.n_beta)
    assert heat > 3 * bias
    assert abs(e.step_size_bias - bias) < 0.2 * bias + 3 * e.llc_mcse


@pytest.mark.parametrize(
    ("gradient", "num_unseen"), [("auto", 30), ("minibatch", 30), pytest.param("minibatch", 6, marks=pytest.mark.slow)]
)
def test_auto_is_right_where_the_loss_is_blind_to_the_noise(gradient: str, num_unseen: int) -> None:
    """Control variates remove this noise; without them a good part of the heat is unseen, at any step."""
    target, sampler = half_blind(num_unseen), {"kind": "auto", "gradient": gradient}
    e = estimate_llc(target, sampler, posterior=PosteriorSpec(localization=LOCALIZATION), seed=0)
    assert e.verdict == "ok" and e.num_gradients < 10_000
    assert abs(e.llc - exact(target, e.n_beta)) < 3 * np.hypot(e.llc_mcse, e.step_size_bias_se)
