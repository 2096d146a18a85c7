"""How many effective draws of the loss a sampler gets for its gradients and its CPU, and how far off it is.

    python benchmarks/efficiency.py --storage /tmp/efficiency --minutes 8

Runs what the dataset lacks, as many as the time allows, and writes the table of all there is to
benchmarks/efficiency.md. SGLD is tried at five steps, in units of the largest curvature of the posterior at w*, and
with the RMSProp preconditioner at five more, `ubu` and `sg_mclmc` at two; `auto` chooses for itself. They are compared
by the gradients that each needs for one total error, bias included. Work counts warmup, tuning and evaluations.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from llcray_storage import Dataset, scan_runs

from llcray.architectures import MLP
from llcray.data import Gaussian
from llcray.estimation.trial import run_trial
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import HMC, MCLMC, SGLD, SGMCLMC, UBU, Auto, Sampler
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.spec import RunSpec, TrialPlan
from llcray.targets import QuadraticTarget, RandomDeepLinearTarget, RealisableTarget, TargetSpec
from llcray.validation.summary import with_long_runs

SWEEP = "efficiency"
OUTPUT = Path(__file__).with_name("efficiency.md")
SGLD_SHARES = (0.001, 0.003, 0.01, 0.03, 0.1)
UNDERDAMPED_SHARES = (0.01, 0.1)
RMSPROP_STEPS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


@dataclass(frozen=True)
class Problem:
    """A target and what its chains may cost.

    Attributes:
        name: As it reads in the table.
        target: Its spec.
        curvature: Largest curvature of n beta L_n at w*, which SGLD's steps are measured in.
        num_gradients: Budget, full-data equivalents.
        answer: The LLC at automatic gamma, nats, where neither a formula nor the table of long runs has it.
    """

    name: str
    target: TargetSpec
    curvature: float
    num_gradients: float
    answer: float | None = None


PROBLEMS = (
    Problem("quadratic, d = 1,000", QuadraticTarget(num_params=1000, condition_number=1e4), 145, 6000),
    Problem("deep linear 7-9-5 r4, d = 108", RandomDeepLinearTarget(seed=25), 1.1e5, 4000),
    Problem("deep linear 47-22-25 r13, d = 1,584", RandomDeepLinearTarget(seed=4), 1.3e5, 4000),
    Problem(
        "tanh MLP 20-80-80-20, d = 9,780",
        RealisableTarget(
            data=Gaussian(input_dimension=20, output_dimension=20, num_data=2000),
            architecture=MLP(widths=(80, 80), activation="tanh"),
        ),
        5e5,
        3000,
        answer=2592,  # +- 4, by chains at several small steps, extrapolated
    ),
)


def main() -> None:
    """Runs, then writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", required=True, help="dataset to fill")
    parser.add_argument("--minutes", type=float, default=60, help="start no run after this time")
    arguments = parser.parse_args()
    dataset, started = Dataset.create_or_open(arguments.storage), time.monotonic()
    done = dataset.finished(SWEEP)
    runs = [(problem, label, run) for problem in PROBLEMS for label, run in _runs(problem)]
    for problem, label, run in runs:
        if run.run_id in done or time.monotonic() - started > 60 * arguments.minutes:
            continue
        for outcome in run_trial(TrialPlan((run,)), SWEEP, dataset):
            print(problem.name, label, outcome.row["llc"], outcome.row["verdict"], flush=True)
    names = pl.DataFrame(
        [(run.run_id, p.name, label, p.answer) for p, label, run in runs],
        ["run_id", "target", "label", "answer"],
        orient="row",
    )
    rows = with_long_runs(names.join(scan_runs(arguments.storage, SWEEP).collect(), on="run_id", maintain_order="left"))
    has_answer = pl.col("answer").is_not_null() & pl.col("true_llc").is_null()
    rows = rows.with_columns(
        pl.when(has_answer).then("answer").otherwise("true_llc").alias("true_llc"),
        pl.when(has_answer).then(pl.lit("finite_temperature")).otherwise("true_llc_kind").alias("true_llc_kind"),
    )
    OUTPUT.write_text("\n".join(_page(rows)) + "\n")
    print("\n".join(_page(rows)))
    print(f"{len(runs) - rows.height} of {len(runs)} runs are missing" if rows.height < len(runs) else "complete")


def _runs(problem: Problem) -> Iterator[tuple[str, RunSpec]]:
    until = StoppingCriteria(relative_mcse=0.003)
    sampling = SamplingSpec(until=until, budget=Budget(num_gradients=problem.num_gradients))
    samplers: dict[str, Sampler] = {"auto": Auto()}
    for share in SGLD_SHARES:
        samplers[f"sgld, epsilon {share:g} x 4/curvature"] = SGLD(step_size=4 * share / problem.curvature)
    for step in RMSPROP_STEPS:
        samplers[f"sgld rmsprop, epsilon {step:g}"] = SGLD(step_size=step, preconditioner="rmsprop")
    for share in UNDERDAMPED_SHARES:
        step = (share / problem.curvature) ** 0.5
        samplers[f"ubu, h^2 {share:g}/curvature"] = UBU(step_size=step)
        samplers[f"sg_mclmc, h^2 {share:g}/curvature"] = SGMCLMC(step_size=step)
    samplers |= {"hmc": HMC(), "mclmc": MCLMC()}
    for label, sampler in samplers.items():
        yield label, RunSpec(target=problem.target, posterior=PosteriorSpec(), sampler=sampler, sampling=sampling)


