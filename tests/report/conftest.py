"""Synthetic datasets, written through the real writer: no number in them was measured."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import pytest

SAMPLERS: tuple[dict[str, Any], ...] = (
    {"sampler_kind": "sgld", "sampler_step_size": 1e-5, "sampler_batch_size": 128},
    {"sampler_kind": "hmc", "sampler_num_integration_steps": 10},
    {"sampler_kind": "mclmc"},
)
CORRELATION = {"sgld": 0.9, "hmc": 0.6, "mclmc": 0.75}
NUM_WARMUP_DRAWS = 20
WriteSweep = Callable[..., Path]


def chain_series(
    rng: np.random.Generator, llc: float, correlation: float, num_chains: int, num_draws: int
) -> np.ndarray:
    """n beta (L - L*) of stationary chains: Gamma(llc, 1) marginals, as half a sum of squared autoregressions."""
    size = (num_chains, num_draws, max(1, round(2 * llc)))
    noise = rng.standard_normal(size)
    state = noise[:, 0]
    series = np.empty((num_chains, num_draws))
    for draw in range(num_draws):
        state = correlation * state + math.sqrt(1 - correlation**2) * noise[:, draw]
        series[:, draw] = 0.5 * (state**2).sum(axis=1)
    return series


def synthetic_run(
    sweep: str, axes: dict[str, Any], llc: float, num_draws: int = 400, num_chains: int = 4
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A row of `runs` and its chains, repeatable."""
    run_id = hashlib.sha256(f"{sweep} {axes}".encode()).hexdigest()[:16]
    target = {name: value for name, value in axes.items() if not name.startswith("sampler_")}
    rng = np.random.default_rng(int(run_id, 16))
    kind = axes["sampler_kind"]
    correlation = CORRELATION.get(kind, 0.8)
    n_beta = 1797 / math.log(1797)
    series = chain_series(rng, llc, correlation, num_chains, num_draws)
    ess = num_chains * num_draws * (1 - correlation**2) / (1 + correlation**2)
    num_gradients, seconds = num_chains * num_draws * 3.3, 1.5 + 3 * rng.random()
    series[:, :NUM_WARMUP_DRAWS] *= np.linspace(0, 1, NUM_WARMUP_DRAWS)
    kept = series[:, NUM_WARMUP_DRAWS:]
    mcse = float(kept.std() / math.sqrt(ess))
    work = {"wnv_seconds": mcse**2 * seconds, "wnv_gradients": mcse**2 * num_gradients}
    row = {
        "run_id": run_id,
        "target_id": hashlib.sha256(f"{sweep} {target}".encode()).hexdigest()[:16],
        "sweep": sweep,
        "status": "done",
        "verdict": "ok",
        "llc": float(kept.mean()),
        "llc_mcse": mcse,
        "localization_se": 0.1 * llc,
        "llc_sd": float(kept.std()),
        "rhat": 1.0 + 0.01 * rng.random(),
        "ess_bulk": ess,
        "ess_tail": 0.8 * ess,
        "dispersion": float(kept.var() / kept.mean()),
        "num_draws": num_draws,
        "num_chains": num_chains,
        "num_data": 1797,
        "num_params": 1210,
        "loss_at_center": 0.05,
        "n_beta": n_beta,
        "inverse_temperature": 1 / math.log(1797),
        "localization": 120.0 + rng.random(),
        "localization_kind": "auto",
        "component": "all",
        "num_gradients": num_gradients,
        "warmup_gradients": 0.2 * num_gradients,
        "sampling_seconds": seconds,
        "compile_seconds": 1.2,
        "ess_per_second": ess / seconds,
        "ess_per_gradient": ess / num_gradients,
        **work,
        "time_to_se1": work["wnv_seconds"],
        "fde_to_se1": work["wnv_gradients"],
        "llcray_version": "0.2.0",
        "jax_version": "0.10.2",
        "python_version": "3.11.7",
        "device_kind": "cpu",
        "device_platform": "cpu",
        "precision": "float64",
        "host": "synthetic",
        "started_at": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "finished_at": datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=seconds),
        "spec": json.dumps({"synthetic": True, **axes}, sort_keys=True, default=str),
        **axes,
    }
    if kind != "sgld":
        row["acceptance_rate"] = 0.82
    return row, [_chain(rng, kind, chain, series[chain], n_beta) for chain in range(num_chains)]


