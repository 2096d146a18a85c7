"""All diagnostics by name, and for each of them whether a run has the draws for it."""

import difflib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from llcray.report.diagnostics import convergence, localization, sampling
from llcray.report.diagnostics.chains import RunDraws
from llcray.report.errors import ReportError


class Diagnostic(NamedTuple):
    """One plot of a run's draws.

    Attributes:
        draw: Draws the plot on axes; its docstring says what to look for.
        applies: Whether the run recorded what the plot shows.
    """

    draw: Callable[[Axes, RunDraws], None]
    applies: Callable[[RunDraws], bool]


def _always(run: RunDraws) -> bool:
    return True


def _recorded(name: str) -> Callable[[RunDraws], bool]:
    return lambda run: name in run.series


def _projected(run: RunDraws) -> bool:
    return run.projection is not None


def _compared(run: RunDraws) -> bool:
    return sampling.has_levels(run.decisions)


def _calibrated(run: RunDraws) -> bool:
    return len(run.decisions) > 1


DIAGNOSTICS: dict[str, Diagnostic] = {
    "running_llc": Diagnostic(convergence.running_llc, _always),
    "trace": Diagnostic(convergence.trace, _always),
    "centered_loss": Diagnostic(convergence.centered_loss, _always),
    "autocorrelation": Diagnostic(convergence.autocorrelation, _always),
    "ess_evolution": Diagnostic(convergence.ess_evolution, _always),
    "quantile_ess": Diagnostic(convergence.quantile_ess, _always),
    "rhat_evolution": Diagnostic(convergence.rhat_evolution, lambda run: len(run.chains) > 1),
    "rank": Diagnostic(convergence.rank, lambda run: len(run.chains) > 1),
    "dispersion": Diagnostic(sampling.dispersion, _always),
    "distance": Diagnostic(sampling.distance, _recorded("squared_distance")),
    "acceptance": Diagnostic(sampling.acceptance, _recorded("acceptance_rate")),
    "energy": Diagnostic(sampling.energy, _recorded("energy")),
    "energy_change": Diagnostic(sampling.energy_change, _recorded("energy_change")),
    "projection_trace": Diagnostic(convergence.projection_trace, _projected),
    "projection_rank": Diagnostic(convergence.projection_rank, lambda run: _projected(run) and len(run.chains) > 1),
    "calibration_step": Diagnostic(sampling.calibration_step, _calibrated),
    "calibration_llc": Diagnostic(sampling.calibration_llc, _calibrated),
    "calibration_levels": Diagnostic(sampling.calibration_levels, _compared),
    "ladder": Diagnostic(localization.ladder, localization.has_ladder),
}


def selected(names: Sequence[str]) -> dict[str, Diagnostic]:
    """The diagnostics with these names; all of them where no name is given.

    Raises:
        ReportError: A name is unknown.
    """
    for name in names:
        if name not in DIAGNOSTICS:
            near = difflib.get_close_matches(name, DIAGNOSTICS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(DIAGNOSTICS)}."
            raise ReportError(f"there is no plot '{name}': {hint}")
    return {name: DIAGNOSTICS[name] for name in (names or DIAGNOSTICS)}
