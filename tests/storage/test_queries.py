"""Every recipe of storage/queries runs on a dataset and says what its first line promises."""

import importlib.util
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import polars as pl
import pytest

QUERIES = Path(__file__).parents[2] / "storage" / "queries"
TRUTH = 4.0
SAMPLERS = {"sgld": (0.4, 100.0), "hmc": (0.1, 900.0), "mclmc": (0.1, 300.0)}
"""Error bar and gradients: mclmc has the smallest work-normalised variance (3), then hmc (9), then sgld (16)."""


def run_row(sampler: str, seed: int, step: int) -> dict[str, Any]:
    mcse, gradients = SAMPLERS[sampler]
    llc = TRUTH + step + (0.1 * seed if sampler != "sgld" else -3.0)
    return {
        "run_id": f"{sampler}-{seed}-{step}",
        "target_id": f"t{seed}-{step}",
        "sweep": "demo",
        "status": "done",
        "verdict": "ok" if sampler != "sgld" else "biased_step",
        "verdict_reason": None if sampler != "sgld" else "step too large",
        "sampler_kind": sampler,
        "seed": seed,
        "step": step,
        "component": "all",
        "num_params": 100,
        "llc": llc,
        "llc_mcse": mcse,
        "true_llc": TRUTH,
        "num_gradients": gradients,
        "wnv_gradients": mcse**2 * gradients,
        "wnv_seconds": mcse**2 * gradients / 10,
        "fde_to_se1": mcse**2 * gradients,
        "sampling_seconds": gradients / 10,
        "compile_seconds": 1.0,
        "build_seconds": 1.0,
        "host": "node1",
    }


@pytest.fixture
def demo(dataset, root) -> str:
    for seed in range(2):
        for step in range(3):
            target = {"target_id": f"t{seed}-{step}", "train_loss": 1.0 / (1 + step), "test_loss": 2.0 / (1 + step)}
            dataset.write_target(target, {})
            for sampler in SAMPLERS:
                chain = {"n_beta": 10.0, "centered_loss": np.full(5 + seed, 0.4)}
                dataset.write_run(run_row(sampler, seed, step), [{"chain": 0, **chain}, {"chain": 1, **chain}])
    failure = {"run_id": "f", "sweep": "demo", "status": "failed", "reason": "out of memory", "sampler_kind": "hmc"}
    dataset.write_run(failure)
    return root


def sql(root: str, name: str) -> pl.DataFrame:
    return ls.sql(root, (QUERIES / f"{name}.sql").read_text())


def recipe(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, QUERIES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.query


def test_every_recipe_has_a_test_here():
    text = Path(__file__).read_text()
    for path in QUERIES.glob("*.*"):
        if path.suffix in (".sql", ".py"):
            assert f'"{path.stem}"' in text, path.name


def test_the_best_sampler_has_the_smallest_work_normalised_variance(demo):
    best = sql(demo, "best_sampler_per_target")
    assert best["target_id"].to_list() == sorted(f"t{seed}-{step}" for seed in range(2) for step in range(3))
    assert set(best["sampler_kind"]) == {"mclmc"}


def test_failures_are_counted_by_reason(demo):
    failures = sql(demo, "failures_by_reason")
    assert failures.select("sampler_kind", "why", "num_runs").rows() == [
        ("sgld", "step too large", 6),
        ("hmc", "out of memory", 1),
    ]


def test_cost_is_summed_by_sampler(demo):
    cost = sql(demo, "cost_by_sampler")
    assert cost["sampler_kind"].to_list() == ["mclmc", "hmc", "sgld"]
    assert cost["num_gradients"].to_list() == [1800.0, 5400.0, 600.0]


def test_error_is_measured_against_the_known_answer(demo):
    errors = sql(demo, "error_against_truth")
    assert dict(errors.select("sampler_kind", "num_runs").iter_rows()) == {"hmc": 6, "mclmc": 6, "sgld": 6}


def test_device_hours_are_summed_by_host(demo):
    hours = sql(demo, "hours_by_host").filter(pl.col("host") == "node1")
    assert hours["num_runs"].to_list() == [18]
    assert hours["device_hours"].to_list() == pytest.approx([(6 * (10.0 + 90.0 + 30.0) + 18 * 1.0) / 3600])


def test_llc_against_parameters_has_both_error_bars(demo):
    table = recipe("llc_against_parameters")(demo)
    table = table.filter(pl.col("num_trusted") > 0)
    assert table["sampler_kind"].to_list() == ["hmc", "mclmc"]
    assert table["llc"].to_list() == pytest.approx([TRUTH + 1.05] * 2)
    assert table["sampling_se"].to_list() == pytest.approx([0.1 / 6**0.5] * 2)
    assert (table["se_over_seeds"] > 0.1).all()
    assert table["num_matched"].to_list() == [6, 6]


def test_samplers_are_averaged_over_the_targets_they_share(dataset, demo):
    """Without its lowest target mclmc's own mean would be 0.2 above that of hmc."""
    dataset.write_run(run_row("mclmc", 0, 0) | {"verdict": "not_converged", "generation": 2})
    means = sql(demo, "mean_by_sampler")
    assert means["sampler_kind"].to_list() == ["hmc", "mclmc"] and means["num_matched"].to_list() == [5, 5]
    assert means["llc"].to_list() == pytest.approx([TRUTH + (0.1 * 3 + 2 * 1 + 2 * 2) / 5] * 2)


def test_samplers_that_disagree_come_first(demo):
    pairs = recipe("sampler_disagreement")(demo)
    assert pairs.height == 18
    assert set(pairs.head(6)["sampler_kind_other"]) == {"sgld"}
    assert pairs.filter(pl.col("sampler_kind_other") == "mclmc")["z"].max() == 0.0


def test_a_learning_curve_joins_losses_to_llc(demo):
    curve = recipe("learning_curve")(demo).filter(pl.col("sampler_kind") == "hmc", pl.col("seed") == 0)
    assert curve["step"].to_list() == [0, 1, 2]
    assert curve["train_loss"].to_list() == pytest.approx([1.0, 1 / 2, 1 / 3])
    assert curve["llc_change"].to_list() == [None, 1.0, 1.0]


def test_one_run_goes_into_arviz(demo):
    tree = recipe("run_into_arviz")(demo, "hmc-1-2")
    assert tree["posterior"]["llc"].shape == (2, 6)
    assert float(tree["posterior"]["llc"].mean()) == pytest.approx(4.0)


@pytest.mark.parametrize("heat", [None, 0.3])
def test_the_mean_of_what_goes_into_arviz_is_the_estimate(dataset, root, heat):
    rng = np.random.default_rng(0)
    loss = rng.gamma(4.0, 0.1, size=(2, 50))
    loss[:, :20] += 5.0
    chains = [
        {"chain": chain, "n_beta": 10.0, "num_warmup_draws": 20, "centered_loss": loss[chain]} for chain in (0, 1)
    ]
    mean = 10.0 * loss[:, 20:].mean()
    row = run_row("hmc", 0, 0) | {"llc": mean, "llc_uncorrected": mean}
    if heat is not None:
        chains = [chain | {"heat": np.full(50, heat)} for chain in chains]
        row |= {"llc": mean - heat}
    dataset.write_run(row, chains)
    tree = recipe("run_into_arviz")(root, row["run_id"])
    assert tree["posterior"]["llc"].shape == (2, 30)
    assert float(tree["posterior"]["llc"].mean()) == pytest.approx(row["llc"])
