"""Plots of the LLC's own draws, which show whether the chains have converged, and to one answer."""

import numpy as np
from llcray_storage.schema.verdicts import MIN_ESS, RHAT_LIMIT
from matplotlib.axes import Axes

from llcray.report.colors import BLACK, BLUE, GREY, VERMILION, chain_color
from llcray.report.diagnostics import statistics
from llcray.report.diagnostics.chains import RunDraws

BAND = {"color": GREY, "alpha": 0.22, "linewidth": 0}
RHAT_LIMITS = (1.01, RHAT_LIMIT)
MAX_LAGS = 120
THIN = 0.8


def running_llc(axes: Axes, run: RunDraws) -> None:
    """Mean of the draws so far: a line for each chain, one for all, and the final mean +- 2 sampling errors."""
    means = statistics.running_mean(run.llc_draws)
    draws = np.arange(1, means.shape[1] + 1)
    for chain, mean in zip(run.chains, means, strict=True):
        axes.plot(draws, mean, color=chain_color(chain), linewidth=THIN, label=f"chain {chain}")
    axes.plot(draws, means.mean(axis=0), color=BLACK, linewidth=1.8, label="all chains")
    llc, error = run.row["llc"], run.row["llc_sampling_se"]
    if llc is not None and error is not None:
        axes.axhspan(llc - 2 * error, llc + 2 * error, label="± 2 sampling errors", **BAND)
    if run.row["true_llc"] is not None:
        axes.axhline(run.row["true_llc"], color=BLACK, linestyle=":", linewidth=1.2, label="known answer")
    late = means[:, means.shape[1] // 20 :]
    middle, reach = late.mean(), max(np.abs(late - late.mean()).max(), 3 * (error or 0.0))
    axes.set_ylim(middle - 1.3 * reach, middle + 1.3 * reach)
    axes.set(xlabel="draw after burn-in", ylabel="running LLC (nats)")
    _legend_above(axes)


def trace(axes: Axes, run: RunDraws) -> None:
    """The loss by draw, burn-in shaded."""
    losses = (run.row["loss_at_center"] or 0.0) + run.series["centered_loss"]
    for chain, values in zip(run.chains, losses, strict=True):
        axes.plot(values, color=chain_color(chain), linewidth=0.5, alpha=0.75, rasterized=True)
    axes.axhline(run.row["loss_at_center"] or 0.0, color=BLACK, linestyle=":", linewidth=1.0)
    axes.set_title("dotted: L(w*)", loc="right", fontsize=7, color=GREY)
    _shade_burn_in(axes, run)
    axes.set(xlabel="draw", ylabel="L(w) (nats per example)")


def centered_loss(axes: Axes, run: RunDraws) -> None:
    """n beta (L - L*) by draw: below zero, the chain is at lower loss than w*."""
    for chain, values in zip(run.chains, run.all_llc_draws, strict=True):
        axes.plot(values, color=chain_color(chain), linewidth=0.5, alpha=0.75, rasterized=True)
    axes.axhline(0.0, color=BLACK, linewidth=1.0)
    below = float((run.llc_draws < 0).mean())
    axes.set_title(f"{below:.1%} of the kept draws below zero", loc="right")
    _shade_burn_in(axes, run)
    axes.set(xlabel="draw", ylabel="n·beta (L(w) − L(w*)) (nats)")


def autocorrelation(axes: Axes, run: RunDraws) -> None:
    """Autocorrelation of the loss by lag, with the band that white noise stays in."""
    num_draws = run.llc_draws.shape[1]
    correlations = statistics.autocorrelation(run.llc_draws, min(MAX_LAGS, num_draws // 2))
    for chain, values in zip(run.chains, correlations, strict=True):
        axes.plot(values, color=chain_color(chain), linewidth=THIN)
    axes.plot(np.nanmean(correlations, axis=0), color=BLACK, linewidth=1.8)
    noise = 1.96 / np.sqrt(num_draws)
    axes.axhspan(-noise, noise, **BAND)
    axes.axhline(0.0, color=BLACK, linewidth=0.7)
    if run.row["ess_bulk"]:
        time = run.llc_draws.size / run.row["ess_bulk"]
        axes.set_title(f"one effective draw in {time:.1f}", loc="right")
    axes.set(xlabel="lag (draws)", ylabel="autocorrelation of the loss", ylim=(min(-0.15, -2 * noise), 1.02))


def ess_evolution(axes: Axes, run: RunDraws) -> None:
    """Effective draws as draws are added: a straight line through zero when chains mix."""
    totals = statistics.prefixes(run.llc_draws.shape[1]) * len(run.chains)
    for method, color, marker in (("bulk", BLUE, "o"), ("tail", VERMILION, "s")):
        values = statistics.ess_evolution(run.llc_draws, method)
        axes.plot(totals, values, color=color, marker=marker, markersize=3, label=f"{method} ESS")
    axes.axhline(MIN_ESS, color=BLACK, linestyle=":", linewidth=1.0, label=f"{MIN_ESS}: the least for a verdict of ok")
    axes.set(xlabel="draws, all chains", ylabel="effective draws", xlim=(0, None), ylim=(0, None))
    axes.legend(fontsize=6.5)


def quantile_ess(axes: Axes, run: RunDraws) -> None:
    """Effective draws for each quantile: a dip says which part of the distribution is ill explored."""
    values = statistics.quantile_ess(run.llc_draws)
    axes.plot(statistics.QUANTILES, values, color=BLUE, marker="o", markersize=3.5, linewidth=0.8)
    axes.axhline(MIN_ESS, color=BLACK, linestyle=":", linewidth=1.0)
    axes.set(xlabel="quantile of the loss", ylabel="effective draws", xlim=(0, 1), ylim=(0, None))


def rhat_evolution(axes: Axes, run: RunDraws) -> None:
    """Split R-hat as draws are added."""
    totals = statistics.prefixes(run.llc_draws.shape[1]) * len(run.chains)
    values = statistics.rhat_evolution(run.llc_draws)
    axes.plot(totals, values, color=BLUE, marker="o", markersize=3)
    for limit, line in zip(RHAT_LIMITS, ("--", ":"), strict=True):
        axes.axhline(limit, color=BLACK, linestyle=line, linewidth=1.0, label=f"{limit}")
    top = max(1.06, 1.0 + 1.1 * (float(np.nanmax(values)) - 1.0))
    axes.set(xlabel="draws, all chains", ylabel="split R-hat", xlim=(0, None), ylim=(0.995, top))
    axes.legend(fontsize=6.5)


def rank(axes: Axes, run: RunDraws) -> None:
    """How often each chain holds each rank: within the band when all chains draw from one distribution."""
    _rank_lines(axes, run, run.llc_draws)
    axes.set_xlabel("rank of the loss among all draws (share)")


def projection_trace(axes: Axes, run: RunDraws) -> None:
    """Coordinates of the stored random projection of w - w*, in standard deviations, one above the other."""
    assert run.projection is not None
    shown = min(4, run.projection.shape[2])
    for index in range(shown):
        values = run.projection[:, :, index]
        scaled = (values - values.mean()) / (values.std() or 1.0) + 7 * index
        for chain, line in zip(run.chains, scaled, strict=True):
            axes.plot(line, color=chain_color(chain), linewidth=0.4, alpha=0.75, rasterized=True)
    axes.set_yticks([7 * index for index in range(shown)], [str(index) for index in range(shown)])
    _shade_burn_in(axes, run)
    axes.set(xlabel="draw", ylabel="coordinate of the projection")


def projection_rank(axes: Axes, run: RunDraws) -> None:
    """The rank plot of the coordinate of the projection that has converged least."""
    assert run.projection is not None
    kept = run.projection[:, run.num_warmup_draws :]
    worst = statistics.worst_coordinate(kept)
    _rank_lines(axes, run, kept[:, :, worst])
    axes.set_xlabel(f"rank of coordinate {worst} of the projection (share)")


def _rank_lines(axes: Axes, run: RunDraws, series: np.ndarray) -> None:
    counts = statistics.rank_counts(series)
    edges = np.linspace(0, 1, counts.shape[1] + 1)
    expected = series.shape[1] / counts.shape[1]
    spread = statistics.rank_spread(series, counts.shape[1])
    axes.axhspan(expected - 2 * spread, expected + 2 * spread, **BAND)
    axes.axhline(expected, color=BLACK, linewidth=0.8)
    for chain, values in zip(run.chains, counts, strict=True):
        axes.stairs(values, edges, color=chain_color(chain), linewidth=1.0, label=f"chain {chain}")
    axes.set(ylabel="draws in the bin", ylim=(0, None), xlim=(0, 1))
    _legend_above(axes)


def _legend_above(axes: Axes) -> None:
    """Put the legend between the title and the axes, where it hides nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.99), "borderaxespad": 0.1}
    axes.legend(ncols=8, fontsize=6, handlelength=1.2, columnspacing=0.9, handletextpad=0.4, **place)


def _shade_burn_in(axes: Axes, run: RunDraws) -> None:
    axes.set_xlim(0, run.series["centered_loss"].shape[1])
    if run.num_warmup_draws:
        axes.axvspan(0, run.num_warmup_draws, **BAND)
        axes.set_title("shaded: burn-in, not averaged", loc="left", fontsize=7, color=GREY)
