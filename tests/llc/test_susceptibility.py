"""Susceptibilities and influences of a two-layer linear network, layer by layer: Gaussian posteriors, closed forms.

With the other layer fixed the network is linear in a layer: f = phi(x) . w. Around a minimum with residuals e and
w - w* ~ N(0, A^-1), A = n beta H + gamma, the losses l_i = (u_i - e_i)^2 / 2 with u_i = phi_i . (w - w*) have

    Cov(l_i, l_j) = s_ij^2 / 2 + e_i e_j s_ij,    s_ij = phi_i . A^-1 phi_j
"""

from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import polars as pl
import pytest

from llcray import PosteriorSpec, SamplingSpec, Target, estimate_llc
from llcray.estimation.trial import run_trial
from llcray.llc.susceptibility import Measured, bayesian_influence, susceptibility
from llcray.sampling.spec import Budget, StoppingCriteria
from llcray.spec import load_sweep, trials

N, GAMMA, NUM_PROBES = 120, 30.0, 10
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 3)) * np.array([1.0, 0.7, 0.4])
FIRST, SECOND = RNG.normal(size=(3, 2)), np.array([0.8, -1.1])
_NOISE = RNG.normal(size=N)
# Residuals orthogonal to the inputs: w* is a minimum of either layer.
RESIDUALS = _NOISE - X @ np.linalg.lstsq(X, _NOISE, rcond=None)[0]
DATA = {"x": X, "y": X @ FIRST @ SECOND + RESIDUALS}
PROBE = {name: values[:NUM_PROBES] for name, values in DATA.items()}
FEATURES = {"l0": np.einsum("ni,j->nij", X, SECOND).reshape(N, -1), "l1": X @ FIRST}


def loss_fn(params: Any, batch: Any) -> Any:
    return 0.5 * (batch["x"] @ params["layer_0"]["kernel"] @ params["layer_1"]["kernel"] - batch["y"]) ** 2


def _covariances(component: str) -> np.ndarray:
    phi = FEATURES[component]
    n_beta = N / np.log(N)
    inverse = np.linalg.inv(n_beta * phi.T @ phi / N + GAMMA * np.eye(phi.shape[1]))
    s = phi @ inverse @ phi.T
    return 0.5 * s**2 + np.outer(RESIDUALS, RESIDUALS) * s


@pytest.mark.parametrize("component", ["l0", "l1"])
def test_susceptibilities_and_influences_are_the_closed_forms(component: str) -> None:
    """Catches the factor n beta, a covariance with the wrong loss, chains mixed with draws, frozen layers that move."""
    target = Target({"layer_0": {"kernel": FIRST}, "layer_1": {"kernel": SECOND}}, loss_fn, DATA)
    e = estimate_llc(
        target,
        {"kind": "hmc"},
        num_chains=8,
        component=component,
        observables=PROBE,
        posterior=PosteriorSpec(localization=GAMMA),
        sampling=SamplingSpec(
            spectrum="off", budget=Budget(num_gradients=1e6, num_draws=512), until=StoppingCriteria(rhat=1.0001)
        ),
    )
    assert e.draws.observables.shape == (8, e.draws.num_draws, NUM_PROBES)
    exact = _covariances(component)
    of_loss = exact.mean(axis=0)
    chi = -(of_loss - of_loss.mean())[:NUM_PROBES]
    _assert_equal(e.susceptibility(), chi)
    _assert_equal(e.influence(), -exact[:NUM_PROBES, :NUM_PROBES])


FACTORY = """
import numpy as np
from llcray import Target

def loss_fn(params, batch):
    return 0.5 * (batch["x"] @ params["layer_0"]["kernel"] @ params["layer_1"]["kernel"] - batch["y"]) ** 2

def make(file):
    arrays = np.load(file)
    params = {f"layer_{layer}": {"kernel": arrays[f"kernel_{layer}"]} for layer in (0, 1)}
    return Target(params, loss_fn, {"x": arrays["x"], "y": arrays["y"]})

def last(file):
    return {name: np.load(file)[name][-5:] for name in ("x", "y")}
"""
SWEEP = """
name: probes
question: What do probes say by layer?
targets: [{{kind: python, factory: "probe_factory:make", arguments: {{file: {file}}}}}]
components: [l0, l1]
observables:
  - {{name: first, num: 10}}
  - {{name: last, examples: {{kind: python, factory: "probe_factory:last", arguments: {{file: {file}}}}}, num: 5}}
posterior: {{localization: 30.0}}
samplers: [{{kind: hmc}}]
sampling: {{num_chains: 8, spectrum: "off", until: {{rhat: 1.0001}}, budget: {{num_gradients: 1.0e+6, num_draws: 512}}}}
"""


