"""Plots that show whether the sampler worked as it should: energy, acceptance, distance, dispersion, calibration."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from llcray_storage.schema.verdicts import MIN_ACCEPTANCE
from matplotlib.axes import Axes
from scipy import stats

from llcray.report.colors import BLACK, BLUE, GREEN, GREY, VERMILION, chain_color
from llcray.report.diagnostics import statistics
from llcray.report.diagnostics.chains import Row, RunDraws
from llcray.report.plots.axes import set_log_ticks

MIN_BFMI = 0.3
FILL: dict[str, Any] = {"histtype": "stepfilled", "alpha": 0.45, "linewidth": 0}
"""A histogram is one shape, since a shape for each bar would take most of the time of a figure."""


def acceptance(axes: Axes, run: RunDraws) -> None:
    """Acceptance probabilities, with their mean, the rate aimed at, and the least for a verdict of ok."""
    values = run.kept(run.series["acceptance_rate"]).ravel()
    axes.hist(values, bins=np.linspace(0, 1, 41).tolist(), color=BLUE, **FILL)
    lines = [(float(values.mean()), "-", f"mean {values.mean():.2f}")]
    if aimed := run.row.get("sampler_target_acceptance_rate"):
        lines.append((aimed, "--", f"aimed at {aimed:g}"))
    lines.append((MIN_ACCEPTANCE, ":", f"{MIN_ACCEPTANCE}: the least for a verdict of ok"))
    for at, line, words in lines:
        axes.axvline(at, color=BLACK, linestyle=line, linewidth=1.1, label=words)
    axes.set(xlabel="acceptance probability", ylabel="draws", xlim=(0, 1))
    axes.legend(fontsize=6, ncols=3, loc="lower left", bbox_to_anchor=(-0.02, 0.99), borderaxespad=0.1)


def energy(axes: Axes, run: RunDraws) -> None:
    """Energy and its change from draw to draw: when changes are much narrower, tails are explored slowly (low BFMI)."""
    values = run.kept(run.series["energy"])
    centered = (values - values.mean(axis=1, keepdims=True)).ravel()
    changes = np.diff(values, axis=1).ravel()
    reach = max(np.abs(centered).max(), np.abs(changes).max()) or 1.0
    bins = np.linspace(-reach, reach, 61).tolist()
    axes.hist(centered, bins=bins, density=True, color=BLUE, label="energy − mean", **FILL)
    axes.hist(changes, bins=bins, density=True, histtype="step", color=VERMILION, linewidth=1.3, label="change")
    lowest = float(np.nanmin(statistics.bfmi(values)))
    axes.set_title(f"lowest BFMI {lowest:.2f}" + (" (low)" if lowest < MIN_BFMI else ""), loc="right")
    axes.set(xlabel="energy (nats)", ylabel="density")
    axes.legend(fontsize=6.5, loc="upper left")


def energy_change(axes: Axes, run: RunDraws) -> None:
    """Energy error of a step, root mean square between draws, beside the error that the step size was tuned for."""
    values = np.abs(run.kept(run.series["energy_change"]).ravel())
    values = values[values > 0]
    if values.size:
        axes.hist(values, bins=np.geomspace(values.min(), values.max() * 1.001, 50).tolist(), color=GREEN, **FILL)
        axes.set_xscale("log")
        set_log_ticks(axes.xaxis, values.min(), values.max())
        middle = float(np.median(values))
        axes.axvline(middle, color=BLACK, linewidth=1.1, label=f"median {middle:.2g}")
        variance, dimension = run.row.get("sampler_energy_variance"), run.row["num_sampled_params"]
        if variance and dimension:
            aimed = math.sqrt(variance * dimension)
            axes.axvline(aimed, color=BLACK, linestyle="--", linewidth=1.1, label=f"aimed at {aimed:.2g}")
        axes.legend(fontsize=6.5)
    axes.set(xlabel="energy change of a step (nats)", ylabel="draws")


def distance(axes: Axes, run: RunDraws) -> None:
    """Distance from w* by draw; it mixes more slowly than the loss."""
    for chain, values in zip(run.chains, np.sqrt(run.series["squared_distance"]), strict=True):
        axes.plot(values, color=chain_color(chain), linewidth=0.7, rasterized=True)
    if run.num_warmup_draws:
        axes.axvspan(0, run.num_warmup_draws, color=GREY, alpha=0.22, linewidth=0)
    axes.set(xlabel="draw", ylabel="|w − w*|", ylim=(0, None), xlim=(0, run.series["squared_distance"].shape[1]))


def dispersion(axes: Axes, run: RunDraws) -> None:
    """Draws of n beta (L - L*) beside Gamma(LLC, 1), their distribution for multiplicity 1 and a scale-free basin."""
    values = run.kept(run.raw_llc_draws).ravel()
    axes.hist(values, bins=60, density=True, color=BLUE, label="draws", **FILL)
    mean = float(values.mean())
    ratio = float(values.var() / mean) if mean else float("nan")
    if mean > 0:
        grid = np.linspace(max(values.min(), 1e-9), values.max(), 300)
        axes.plot(grid, stats.gamma.pdf(grid, mean), color=BLACK, linewidth=1.4, label=f"Gamma({mean:.3g}, 1)")
    axes.set_title(f"variance / mean {ratio:.2f} (1 for a Gamma)", loc="right")
    axes.set(xlabel="n·beta (L(w) − L(w*)) (nats)", ylabel="density")
    axes.legend(fontsize=6.5)


def calibration_step(axes: Axes, run: RunDraws) -> None:
    """The step size through calibration; restarts and shrinkings are named."""
    steps = [decision.get("step_size", np.nan) for decision in run.decisions]
    axes.plot(steps, color=BLUE, marker="o", markersize=4)
    axes.set_yscale("log")
    positive = [step for step in steps if step > 0]
    if positive:
        set_log_ticks(axes.yaxis, min(positive), max(positive))
    axes.set(ylabel="step size")
    _name_decisions(axes, run)


def calibration_llc(axes: Axes, run: RunDraws) -> None:
    """LLC and heat, the predicted step-size bias, as calibration went on."""
    for name, error, color, words in (("llc", "mcse", BLUE, "LLC ± sampling"), ("heat", "heat_se", VERMILION, "heat")):
        points = [(at, d[name], d.get(error, 0.0)) for at, d in enumerate(run.decisions) if name in d]
        if points:
            at, values, errors = zip(*points, strict=True)
            axes.errorbar(at, values, yerr=errors, color=color, marker="o", markersize=4, linewidth=1, label=words)
    axes.set(ylabel="nats")
    axes.legend(fontsize=6.5)
    _name_decisions(axes, run)


def calibration_levels(axes: Axes, run: RunDraws) -> None:
    """Raw means at the steps sampled, hot burn-in included, against the bias predicted there; at zero bias the LLC.

    The line's slope is the factor that corrects the prediction. Levels far off the line are not to be trusted.
    """
    levels = _levels(run.decisions)
    last = levels[-1]
    for level in levels:
        is_last = level is last
        axes.errorbar(
            level["predicted_bias"],
            level["raw"],
            xerr=level.get("predicted_bias_se", 0.0),
            yerr=level.get("raw_se", 0.0),
            color=BLUE if is_last else VERMILION,
            marker="o",
            markersize=4,
            label=f"{'production' if is_last else 'hotter'}, step size {level['step_size']:.3g}",
        )
    reach = max(level["predicted_bias"] for level in levels)
    ends = np.array([0.0, 1.05 * reach])
    factor, llc = last.get("factor", 1.0), last["llc"]
    axes.plot(ends, llc + factor * ends, color=BLACK, linewidth=1, label=f"factor {factor:.3g}")
    axes.errorbar(0.0, llc, yerr=last.get("llc_se", 0.0), color=BLACK, marker="s", markersize=4, label="LLC")
    axes.set(xlabel="predicted step-size bias (nats)", ylabel="n·beta (L − L*) (nats)")
    axes.legend(fontsize=6.5)


def has_levels(decisions: Sequence[Row]) -> bool:
    """Whether a calibration compared levels at two steps."""
    return len(_levels(decisions)) > 1


def _levels(decisions: Sequence[Row]) -> list[Row]:
    """The levels that an estimate rests on: the last one at each step, the burn-in's first."""
    return list({d["step_size"]: d for d in decisions if "predicted_bias" in d}.values())


def _name_decisions(axes: Axes, run: RunDraws) -> None:
    names = [str(decision.get("action", "")) for decision in run.decisions]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor", fontsize=6)
    axes.set_xlim(-0.5, len(names) - 0.5)