def _chain(rng: np.random.Generator, kind: str, chain: int, series: np.ndarray, n_beta: float) -> dict[str, Any]:
    num_draws = len(series)
    made: dict[str, Any] = {
        "chain": chain,
        "status": "done",
        "n_beta": n_beta,
        "step_size": 1e-5,
        "num_warmup_draws": NUM_WARMUP_DRAWS,
        "centered_loss": series / n_beta,
        "squared_distance": 0.02 * (1 + 0.2 * np.sin(np.arange(num_draws) / 30 + chain))
        + 0.001 * rng.random(num_draws),
        "projection_dimension": 3,
        "projection": rng.standard_normal((num_draws, 3)),
    }
    if kind == "hmc":
        made["acceptance_rate"] = rng.beta(8, 2, num_draws)
        made["energy"] = 300 + 15 * rng.standard_normal(num_draws)
    if kind == "mclmc":
        made["energy_change"] = 0.02 * np.abs(rng.standard_normal(num_draws))
    return made


def digits_points() -> Iterator[tuple[dict[str, Any], float]]:
    """Axes and LLC of a sweep of label noise x activation x sampler x seed."""
    for rate in (0.0, 0.1, 0.2, 0.4):
        for activation in ("relu", "tanh"):
            for seed in (0, 1, 2):
                shift = np.random.default_rng([int(100 * rate), seed, len(activation)]).normal(0, 1.5)
                for sampler in SAMPLERS:
                    axes = {
                        "target_kind": "trained",
                        "seed": seed,
                        "architecture_kind": "mlp",
                        "architecture_widths": [16],
                        "architecture_activation": activation,
                        "data_kind": "digits",
                        "noise_kind": "label_flip",
                        "noise_rate": rate,
                        **sampler,
                    }
                    yield axes, 34 - 30 * rate + (6 if activation == "tanh" else 0) + shift


def write_digits(root: Path, sweep: str = "digits_noise", num_draws: int = 400) -> Path:
    """A sweep of 72 runs; six estimates are not to be trusted and two runs failed."""
    dataset = ls.Dataset.create_or_open(root)
    doubts = {
        3: "not_converged",
        11: "biased_step",
        20: "escaped",
        33: "diverged",
        40: "not_converged",
        41: "biased_step",
    }
    for number, (axes, llc) in enumerate(digits_points()):
        row, draws = synthetic_run(sweep, axes, llc, num_draws)
        if number in (50, 51):
            known = (*axes, "run_id", "target_id", "sweep", "component", "localization_kind", "num_chains")
            row = {name: value for name, value in row.items() if name in known}
            row |= {"status": "failed", "reason": "training ended at a gradient norm of 0.3, above 0.001"}
            draws = []
        elif number in doubts:
            row |= {"verdict": doubts[number], "verdict_reason": "synthetic", "rhat": 1.2, "llc": 0.7 * row["llc"]}
        dataset.write_run(row, draws)
    return root