def test_probes_of_a_sweep_are_a_table_with_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches sets that are mixed up, a matrix read by columns, runs of a target that share another's probes."""
    (tmp_path / "probe_factory.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)  # named from here, the file and so the run have the same id, and draws, in every folder
    np.savez(tmp_path / "arrays.npz", kernel_0=FIRST, kernel_1=SECOND, x=DATA["x"], y=DATA["y"])
    (tmp_path / "probes.yaml").write_text(SWEEP.format(file="arrays.npz"))
    dataset = ls.Dataset.create_or_open(str(tmp_path / "results"))
    [plan] = trials(load_sweep(tmp_path / "probes.yaml").runs, 1)
    assert [outcome.status for outcome in run_trial(plan, "probes", dataset)] == ["done", "done"]
    table = ls.scan_observables(dataset.root, "probes").collect().sort("component", "example")
    assert table.height == 30 and table["example"].to_list() == [*range(15)] * 2
    chosen = [*range(10), *range(N - 5, N)]
    for component in ("l0", "l1"):
        rows = table.filter(pl.col("component") == component)
        assert rows["probe_set"].to_list() == ["first"] * 10 + ["last"] * 5
        exact = _covariances(component)
        chi = -(exact.mean(axis=0) - exact.mean())[chosen]
        _assert_equal(Measured(rows["susceptibility"].to_numpy(), rows["susceptibility_se"].to_numpy()), chi)
        found, errors = (np.array(rows[name].to_list()) for name in ("influence", "influence_se"))
        _assert_equal(Measured(found, errors), -exact[np.ix_(chosen, chosen)])
        assert (rows["loss"] > 0).all() and (rows["loss_se"] > 0).all()
    answer = ls.sql(dataset.root, "SELECT probe_set, COUNT(*) AS n FROM observables GROUP BY probe_set ORDER BY n")
    assert answer.rows() == [("last", 10), ("first", 20)]


def _assert_equal(found: Measured, exact: np.ndarray) -> None:
    """Within 3 standard errors, which 8 chains know to a quarter: one in fifty may be beyond, none beyond 5."""
    z = np.abs(found.value - exact) / found.standard_error
    assert np.mean(z < 3) >= 0.95 and z.max() < 6, z
    assert np.median(found.standard_error) < 0.3 * np.abs(exact).max()


def test_chains_that_disagree_show_in_the_standard_error() -> None:
    """Catches errors computed from draws as if they were independent."""
    rng = np.random.default_rng(0)
    loss = rng.normal(size=(4, 500))
    same = susceptibility(loss, np.stack([loss, rng.normal(size=(4, 500))], axis=2))
    assert same.value[0] == pytest.approx(0, abs=1e-12)
    assert abs(same.value[1] - 1) < 0.2
    loss[0] *= 3
    assert bayesian_influence(loss[..., None]).standard_error[0, 0] > 1


def test_one_chain_has_no_standard_error() -> None:
    assert np.isnan(bayesian_influence(np.ones((1, 5, 2))).standard_error).all()


def test_without_probes_there_is_nothing_to_say() -> None:
    target = Target({"layer_0": {"kernel": FIRST}, "layer_1": {"kernel": SECOND}}, loss_fn, DATA)
    short = SamplingSpec(spectrum="off", budget=Budget(num_gradients=200, num_draws=64))
    e = estimate_llc(target, {"kind": "sgld", "step_size": 1e-4}, num_chains=2, sampling=short)
    with pytest.raises(ValueError, match="observables="):
        e.influence()
