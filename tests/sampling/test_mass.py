"""A mass makes curvatures alike, keeps the answer, and has its own share of the heat."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov

from llcray.api import estimate_llc
from llcray.posterior.coordinates import Block
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers.baoab import Mass
from llcray.sampling.gradient_noise import lyapunov_form
from llcray.sampling.mass import coordinates_of
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets.target import Target

NUM_DATA, INPUTS, OUTPUTS, GAMMA = 1000, 6, 4, 20.0
UNITS, WEIGHTS = np.array([30.0, 1, 1, 1, 5, 1]), np.array([1.0, 1, 1, 3])


def regression() -> Target:
    """A linear regression of several outputs, whose Hessian is a Kronecker product of unlike factors."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_DATA, INPUTS)) * UNITS
    y = x @ rng.normal(size=(INPUTS, OUTPUTS)) + rng.normal(size=(NUM_DATA, OUTPUTS))

    def loss(params: dict[str, np.ndarray], batch: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        inputs, labels = batch
        return 0.5 * (((inputs @ params["w"] - labels) * WEIGHTS) ** 2).sum(-1)

    return Target({"w": np.linalg.lstsq(x, y)[0]}, loss, (x, y))


def hessian(target: Target, n_beta: float) -> np.ndarray:
    x, _ = target.data
    return n_beta * np.kron(x.T @ x / NUM_DATA, np.diag(WEIGHTS**2))


def moments_of(hessian: np.ndarray) -> np.ndarray:
    """The moments of gradients whose covariance is the Hessian."""
    four = hessian.reshape(INPUTS, OUTPUTS, INPUTS, OUTPUTS)
    left, right = np.einsum("ikjk->ij", four), np.einsum("kikj->ij", four)
    return np.concatenate([np.diag(hessian), left.reshape(-1), right.reshape(-1)])


@pytest.mark.parametrize(
    ("mass", "largest"), [("tensor", 4e4), ("diagonal", 20.0), ("orthogonal", 5e3), ("kronecker", 1.001)]
)
def test_a_mass_makes_curvatures_as_alike_as_its_form_can(mass: Mass, largest: float) -> None:
    """Curvatures of n beta L_n and the localization range over a factor of 6e4 without a mass."""
    h = hessian(regression(), 145.0)
    moments = moments_of(h) if mass in ("kronecker", "orthogonal") else np.diag(h)
    coordinates = coordinates_of(mass, moments, (Block(0, INPUTS, OUTPUTS),), GAMMA)
    assert coordinates.scale.max() == 1.0
    s = np.stack([np.asarray(coordinates.displacement(jnp.asarray(u))) for u in np.eye(INPUTS * OUTPUTS)], axis=1)
    eigenvalues = np.linalg.eigvalsh(s.T @ (h + GAMMA * np.eye(len(h))) @ s)
    assert eigenvalues[-1] / eigenvalues[0] < largest


def test_gradients_that_are_zero_leave_the_unit_mass() -> None:
    coordinates = coordinates_of("diagonal", np.zeros(6), (Block(0, 2, 3),), 0.0)
    np.testing.assert_array_equal(coordinates.scale, np.ones(6))


def test_the_noise_that_the_loss_sees_solves_a_lyapunov_equation() -> None:
    rng = np.random.default_rng(0)
    part, held = (a @ a.T for a in rng.normal(size=(2, 5, 5)))
    found = lyapunov_form(part + held, part, np.asarray(1e-3))
    assert float(found) == pytest.approx(solve_continuous_lyapunov(part + held, 2 * part)[0, 0], rel=1e-4)


def test_negative_curvatures_leave_the_noise_to_the_localization() -> None:
    """A transformer with a mass had a share below zero, cut to 0, and so no bias: 265.6 +- 0.4 beside 258.6 +- 0.5."""
    curvatures, gamma = np.array([5.0, 2.0, -40.0]), 1.0
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    part = (vectors * curvatures) @ vectors.T
    found = lyapunov_form(part + gamma * np.eye(3), part, np.asarray(gamma))
    seen = np.maximum(curvatures, 0) / (np.maximum(curvatures, 0) + gamma)
    assert found == pytest.approx(np.sum(vectors[0] ** 2 * seen), rel=1e-4)


@pytest.mark.parametrize("mass", ["diagonal", pytest.param("kronecker", marks=pytest.mark.slow)])
def test_auto_is_right_with_a_mass_where_it_does_not_arrive_without(mass: Mass) -> None:
    """Without a mass: `not_converged`, R-hat 1.35 after as many gradients."""
    target = regression()
    sampling = SamplingSpec(budget=Budget(num_gradients=6000), until=StoppingCriteria(relative_mcse=0.02))
    e = estimate_llc(
        target, {"kind": "auto", "mass": mass}, seed=0, posterior=PosteriorSpec(localization=GAMMA), sampling=sampling
    )
    curvatures = np.linalg.eigvalsh(hessian(target, e.n_beta))
    assert e.verdict == "ok"
    truth = float(np.sum(curvatures / (curvatures + GAMMA)) / 2)
    assert abs(e.llc - truth) < 3 * np.hypot(e.llc_mcse, e.step_size_bias_se) < 0.1 * truth
    assert any(decision["action"] == f"mass: {mass}" for decision in e.decisions)