def write_teacher_student(root: Path, sweep: str = "teacher_student") -> Path:
    """One axis at a time around a base: parameters, depth, activation, inputs, noise; three seeds, known answers."""
    dataset = ls.Dataset.create_or_open(root)
    base = {
        "target_kind": "trained",
        "architecture_kind": "mlp",
        "architecture_num_params": 1000,
        "architecture_depth": 2,
        "architecture_activation": "tanh",
        "data_kind": "gaussian",
        "noise_kind": "gaussian",
    }
    changes: list[dict[str, Any]] = [
        {},
        *({"architecture_num_params": size} for size in (500, 2000, 5000, 10_000)),
        *({"architecture_depth": depth} for depth in (1, 3, 4)),
        *({"architecture_activation": name} for name in ("relu", "gelu", "silu")),
        {"data_kind": "mixture", "data_num_components": 8},
        {"data_kind": "manifold", "data_latent_dimension": 4},
        {"data_kind": "student_t", "data_degrees_of_freedom": 3.0},
        *({"noise_kind": name} for name in ("student_t", "outliers", "heteroscedastic")),
    ]
    for change in changes:
        for seed in (0, 1, 2):
            for sampler in SAMPLERS:
                axes = {**base, **change, "seed": seed, **sampler}
                size = axes["architecture_num_params"]
                relu = 0.85 if axes["architecture_activation"] == "relu" else 1.0
                rng = np.random.default_rng([size, seed, axes["architecture_depth"]])
                llc = 0.06 * relu * size**0.9 / axes["architecture_depth"] ** 0.3 * rng.normal(1, 0.03)
                row, _ = synthetic_run(sweep, axes, llc, num_draws=50)
                row |= {"num_params": size + 3, "true_llc": 1.04 * llc, "true_llc_kind": "local", "num_data": 5000}
                dataset.write_run(row)
    return root


def write_few_trusted(root: Path, sweep: str = "few") -> Path:
    """Two trusted estimates near 50 nats, and doubtful ones of 60 and of 6."""
    dataset = ls.Dataset.create_or_open(root)
    for size, llc, verdict in ((10, 50.0, "ok"), (20, 51.0, "ok"), (30, 60.0, "biased_step"), (40, 6.0, "escaped")):
        axes = {"target_kind": "quadratic", "target_num_params": size, "seed": 0, **SAMPLERS[1]}
        row, _ = synthetic_run(sweep, axes, llc, num_draws=50)
        dataset.write_run(row | {"llc": llc, "verdict": verdict})
    return root


def write_training(root: Path, sweep: str = "training") -> Path:
    """Two ways of training x two seeds along 24 checkpoints: the LLC rises, then falls; with the stages found."""
    dataset = ls.Dataset.create_or_open(root)
    steps = [0, *(round(10 ** (1 + 3 * place / 22)) for place in range(23))]
    stages = []
    for label, peak in (("direct", 3000), ("curriculum", 400)):
        for seed in (0, 1):
            series_id = hashlib.sha256(f"{label} {seed}".encode()).hexdigest()[:16]
            for step in steps:
                axes = {"target_kind": "trained", "seed": seed, "step": step, "training_kind": "adam", **SAMPLERS[1]}
                llc = 5 + 40 * math.exp(-(math.log((step + 1) / peak) ** 2) / 2) + seed
                row, _ = synthetic_run(f"{sweep} {label}", axes, llc, num_draws=60)
                doubt = {"verdict": "escaped", "llc": -3.0} if step == 0 else {}
                dataset.write_run(row | {"sweep": sweep, "label": label, "series_id": series_id} | doubt)
            ends = (0.2 * peak, float(peak), 9999.0)
            for stage, (start, end, way) in enumerate(zip((0.0, *ends), ends, ("flat", "up", "down"), strict=False)):
                between = {"end_step_low": 0.8 * end, "end_step_high": 1.25 * end} if stage < 2 else {}
                found = {"stage": stage, "num_stages": 3, "start_step": start, "end_step": end, "direction": way}
                stages.append({"series_id": series_id, "label": label, "seed": seed, **found, **between})
    dataset.write_stages(sweep, "llc", "stages", stages)
    return root


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with the sweep training."""
    return write_training(tmp_path_factory.mktemp("training") / "results")


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with the sweep digits_noise."""
    return write_digits(tmp_path_factory.mktemp("digits") / "results")


@pytest.fixture(scope="session")
def few_trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with the sweep few."""
    return write_few_trusted(tmp_path_factory.mktemp("few") / "results")


@pytest.fixture(scope="session")
def teacher_student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with the sweep teacher_student."""
    return write_teacher_student(tmp_path_factory.mktemp("teacher_student") / "results")