def _page(rows: pl.DataFrame) -> Iterator[str]:
    yield "# Efficiency of the samplers"
    yield ""
    yield "Made by `benchmarks/efficiency.py`. ESS: effective draws of the loss (bulk). FDE: full-data-equivalent"
    yield "gradients. WNV: squared Monte Carlo error times FDE, nats^2, in which a bias does not count."
    yield "error: (LLC - truth)/truth with its Monte Carlo error; truths are finite-temperature values, exact or from"
    yield "long runs. Where none is known: the predicted step-size bias left in the estimate, bracketed."
    for target in dict.fromkeys(rows["target"]):
        mine = rows.filter(pl.col("target") == target)
        yield from (
            "",
            f"## {target}",
            "",
            *_table(mine),
            "",
            "`auto` against the best step of each:",
            "",
            *_comparison(mine),
        )


def _table(rows: pl.DataFrame) -> Iterator[str]:
    yield "| sampler | ESS / 1,000 FDE | ESS / CPU second | WNV | LLC | error | R-hat | verdict |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows.iter_rows(named=True):
        per_second = row["ess_bulk"] / row["sampling_cpu_seconds"]
        cells = (
            row["label"],
            f"{1000 * row['ess_per_gradient']:.3g}",
            f"{per_second:.3g}",
            f"{row['wnv_gradients']:.3g}",
            f"{row['llc']:.4g} ± {row['llc_mcse']:.2g}",
            _error(row),
            f"{row['rhat']:.3f}",
            row["verdict"],
        )
        yield "| " + " | ".join(cells) + " |"


def _error(row: dict) -> str:
    if row["true_llc_kind"] == "finite_temperature":
        return f"{100 * (row['llc'] / row['true_llc'] - 1):+.1f}% ± {100 * row['llc_mcse'] / row['true_llc']:.1f}%"
    return f"({100 * _predicted_bias(row) / row['llc']:+.1f}%)"


def _predicted_bias(row: dict) -> float:
    """The bias that is left in the estimate; `auto` has subtracted its own."""
    return 0.0 if row["sampler_kind"] == "auto" else row["step_size_bias"] or 0.0


def _comparison(rows: pl.DataFrame) -> Iterator[str]:
    """How much less work `auto` needs for its total error than the best step of each family of competitors."""
    found = rows.filter(pl.col("label") == "auto").to_dicts()
    if not found:
        yield "`auto` was not run."
        return
    [auto] = found
    for name, chosen in (
        ("SGLD", pl.col("label").str.starts_with("sgld,")),
        ("RMSProp-SGLD", pl.col("label").str.contains("rmsprop")),
        ("UBU", pl.col("label").str.starts_with("ubu")),
        ("SG-MCLMC", pl.col("label").str.starts_with("sg_mclmc")),
        ("HMC", pl.col("label") == "hmc"),
        ("MCLMC", pl.col("label") == "mclmc"),
    ):
        others = rows.filter(chosen).to_dicts()
        if others:
            yield f"- {name}: {_against(auto, others)}."


def _against(auto: dict, others: list[dict]) -> str:
    """What the best of the others needs for the error of `auto`, and where none reaches it, for a larger one."""
    wanted = _total_error(auto)
    best = min(others, key=lambda row: _work(row, wanted))
    if np.isfinite(_work(best, wanted)):
        ratio = _work(best, wanted) / _work(auto, wanted)
        return f"{ratio:.1f} times the gradients for a total error of {_percent(auto, wanted)} ({best['label']})"
    best = min(others, key=_total_error)
    reached = _total_error(best)
    ratio = _work(best, reached) / _work(auto, reached)
    none = f"none reaches a total error of {_percent(auto, wanted)}"
    return f"{none}; {ratio:.1f} times the gradients for {_percent(auto, reached)}, the least of any ({best['label']})"


def _percent(auto: dict, error: float) -> str:
    return f"{error / abs(auto['llc']):.1%}"


def _work(row: dict, error: float) -> float:
    """Full-data gradients for a total error, nats: the variance falls with the work, the bias stays."""
    left = error**2 - _bias(row) ** 2
    return row["num_gradients"] * row["llc_mcse"] ** 2 / left if left > 0 else float("inf")


def _total_error(row: dict) -> float:
    """Root of the squared Monte Carlo error and the squared bias, nats."""
    return float(np.hypot(row["llc_mcse"], _bias(row)))


def _bias(row: dict) -> float:
    """The bias that is predicted, or the error beyond two Monte Carlo errors where that is more, nats.

    That of `auto` is at least what it says to be uncertain of.
    """
    predicted = row["step_size_bias_se"] if row["sampler_kind"] == "auto" else abs(_predicted_bias(row))
    if row["true_llc_kind"] == "finite_temperature":
        return max(abs(row["llc"] - row["true_llc"]) - 2 * row["llc_mcse"], predicted)
    return predicted


if __name__ == "__main__":
    main()
