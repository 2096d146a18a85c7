"""The LLC against the localization: its plateau, or that gamma decides."""

from matplotlib.axes import Axes

from llcray.report.colors import BLACK, BLUE, GREY
from llcray.report.diagnostics.chains import RunDraws
from llcray.report.plots.axes import set_log_ticks


def has_ladder(run: RunDraws) -> bool:
    """Whether the run sampled several gammas."""
    return bool(run.row.get("ladder_gamma"))


def ladder(axes: Axes, run: RunDraws) -> None:
    """LLC of each rung against gamma; open rungs are not to be trusted, the line is the plateau, if there is one."""
    row = run.row
    gammas, llcs, errors, verdicts = (row[f"ladder_{name}"] for name in ("gamma", "llc", "llc_se", "verdict"))
    for gamma, llc, error, verdict in zip(gammas, llcs, errors, verdicts, strict=True):
        fill = BLUE if verdict == "ok" else "white"
        axes.errorbar(gamma, llc, yerr=error, color=BLUE, marker="o", markersize=5, markerfacecolor=fill)
    axes.axvline(row["localization"], color=GREY, linewidth=1.0, linestyle=":", label="gamma of the estimate")
    if row["llc_plateau"] is not None:
        label = f"plateau {row['llc_plateau']:.4g} ± {row['llc_plateau_se']:.2g}"
        axes.axhline(row["llc_plateau"], color=BLACK, linewidth=1.1, linestyle="--", label=label)
    axes.set_title("plateau" if row["llc_plateau"] is not None else "no plateau: gamma decides", loc="right")
    axes.set_xscale("log")
    set_log_ticks(axes.xaxis, min(gammas), max(gammas))
    axes.set(xlabel="gamma (1/parameter²)", ylabel="LLC ± sampling (nats)", ylim=(0, None))
    axes.legend(fontsize=6.5, loc="lower left")
